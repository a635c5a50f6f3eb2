package auth

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// signingKey is a key of the server, ready for use.
type signingKey struct {
	id          string
	private     keyBytes // Ed25519 private key of an access key, HMAC key of a refresh key
	created     int64
	signsFrom   int64
	until       int64
	compromised bool
}

func (k signingKey) public() ed25519.PublicKey {
	return ed25519.PrivateKey(k.private).Public().(ed25519.PublicKey)
}

func (k signingKey) verifies(now int64) bool { return now < k.until }

// keyRing holds the keys, the latest first. It is replaced, never changed.
type keyRing struct {
	access  []signingKey
	refresh []signingKey
}

func newRing(states []*roundsv1.SigningKeyState) *keyRing {
	r := &keyRing{}
	for _, s := range states {
		k := signingKey{id: s.GetKeyId(), private: s.GetSecret(), created: s.GetCreatedUs(), signsFrom: s.GetSignsFromUs(),
			until: openEnd(s.GetVerifiesUntilUs()), compromised: s.GetCompromised()}
		switch s.GetUse() {
		case roundsv1.SigningKeyUse_SIGNING_KEY_USE_ACCESS:
			k.private = keyBytes(ed25519.NewKeyFromSeed(k.private))
			r.access = append(r.access, k)
		case roundsv1.SigningKeyUse_SIGNING_KEY_USE_REFRESH:
			r.refresh = append(r.refresh, k)
		}
	}
	latest := func(a, b signingKey) int {
		return cmp.Or(cmp.Compare(b.signsFrom, a.signsFrom), cmp.Compare(b.created, a.created), cmp.Compare(a.id, b.id))
	}
	slices.SortFunc(r.access, latest)
	slices.SortFunc(r.refresh, latest)
	return r
}

// signer returns the latest key that signs already.
func signer(keys []signingKey, now int64) (signingKey, bool) {
	for _, k := range keys {
		if k.signsFrom <= now && k.verifies(now) {
			return k, true
		}
	}
	for _, k := range keys { // the clock was set back: better a key that waits than none
		if k.verifies(now) {
			return k, true
		}
	}
	return signingKey{}, false
}

// verifier returns the key of that id, if it still verifies.
func verifier(keys []signingKey, id string, now int64) (signingKey, bool) {
	for _, k := range keys {
		if k.id == id && k.verifies(now) {
			return k, true
		}
	}
	return signingKey{}, false
}

// thumbprint is the key's id by RFC 7638.
func thumbprint(k ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(k) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// newKeys draws one key for each use.
func newKeys(random io.Reader, now, signsFrom int64) ([]*roundsv1.SigningKeyState, error) {
	var room [72]byte
	if _, err := io.ReadFull(random, room[:]); err != nil {
		return nil, err
	}
	seed, secret, name := room[:32], room[32:64], room[64:]
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return []*roundsv1.SigningKeyState{
		{KeyId: thumbprint(public), Use: roundsv1.SigningKeyUse_SIGNING_KEY_USE_ACCESS, Secret: bytes.Clone(seed), CreatedUs: now,
			SignsFromUs: signsFrom},
		{KeyId: hex.EncodeToString(name), Use: roundsv1.SigningKeyUse_SIGNING_KEY_USE_REFRESH, Secret: bytes.Clone(secret), CreatedUs: now,
			SignsFromUs: signsFrom},
	}, nil
}

func signingKeyAt(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return key(keySigning, sum[:])
}

// firstKeys makes the first keys in an empty store.
func firstKeys(t *tx, random io.Reader, now int64) ([]*roundsv1.SigningKeyState, error) {
	all, err := storedKeys(t)
	if err != nil || len(all) > 0 {
		return all, err
	}
	if all, err = newKeys(random, now, now); err != nil {
		return nil, err
	}
	t.set([]byte{keyFormat}, []byte{format})
	return all, writeKeys(t, all)
}

func storedKeys(r Reader) ([]*roundsv1.SigningKeyState, error) {
	var all []*roundsv1.SigningKeyState
	err := each(r, []byte{keySigning}, newKeyState, func(_ []byte, k *roundsv1.SigningKeyState) error {
		all = append(all, k)
		return nil
	})
	return all, err
}

func writeKeys(t *tx, keys []*roundsv1.SigningKeyState) error {
	for _, k := range keys {
		if err := t.write(signingKeyAt(k.GetKeyId()), k); err != nil {
			return err
		}
	}
	return nil
}

// rotate makes new keys and sets an end to the old ones: for an access key when the last token that it may have signed is dead, for a
// refresh key when the last refresh token is. It returns the new access key.
func (a *Authority) rotate(ctx context.Context, lead time.Duration, compromised bool) (signingKey, error) {
	var made *roundsv1.SigningKeyState
	err := a.committer.commit(ctx, func(t *tx) error {
		now := a.now().UnixMicro()
		from := a.now().Add(lead).UnixMicro()
		old, err := storedKeys(t)
		if err != nil {
			return err
		}
		fresh, err := newKeys(a.cfg.Rand, now, from)
		if err != nil {
			return err
		}
		made = fresh[0]
		kept := fresh
		for _, k := range old {
			life := a.cfg.RefreshLife
			if k.GetUse() == roundsv1.SigningKeyUse_SIGNING_KEY_USE_ACCESS {
				life = a.cfg.AccessLife
				if compromised {
					t.delete(signingKeyAt(k.GetKeyId()))
					continue
				}
			}
			end := a.now().Add(lead + life + 2*a.cfg.Leeway).UnixMicro()
			if k.GetVerifiesUntilUs() == 0 || k.GetVerifiesUntilUs() > end {
				k.VerifiesUntilUs = end
			}
			k.Compromised = k.GetCompromised() || compromised
			if k.GetVerifiesUntilUs() <= now {
				t.delete(signingKeyAt(k.GetKeyId()))
				continue
			}
			kept = append(kept, k)
		}
		ring := newRing(kept)
		t.apply(func(*index) { a.keys.Store(ring) })
		return writeKeys(t, kept)
	})
	if err != nil {
		return signingKey{}, err
	}
	return newRing([]*roundsv1.SigningKeyState{made}).access[0], nil
}

// JWKS returns the public keys that verify access tokens as a JSON Web Key Set, for /.well-known/jwks.json.
func (a *Authority) JWKS() []byte {
	type jwk struct {
		Type  string `json:"kty"`
		Curve string `json:"crv"`
		X     string `json:"x"`
		ID    string `json:"kid"`
		Alg   string `json:"alg"`
		Use   string `json:"use"`
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	now := a.now().UnixMicro()
	for _, k := range a.keys.Load().access {
		if k.verifies(now) {
			set.Keys = append(set.Keys, jwk{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(k.public()), k.id, "EdDSA", "sig"})
		}
	}
	body, err := json.Marshal(set)
	if err != nil {
		panic(err) // strings only
	}
	return body
}
