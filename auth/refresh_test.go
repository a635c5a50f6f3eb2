package auth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

const badToken = roundsv1.ProblemCode_PROBLEM_CODE_TOKEN

func TestRefreshTurnsAndSlides(t *testing.T) {
	w := found(t)
	p := w.boss
	for range 5 {
		w.clock.pass(89 * 24 * time.Hour)
		before := p.refresh
		if err := p.turn(); err != nil {
			t.Fatal(err)
		}
		if p.refresh == before {
			t.Fatal("the refresh token did not turn")
		}
		if _, err := w.Verify(p.access); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.pass(90*24*time.Hour + time.Second)
	want(t, p.turn(), badToken)
}

func TestReuseShutsTheDevice(t *testing.T) {
	w := found(t)
	p := w.worker(w.site(w.root, "Yunqi"), roundsv1.Role_ROLE_WORKER, "Li")
	old := p.clone()
	for range 2 {
		if err := p.turn(); err != nil {
			t.Fatal(err)
		}
	}
	sub := w.Subscribe()
	defer sub.Close()
	want(t, old.turn(), badToken)
	if got, err := sub.Next(t.Context()); err != nil || len(got) != 1 || got[0].Device != p.device {
		t.Errorf("told %v, %v", got, err)
	}
	want(t, p.turn(), badToken) // the other holder is out too
	_, err := w.Verify(p.access)
	want(t, err, badToken)
	w.reopen()
	want(t, p.turn(), badToken)
	if !w.DeviceState(p.device).Shut {
		t.Error("the state does not say so")
	}
	w.enroll(w.code(p.person)) // a new code and a new key
}

// A cloned phone repeats its twin's last refresh, nonce and all; at the next turn their nonces differ.
func TestTwinsAreFoundOut(t *testing.T) {
	w := found(t)
	p := w.worker(w.site(w.root, "Yunqi"), roundsv1.Role_ROLE_WORKER, "Li")
	twin := p.clone()
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	if err := twin.turn(); err != nil { // cannot be told from a lost reply
		t.Fatal(err)
	}
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	want(t, twin.turn(), badToken)
	want(t, p.turn(), badToken)
}

func TestReplyLostRefreshIsRetried(t *testing.T) {
	w := found(t)
	p := w.boss
	lost := p.clone()
	if err := lost.turn(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the phone stored nothing, and asks again
		again := p.clone()
		w.clock.pass(20 * time.Minute)
		if err := again.turn(); err != nil {
			t.Fatal(err)
		}
		if again.refresh != lost.refresh {
			t.Fatal("the repeated call turned the token once more")
		}
		if _, err := w.Verify(again.access); err != nil {
			t.Fatal(err)
		}
	}
	w.reopen()
	if err := p.turn(); err != nil || p.refresh != lost.refresh {
		t.Fatalf("after a restart: %v", err)
	}
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
}

// The store wrote, and the Authority did not hear of it.
func TestCommitReplyLost(t *testing.T) {
	w := found(t)
	p := w.worker(w.site(w.root, "Yunqi"), roundsv1.Role_ROLE_WORKER, "Li")
	fail := true
	w.store.after = func(int) error {
		if fail {
			fail = false
			return errDisk
		}
		return nil
	}
	if err := p.turn(); err == nil {
		t.Fatal("an unknown outcome passed for done")
	}
	if err := p.turn(); err != nil {
		t.Fatalf("the retry: %v", err)
	}
	fail = true
	_, err := w.Admin().RevokeDevice(t.Context(), w.boss.identity(), &roundsv1.RevokeDeviceRequest{DeviceId: string(p.device),
		Revocation: roundsv1.Revocation_REVOCATION_IMMEDIATE})
	if err == nil {
		t.Fatal("an unknown outcome passed for done")
	}
	// It was written, so it is in force.
	if got := w.DeviceState(p.device).Revoked; got != roundsv1.Revocation_REVOCATION_IMMEDIATE {
		t.Errorf("in memory the device is %v", got)
	}
}

func TestStolenRefreshTokenIsUseless(t *testing.T) {
	w := found(t)
	p := w.boss
	thief := p.clone()
	thief.key = newKey(w)
	want(t, thief.turn(), roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE)
	// Nor does an old one, without the key, shut the owner out.
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	want(t, thief.turn(), roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE)
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*roundsv1.RefreshRequest){
		"cut":           func(r *roundsv1.RefreshRequest) { r.RefreshToken = r.RefreshToken[:100] },
		"one bit":       func(r *roundsv1.RefreshRequest) { r.RefreshToken = flip(r.RefreshToken, 60) },
		"last bits":     func(r *roundsv1.RefreshRequest) { r.RefreshToken = flip(r.RefreshToken, len(r.RefreshToken)-1) },
		"empty":         func(r *roundsv1.RefreshRequest) { r.RefreshToken = "" },
		"access token":  func(r *roundsv1.RefreshRequest) { r.RefreshToken = p.access },
		"without nonce": func(r *roundsv1.RefreshRequest) { r.Nonce = nil },
	} {
		w.clock.pass(2 * time.Hour)
		before := w.store.clone()
		req := p.request()
		change(req)
		if _, err := w.Refresh(t.Context(), home, req); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			problem(t, err)
		}
		if !w.store.equal(before) {
			t.Errorf("%s: changed the store", name)
		}
	}
}

func flip(s string, i int) string {
	c := byte('A')
	if s[i] == 'A' {
		c = 'B'
	}
	return s[:i] + string(c) + s[i+1:]
}

func TestGuessingRefreshTokensLocksOut(t *testing.T) {
	w := found(t)
	p := w.boss.clone()
	p.refresh = flip(p.refresh, 40)
	for range 5 {
		want(t, p.turn(), badToken)
	}
	want(t, p.turn(), roundsv1.ProblemCode_PROBLEM_CODE_RATE)
	if err := w.boss.turn(); err != nil { // a neighbour behind the same address
		t.Fatal(err)
	}
	w.clock.pass(time.Second)
	want(t, p.turn(), badToken)
	want(t, p.turn(), roundsv1.ProblemCode_PROBLEM_CODE_RATE)
	unsigned := w.boss.clone()
	unsigned.key = newKey(w)
	w.clock.pass(2 * time.Hour)
	for range 5 {
		want(t, unsigned.turn(), roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE)
	}
	want(t, unsigned.turn(), roundsv1.ProblemCode_PROBLEM_CODE_RATE)
}

// A revoked device and a suspended person may go on to hand in what they hold, to the end of the token that they had.
func TestRevokedDeviceRefreshesForTheRestOnly(t *testing.T) {
	w := found(t)
	site := w.site(w.root, "Yunqi")
	for _, how := range []roundsv1.Revocation{roundsv1.Revocation_REVOCATION_GRACEFUL, roundsv1.Revocation_REVOCATION_IMMEDIATE} {
		p := w.worker(site, roundsv1.Role_ROLE_WORKER, "Li")
		w.revoke(p.device, how)
		id, err := w.Verify(p.access)
		if err != nil || id.State.Revoked != how || !id.State.Since.Equal(w.clock.now()) || id.InService() {
			t.Fatalf("at once: %+v, %v", id, err)
		}
		w.clock.pass(60 * 24 * time.Hour)
		if err := p.turn(); err != nil {
			t.Fatal(err)
		}
		if got, want := claimsOf(t, p.access)["rev"], strings.ToLower(strings.TrimPrefix(how.String(), "REVOCATION_")); got != want {
			t.Errorf("the token is marked %v, not %v", got, want)
		}
		w.boss.identity()
		w.clock.pass(31 * 24 * time.Hour)
		want(t, p.turn(), badToken)
	}
	p := w.worker(site, roundsv1.Role_ROLE_WORKER, "Li")
	if _, err := w.Admin().SuspendPerson(t.Context(), w.boss.identity(), &roundsv1.SuspendPersonRequest{PersonId: string(p.person)}); err != nil {
		t.Fatal(err)
	}
	if id, err := w.Verify(p.access); err != nil || !id.Barred || id.InService() {
		t.Fatalf("suspended: %+v, %v", id, err)
	}
	w.clock.pass(60 * 24 * time.Hour)
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(31 * 24 * time.Hour)
	want(t, p.turn(), badToken)
}

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(body, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The server came back from a backup that is older than the device's last refresh, or than the device itself.
func TestRestoredFromABackup(t *testing.T) {
	w := found(t)
	site := w.site(w.root, "Yunqi")
	li := w.hire(site, "Li")
	w.grant(li, site, roundsv1.Role_ROLE_WORKER)
	code := w.code(li)
	backup := w.store.clone()
	for range 3 {
		if err := w.boss.turn(); err != nil {
			t.Fatal(err)
		}
	}
	p := w.enroll(code)
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.cfg.Store, w.store = backup, backup
	w.open()
	if err := w.boss.turn(); err != nil {
		t.Fatalf("a token of a later generation: %v", err)
	}
	if err := p.turn(); err != nil {
		t.Fatalf("a device enrolled after the backup: %v", err)
	}
	if key, ok := w.DeviceKey(p.device); !ok || !key.Equal(p.key.Public()) {
		t.Error("its key is not known again")
	}
	w.reopen()
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	// With keys in foreign hands, a seal alone makes no device.
	w.Close()
	again := backup.clone()
	for k, v := range again.rows {
		if strings.HasSuffix(k, rawID(string(p.device))) || string(v) == rawID(string(p.device)) {
			delete(again.rows, k)
		}
	}
	w.cfg.Store, w.store = again, again
	w.open()
	if _, err := w.Admin().RotateSigningKey(t.Context(), w.boss.identity(), &roundsv1.RotateSigningKeyRequest{Compromised: true}); err != nil {
		t.Fatal(err)
	}
	want(t, p.turn(), badToken)
	if err := w.boss.turn(); err != nil {
		t.Fatalf("a known device: %v", err)
	}
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// forge signs claims with a key of the test's choosing.
func forge(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, c jwt.MapClaims) string {
	t.Helper()
	tok := jwt.NewWithClaims(method, c)
	for k, v := range header {
		tok.Header[k] = v
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerifyRefusals(t *testing.T) {
	w := found(t)
	var set struct {
		Keys []struct{ Kid, X string }
	}
	if err := json.Unmarshal(w.JWKS(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s: %v", w.JWKS(), err)
	}
	kid := set.Keys[0].Kid
	public, err := base64.RawURLEncoding.DecodeString(set.Keys[0].X)
	if err != nil {
		t.Fatal(err)
	}
	// A verifier elsewhere needs the key set alone.
	if _, err := jwt.Parse(w.boss.access, func(*jwt.Token) (any, error) { return ed25519.PublicKey(public), nil },
		jwt.WithTimeFunc(w.clock.now), jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithAudience(audience), jwt.WithIssuer(audience)); err != nil {
		t.Fatal(err)
	}
	private := w.accessKey()
	head := map[string]any{"kid": kid, "typ": "at+jwt"}
	good := func() jwt.MapClaims {
		now := w.clock.now()
		return jwt.MapClaims{"iss": audience, "aud": audience, "sub": string(w.boss.person), "dev": string(w.boss.device),
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(15 * time.Minute).Unix()}
	}
	with := func(k string, v any) jwt.MapClaims { c := good(); c[k] = v; return c }
	without := func(k string) jwt.MapClaims { c := good(); delete(c, k); return c }
	at := func(d time.Duration) int64 { return w.clock.now().Add(d).Unix() }
	if _, err := w.Verify(forge(t, jwt.SigningMethodEdDSA, private, head, good())); err != nil {
		t.Fatalf("the forge does not forge: %v", err)
	}
	for name, token := range map[string]string{
		"empty":            "",
		"not a token":      "abc",
		"three dots":       "...",
		"huge":             strings.Repeat("a", 1<<20),
		"cut":              w.boss.access[:len(w.boss.access)-4],
		"other key":        forge(t, jwt.SigningMethodEdDSA, newKey(w), head, good()),
		"unknown kid":      forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": "x", "typ": "at+jwt"}, good()),
		"no kid":           forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"typ": "at+jwt"}, good()),
		"kid no string":    forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": 1, "typ": "at+jwt"}, good()),
		"an ID token":      forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": kid, "typ": "JWT"}, good()),
		"alg none":         forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, head, good()),
		"HS256 by public":  forge(t, jwt.SigningMethodHS256, public, head, good()),
		"other issuer":     forge(t, jwt.SigningMethodEdDSA, private, head, with("iss", "https://evil.example.com")),
		"other audience":   forge(t, jwt.SigningMethodEdDSA, private, head, with("aud", "https://evil.example.com")),
		"no audience":      forge(t, jwt.SigningMethodEdDSA, private, head, without("aud")),
		"expired":          forge(t, jwt.SigningMethodEdDSA, private, head, with("exp", at(-time.Minute))),
		"no end":           forge(t, jwt.SigningMethodEdDSA, private, head, without("exp")),
		"not yet":          forge(t, jwt.SigningMethodEdDSA, private, head, with("nbf", at(time.Minute))),
		"made tomorrow":    forge(t, jwt.SigningMethodEdDSA, private, head, with("iat", at(24*time.Hour))),
		"no subject":       forge(t, jwt.SigningMethodEdDSA, private, head, without("sub")),
		"no device":        forge(t, jwt.SigningMethodEdDSA, private, head, without("dev")),
		"unknown device":   forge(t, jwt.SigningMethodEdDSA, private, head, with("dev", "0199c0de-0000-7000-8000-000000000000")),
		"another's device": forge(t, jwt.SigningMethodEdDSA, private, head, with("sub", "0199c0de-0000-7000-8000-000000000000")),
		"a refresh token":  w.boss.refresh,
	} {
		if _, err := w.Verify(token); problem(t, err) != badToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Clocks of two servers may lie half a minute apart, no more.
	skewed := forge(t, jwt.SigningMethodEdDSA, private, head, with("nbf", at(20*time.Second)))
	if _, err := w.Verify(skewed); err != nil {
		t.Errorf("20 s ahead: %v", err)
	}
	w.clock.pass(15*time.Minute + 20*time.Second)
	if _, err := w.Verify(w.boss.access); err != nil {
		t.Errorf("20 s over: %v", err)
	}
	w.clock.pass(11 * time.Second)
	_, err = w.Verify(w.boss.access) // from the cache
	want(t, err, badToken)
	w.reopen()
	_, err = w.Verify(w.boss.access)
	want(t, err, badToken)
}
