package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// accessType is the typ of an access token's header (RFC 9068), so that no other kind of JWT passes for one.
const accessType = "at+jwt"

// maxAccessToken bounds what Verify reads, in bytes.
const maxAccessToken = 4096

// Identity is who stands behind an access token, as things are now.
type Identity struct {
	// Person is whose device it is.
	Person PersonID
	// Device is the device.
	Device DeviceID
	// Expires is when the token ends.
	Expires time.Time
	// State is the device's. A revoked device still has an identity, so that it can hand in what it holds and be told to purge; it
	// reads nothing.
	State DeviceState
	// Barred says that the person is suspended or deleted at this moment: what was done before may still be handed in.
	Barred bool
}

// InService says whether the device is not revoked and the person neither suspended nor deleted.
func (i Identity) InService() bool {
	return i.Person != "" && i.State.Known && i.State.Revoked == roundsv1.Revocation_REVOCATION_UNSPECIFIED && !i.State.Shut && !i.Barred
}

// claims are the contents of an access token.
type claims struct {
	jwt.RegisteredClaims
	// Device is the device id.
	Device string `json:"dev"`
	// Revoked is "graceful" or "immediate" for a device that was revoked when the token was made.
	Revoked string `json:"rev,omitempty"`
}

// verified is what a token said when its signature was checked.
type verified struct {
	person, device uid
	personID       PersonID
	deviceID       DeviceID
	kid            string
	expires        time.Time
}

// Verify checks an access token: signature, issuer, audience, times, and that the device is known and not shut out. It touches no disk,
// and a token seen before costs a hash. Revocations and suspensions that were recorded before the call are in the answer. Its
// error is an *Error with PROBLEM_CODE_TOKEN.
func (a *Authority) Verify(token string) (Identity, error) {
	if len(token) > maxAccessToken {
		return Identity{}, badToken(errors.New("longer than any access token"))
	}
	now := a.now()
	sum := sha256.Sum256([]byte(token))
	v, ok := a.tokens.get(sum)
	if !ok {
		var err error
		if v, err = a.checkAccess(token, now); err != nil {
			return Identity{}, badToken(err)
		}
		a.tokens.put(sum, v)
	}
	if !now.Before(v.expires.Add(a.cfg.Leeway)) {
		return Identity{}, badToken(jwt.ErrTokenExpired)
	}
	if _, ok := verifier(a.keys.Load().access, v.kid, now.UnixMicro()); !ok {
		return Identity{}, badToken(errors.New("the key of the token no longer verifies"))
	}
	a.index.mu.RLock()
	d, known := a.index.devices[v.device]
	barred := a.index.barred(v.person, now.UnixMicro())
	a.index.mu.RUnlock()
	if !known || d.person != v.person {
		return Identity{}, badToken(errors.New("unknown device"))
	}
	if d.shut {
		return Identity{}, badToken(errors.New("the device was shut out"))
	}
	return Identity{Person: v.personID, Device: v.deviceID, Expires: v.expires, State: d.state(), Barred: barred}, nil
}

func (a *Authority) checkAccess(token string, now time.Time) (verified, error) {
	var c claims
	parsed, err := a.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if typ, _ := t.Header["typ"].(string); typ != accessType {
			return nil, errors.New("not an access token")
		}
		kid, _ := t.Header["kid"].(string)
		k, ok := verifier(a.keys.Load().access, kid, now.UnixMicro())
		if !ok {
			return nil, errors.New("unknown key")
		}
		return k.public(), nil
	})
	if err != nil {
		return verified{}, err
	}
	person, okPerson := parseUID(c.Subject)
	device, okDevice := parseUID(c.Device)
	if !okPerson || !okDevice {
		return verified{}, errors.New("subject or device is no id")
	}
	kid, _ := parsed.Header["kid"].(string)
	return verified{person, device, PersonID(person.String()), DeviceID(device.String()), kid, c.ExpiresAt.Time}, nil
}

func newParser(cfg Config) *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(cfg.Issuer), jwt.WithAudience(cfg.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(cfg.Now), jwt.WithLeeway(cfg.Leeway))
}

// issueAccess signs an access token.
func (a *Authority) issueAccess(person, dev uid, d device, now time.Time) (string, time.Time, error) {
	k, ok := signer(a.keys.Load().access, now.UnixMicro())
	if !ok {
		return "", time.Time{}, errors.New("auth: no key to sign with")
	}
	id, err := newUID(now, a.cfg.Rand)
	if err != nil {
		return "", time.Time{}, err
	}
	expires := now.Add(a.cfg.AccessLife).Truncate(time.Second)
	c := claims{RegisteredClaims: jwt.RegisteredClaims{
		Issuer: a.cfg.Issuer, Subject: person.String(), Audience: jwt.ClaimStrings{a.cfg.Audience}, ID: id.String(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires)},
		Device: dev.String()}
	switch d.revoked {
	case roundsv1.Revocation_REVOCATION_GRACEFUL:
		c.Revoked = "graceful"
	case roundsv1.Revocation_REVOCATION_IMMEDIATE:
		c.Revoked = "immediate"
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["kid"], t.Header["typ"] = k.id, accessType
	signed, err := t.SignedString(ed25519.PrivateKey(k.private))
	return signed, expires, err
}

// tokenCache remembers tokens whose signature was found good. It holds two generations: when the younger is full the older is
// forgotten, so that it is bounded and what is in use stays.
type tokenCache struct {
	mu           sync.Mutex // guards what follows
	half         int
	young, older map[[32]byte]verified
}

func newTokenCache(size int) *tokenCache {
	return &tokenCache{half: max(1, size/2), young: map[[32]byte]verified{}}
}

func (c *tokenCache) get(sum [32]byte) (verified, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.young[sum]; ok {
		return v, true
	}
	v, ok := c.older[sum]
	if ok {
		c.add(sum, v)
	}
	return v, ok
}

func (c *tokenCache) put(sum [32]byte, v verified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(sum, v)
}

func (c *tokenCache) add(sum [32]byte, v verified) {
	if len(c.young) >= c.half {
		c.older, c.young = c.young, map[[32]byte]verified{}
	}
	c.young[sum] = v
}
