package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
)

// A refresh token is "rounds_rt_" and the base64url of: version 1, id of the sealing key (8), device (16), person (16), the device's
// public key (32), generation (8), end in microseconds since 1970 (8), HMAC-SHA-256 of all that (32). It says what the server needs to
// know the device again after it was restored from a backup that is older than the device.
const (
	refreshPrefix  = "rounds_rt_"
	refreshVersion = 1
	refreshBody    = 1 + 8 + 16 + 16 + 32 + 8 + 8
	refreshSize    = refreshBody + sha256.Size
)

type refreshToken struct {
	device     uid
	person     uid
	publicKey  [32]byte
	generation uint64
	expires    int64
}

var errRefreshToken = errors.New("not a refresh token of this server")

func sealOf(k signingKey, audience string, body []byte) []byte {
	mac := hmac.New(sha256.New, k.private)
	mac.Write([]byte("rounds.refresh-token.v1\x00" + audience + "\x00"))
	mac.Write(body)
	return mac.Sum(nil)
}

func (t refreshToken) seal(k signingKey, audience string) (string, error) {
	name, err := hex.DecodeString(k.id)
	if err != nil || len(name) != 8 {
		return "", errors.New("auth: damaged id of a refresh key")
	}
	b := make([]byte, 0, refreshSize)
	b = append(b, refreshVersion)
	b = append(b, name...)
	b = append(b, t.device[:]...)
	b = append(b, t.person[:]...)
	b = append(b, t.publicKey[:]...)
	b = binary.BigEndian.AppendUint64(b, t.generation)
	b = binary.BigEndian.AppendUint64(b, uint64(t.expires))
	b = append(b, sealOf(k, audience, b)...)
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

// openRefresh reads a token whose seal holds, and returns the key that sealed it.
func openRefresh(text string, keys []signingKey, audience string, now int64) (refreshToken, signingKey, error) {
	var t refreshToken
	text, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(refreshSize) {
		return t, signingKey{}, errRefreshToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || b[0] != refreshVersion {
		return t, signingKey{}, errRefreshToken
	}
	k, ok := verifier(keys, hex.EncodeToString(b[1:9]), now)
	if !ok || !hmac.Equal(sealOf(k, audience, b[:refreshBody]), b[refreshBody:]) {
		return t, signingKey{}, errRefreshToken
	}
	copy(t.device[:], b[9:])
	copy(t.person[:], b[25:])
	copy(t.publicKey[:], b[41:])
	t.generation = binary.BigEndian.Uint64(b[73:])
	t.expires = int64(binary.BigEndian.Uint64(b[81:]))
	return t, k, nil
}
