package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// provider is the company's identity provider, over HTTP.
type provider struct {
	*httptest.Server
	mu   sync.Mutex
	keys map[string]any // kid → private key
	down bool
}

func newProvider(t *testing.T) *provider {
	p := &provider{keys: map[string]any{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.keys["rsa"] = key
	return p
}

func (p *provider) set(kid string, key any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[kid] = key
}

func (p *provider) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *provider) serve(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	b64 := base64.RawURLEncoding.EncodeToString
	set := []map[string]string{}
	for kid, key := range p.keys {
		switch k := key.(type) {
		case *rsa.PrivateKey:
			set = append(set, map[string]string{"kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig", "n": b64(k.N.Bytes()),
				"e": b64(big.NewInt(int64(k.E)).Bytes())})
		case *ecdsa.PrivateKey:
			raw, _ := k.PublicKey.Bytes()
			set = append(set, map[string]string{"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "x": b64(raw[1:33]), "y": b64(raw[33:])})
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
}

func (p *provider) issuer() auth.ExternalIssuer {
	return auth.ExternalIssuer{Issuer: p.URL, JWKSURL: p.URL + "/keys", Audience: "rounds-app", Claim: "employee_number"}
}

func (p *provider) claims(w *world, key ed25519.PrivateKey) jwt.MapClaims {
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey))
	now := w.clock.now()
	return jwt.MapClaims{"iss": p.URL, "aud": "rounds-app", "sub": "u-1", "employee_number": "E-7", "name": "李", "iat": now.Unix(),
		"exp": now.Add(5 * time.Minute).Unix(), "nonce": base64.RawURLEncoding.EncodeToString(sum[:])}
}

func (w *world) enrollBy(key ed25519.PrivateKey, token string) (*phone, error) {
	public := key.Public().(ed25519.PublicKey)
	resp, err := w.Enroll(w.t.Context(), home, &roundsv1.EnrollRequest{Proof: &roundsv1.EnrollRequest_IdToken{IdToken: token}, PublicKey: public,
		Audience: audience, Signature: ed25519.Sign(key, auth.EnrollChallenge(audience, token, public))})
	if err != nil {
		return nil, err
	}
	return w.phone(key, resp), nil
}

func TestExternalIssuer(t *testing.T) {
	p := newProvider(t)
	w := found(t, func(c *auth.Config) {
		c.Externals = []auth.ExternalIssuer{p.issuer()}
		c.Lockout.Free = 1000
	})
	key := newKey(w)
	rsaKey := p.keys["rsa"].(*rsa.PrivateKey)
	head := map[string]any{"kid": "rsa"}
	token := forge(t, jwt.SigningMethodRS256, rsaKey, head, p.claims(w, key))
	_, err := w.enrollBy(key, token)
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT) // nobody has that number, and nobody is made
	resp, err := w.Admin().CreatePerson(t.Context(), w.boss.identity(), &roundsv1.CreatePersonRequest{Name: "Li", HomeNodeId: string(w.root),
		ExternalId: "E-7"})
	if err != nil {
		t.Fatal(err)
	}
	li := resp.GetPerson().GetPersonId()

	with := func(k string, v any) jwt.MapClaims { c := p.claims(w, key); c[k] = v; return c }
	without := func(k string) jwt.MapClaims { c := p.claims(w, key); delete(c, k); return c }
	rs := func(c jwt.MapClaims) string { return forge(t, jwt.SigningMethodRS256, rsaKey, head, c) }
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) int64 { return w.clock.now().Add(d).Unix() }
	for name, bad := range map[string]string{
		"not a token":         "x.y.z",
		"other issuer":        rs(with("iss", "https://evil.example.com")),
		"no issuer":           rs(without("iss")),
		"this server's own":   w.boss.access,
		"wrong audience":      rs(with("aud", "another-app")),
		"no audience":         rs(without("aud")),
		"expired":             rs(with("exp", at(-time.Minute))),
		"no end":              rs(without("exp")),
		"not yet valid":       rs(with("nbf", at(time.Minute))),
		"made in the future":  rs(with("iat", at(time.Hour))),
		"for another device":  rs(with("nonce", base64.RawURLEncoding.EncodeToString(make([]byte, 32)))),
		"for no device":       rs(without("nonce")),
		"no number":           rs(without("employee_number")),
		"number no string":    rs(with("employee_number", 7)),
		"number blank":        rs(with("employee_number", "  ")),
		"alg none":            forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, head, p.claims(w, key)),
		"HS256 by public key": forge(t, jwt.SigningMethodHS256, rsaKey.N.Bytes(), head, p.claims(w, key)),
		"RS512 for RS256":     forge(t, jwt.SigningMethodRS512, rsaKey, head, p.claims(w, key)),
		"another key":         forge(t, jwt.SigningMethodRS256, stranger, head, p.claims(w, key)),
		"unknown kid":         forge(t, jwt.SigningMethodRS256, rsaKey, map[string]any{"kid": "nope"}, p.claims(w, key)),
		"no kid":              forge(t, jwt.SigningMethodRS256, rsaKey, nil, p.claims(w, key)),
		"an access token":     forge(t, jwt.SigningMethodRS256, rsaKey, map[string]any{"kid": "rsa", "typ": "at+jwt"}, p.claims(w, key)),
		"signature cut":       token[:strings.LastIndexByte(token, '.')+1],
	} {
		before := w.store.clone()
		if _, err := w.enrollBy(key, bad); problem(t, err) != badToken {
			t.Errorf("%s: %v", name, err)
		}
		if !w.store.equal(before) {
			t.Errorf("%s: changed the store", name)
		}
	}
	one, err := w.enrollBy(key, token)
	if err != nil || string(one.person) != li {
		t.Fatalf("%v, %v", one, err)
	}
	again, err := w.enrollBy(key, token) // the reply was lost
	if err != nil || again.device != one.device {
		t.Errorf("%v, %v", again, err)
	}
	if _, err := w.Admin().SuspendPerson(t.Context(), w.boss.identity(), &roundsv1.SuspendPersonRequest{PersonId: li}); err != nil {
		t.Fatal(err)
	}
	fresh := newKey(w)
	_, err = w.enrollBy(fresh, forge(t, jwt.SigningMethodRS256, rsaKey, head, p.claims(w, fresh)))
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
}

func TestExternalIssuerRotatesAndFails(t *testing.T) {
	p := newProvider(t)
	w := found(t, func(c *auth.Config) { c.Externals = []auth.ExternalIssuer{p.issuer()} })
	_, err := w.Admin().CreatePerson(t.Context(), w.boss.identity(), &roundsv1.CreatePersonRequest{Name: "Li", HomeNodeId: string(w.root), ExternalId: "E-7"})
	if err != nil {
		t.Fatal(err)
	}
	enrol := func(method jwt.SigningMethod, kid string, key crypto.PrivateKey) error {
		k := newKey(w)
		_, err := w.enrollBy(k, forge(t, method, key, map[string]any{"kid": kid}, p.claims(w, k)))
		return err
	}
	p.setDown(true)
	err = enrol(jwt.SigningMethodRS256, "rsa", p.keys["rsa"])
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE)
	retryAfter(t, err)
	p.setDown(false)
	if err := enrol(jwt.SigningMethodRS256, "rsa", p.keys["rsa"]); err != nil {
		t.Fatalf("up again: %v", err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.set("ec", ec)
	if err := enrol(jwt.SigningMethodES256, "ec", ec); err != nil {
		t.Fatalf("a new key: %v", err)
	}
	p.setDown(true) // keys at hand go on
	if err := enrol(jwt.SigningMethodES256, "ec", ec); err != nil {
		t.Fatalf("down, with a known key: %v", err)
	}
}

func TestExternalIssuerMakesPeople(t *testing.T) {
	p := newProvider(t)
	w := found(t)
	site := w.site(w.root, "Yunqi")
	w.Close()
	e := p.issuer()
	e.CreateUnder, e.Prefix, e.AllowUnbound = site, "acme:", true
	w.cfg.Externals = []auth.ExternalIssuer{e}
	w.open()
	key := newKey(w)
	c := p.claims(w, key)
	delete(c, "nonce")
	one, err := w.enrollBy(key, forge(t, jwt.SigningMethodRS256, p.keys["rsa"], map[string]any{"kid": "rsa"}, c))
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.Admin().ListPeople(t.Context(), w.boss.identity(), &roundsv1.ListPeopleRequest{NodeId: string(site), ExternalId: "acme:E-7"})
	if err != nil || len(list.GetPeople()) != 1 || list.GetPeople()[0].GetName() != "李" || list.GetPeople()[0].GetPersonId() != string(one.person) {
		t.Fatalf("%v, %v", list, err)
	}
	if w.MayRead(one.person, siteOf(site), w.clock.now()) {
		t.Error("who was made has a role")
	}
}

func TestExternalIssuerDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // a port that was given back might be somebody else's by now
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			_ = conn.Close()
		}
	}()
	url := "http://" + l.Addr().String()
	w := found(t, func(c *auth.Config) {
		c.Externals = []auth.ExternalIssuer{{Issuer: url, JWKSURL: url, Audience: "rounds-app"}}
	})
	key := newKey(w)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := jwt.MapClaims{"iss": url, "aud": "rounds-app", "sub": "x", "exp": w.clock.now().Add(time.Minute).Unix()}
	_, err = w.enrollBy(key, forge(t, jwt.SigningMethodES256, ec, map[string]any{"kid": "1"}, c))
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE)
}
