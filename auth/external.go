package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// ExternalIssuer is an identity provider of the company, whose ID tokens enrol devices.
type ExternalIssuer struct {
	// Issuer is the iss of its tokens, an address.
	Issuer string
	// JWKSURL is where its keys are published.
	JWKSURL string
	// Audience is the aud that its tokens must have: the client id of the app.
	Audience string
	// Claim holds what becomes the person's external id (an employee number); "": "sub".
	Claim string
	// Prefix is put before the claim's value, to keep the ids of several issuers apart; may be empty.
	Prefix string
	// AllowUnbound takes tokens whose nonce is not the base64url SHA-256 of the device's public key. Such a token, stolen while it
	// lives, enrols the thief's device: set it only for an issuer that cannot carry a nonce.
	AllowUnbound bool
	// CreateUnder is the home node of people who are created when a token names somebody unknown; "": nobody is created. Who is
	// created has no role.
	CreateUnder NodeID
	// NameClaim holds the name of people who are created; "": "name".
	NameClaim string
	// Client fetches the keys; nil: http.DefaultClient's transport.
	Client *http.Client
}

func (e ExternalIssuer) validate() error {
	var faults []error
	u, err := url.Parse(e.JWKSURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		faults = append(faults, fmt.Errorf("external issuer %q: the JWKS address %q is no address", e.Issuer, e.JWKSURL))
	}
	if e.Issuer == "" || e.Audience == "" {
		faults = append(faults, fmt.Errorf("external issuer %q: issuer and audience are required", e.Issuer))
	}
	if e.CreateUnder != "" {
		if _, ok := parseUID(string(e.CreateUnder)); !ok {
			faults = append(faults, fmt.Errorf("external issuer %q: %q is no node id", e.Issuer, e.CreateUnder))
		}
	}
	return errors.Join(faults...)
}

const (
	fetchTimeout  = 5 * time.Second
	maxJWKS       = 1 << 20 // bytes
	maxExternalID = 256     // bytes
)

// asymmetric are the algorithms that an issuer may sign by: none with a shared secret, and never "none".
func asymmetric() []string {
	return []string{"EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}
}

// externalPerson is who an ID token says it is.
type externalPerson struct {
	id, name    string
	createUnder NodeID
}

type externals struct {
	issuers map[string]*issuer
}

// issuer is an ExternalIssuer with its keys, which are fetched when the first token comes.
type issuer struct {
	ExternalIssuer
	life   context.Context // ends with the Authority: the key set is refreshed until then
	log    *slog.Logger
	parser *jwt.Parser
	ok     atomic.Bool // the last fetch succeeded

	mu   sync.Mutex // guards keys
	keys keyfunc.Keyfunc
}

func newExternals(life context.Context, cfg Config) *externals {
	all := &externals{issuers: map[string]*issuer{}}
	for _, e := range cfg.Externals {
		or(&e.Claim, "sub")
		or(&e.NameClaim, "name")
		all.issuers[e.Issuer] = &issuer{ExternalIssuer: e, life: life, log: cfg.Logger,
			parser: jwt.NewParser(jwt.WithValidMethods(asymmetric()), jwt.WithIssuer(e.Issuer), jwt.WithAudience(e.Audience),
				jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(cfg.Now), jwt.WithLeeway(cfg.Leeway))}
	}
	return all
}

// identify checks an ID token and returns who it names.
func (all *externals) identify(ctx context.Context, token string, publicKey []byte) (externalPerson, error) {
	var peek jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &peek); err != nil {
		return externalPerson{}, badToken(err)
	}
	i, ok := all.issuers[peek.Issuer]
	if !ok {
		return externalPerson{}, badToken(errors.New("unknown issuer"))
	}
	keys, err := i.keySet()
	if err != nil {
		return externalPerson{}, i.down(err)
	}
	c := jwt.MapClaims{}
	_, err = i.parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		if typ, ok := t.Header["typ"].(string); ok && !strings.EqualFold(typ, "JWT") {
			return nil, errors.New("not an ID token")
		}
		if kid, _ := t.Header["kid"].(string); kid == "" {
			return nil, errors.New("the token does not name its key")
		}
		return keys.KeyfuncCtx(ctx)(t)
	})
	switch {
	case err != nil && errors.Is(err, jwt.ErrTokenUnverifiable) && !i.ok.Load():
		return externalPerson{}, i.down(err)
	case err != nil:
		return externalPerson{}, badToken(err)
	}
	if !i.AllowUnbound {
		sum := sha256.Sum256(publicKey)
		nonce, _ := c["nonce"].(string)
		if !equal([]byte(nonce), []byte(base64.RawURLEncoding.EncodeToString(sum[:]))) {
			return externalPerson{}, badToken(errors.New("the token was not made for this device's key"))
		}
	}
	id, _ := c[i.Claim].(string)
	name, _ := c[i.NameClaim].(string)
	if id = strings.TrimSpace(id); id == "" || len(i.Prefix+id) > maxExternalID {
		return externalPerson{}, badToken(fmt.Errorf("the claim %q is missing, empty or too long", i.Claim))
	}
	if len(name) > 256 {
		name = strings.ToValidUTF8(name[:256], "")
	}
	return externalPerson{id: i.Prefix + id, name: name, createUnder: i.CreateUnder}, nil
}

func (i *issuer) down(cause error) *Error {
	e := refuse(roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE, "身份认证服务暂时无法访问，请稍后再试",
		"The identity provider does not answer: try again later").because(cause)
	e.Problem.RetryAfter = durationpb.New(10 * time.Second)
	return e
}

func (i *issuer) keySet() (keyfunc.Keyfunc, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keys != nil {
		return i.keys, nil
	}
	client := http.Client{Transport: http.DefaultTransport}
	if i.Client != nil {
		client = *i.Client
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = &watchedTransport{next: client.Transport, ok: &i.ok}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	keys, err := keyfunc.NewDefaultOverrideCtx(i.life, []string{i.JWKSURL}, keyfunc.Override{
		Client: &client, HTTPTimeout: fetchTimeout, RateLimitWaitMax: fetchTimeout, RefreshInterval: time.Hour,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(10*time.Second), 3),
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(ctx context.Context, err error) {
				i.log.WarnContext(ctx, "keys of the external issuer not fetched", "issuer", i.Issuer, "error", err)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	i.keys = keys
	return keys, nil
}

// watchedTransport bounds what is read and notes whether the issuer answers.
type watchedTransport struct {
	next http.RoundTripper
	ok   *atomic.Bool
}

var _ http.RoundTripper = (*watchedTransport)(nil)

// RoundTrip sends one request.
func (w *watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	w.ok.Store(err == nil && resp.StatusCode == http.StatusOK)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxJWKS), resp.Body}
	}
	return resp, err
}

// admitByExternal finds the person of an external id, or makes one where the issuer is set up for that.
func (a *Authority) admitByExternal(who externalPerson) func(*tx, time.Time) (uid, func(uid) error, error) {
	return func(t *tx, now time.Time) (uid, func(uid) error, error) {
		ref, found, err := t.Get(externalAt(who.id))
		if err != nil {
			return uid{}, nil, err
		}
		if found {
			return uid(ref), func(uid) error { return nil }, nil
		}
		unknown := refuse(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "系统中没有您的账号，请联系管理员",
			"Nobody with your number is known here: ask an administrator")
		if who.createUnder == "" {
			return uid{}, nil, unknown.because(errors.New("no person with this external id"))
		}
		home, _ := parseUID(string(who.createUnder))
		if _, found, err = t.Get(key(keyNode, home[:])); err != nil {
			return uid{}, nil, err
		} else if !found {
			return uid{}, nil, unknown.because(errors.New("the node for new people does not exist"))
		}
		id, err := newUID(now, a.cfg.Rand)
		if err != nil {
			return uid{}, nil, err
		}
		p := &roundsv1.Person{PersonId: id.String(), Name: who.name, HomeNodeId: home.String(), ExternalId: who.id, CreatedUs: now.UnixMicro()}
		return id, func(uid) error { return putPerson(t, id, home, p) }, nil
	}
}

func externalAt(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return key(keyExternal, sum[:])
}

// putPerson writes a new person with all that refers to them.
func putPerson(t *tx, id, home uid, p *roundsv1.Person) error {
	if p.GetExternalId() != "" {
		t.set(externalAt(p.GetExternalId()), id[:])
	}
	t.set(key(keyHome, home[:], id[:]), nil)
	return t.write(key(keyPerson, id[:]), p)
}
