package auth

import (
	"crypto/sha256"
	"encoding/base32"
	"io"
	"net/url"
	"strings"
)

// codeBytes is the randomness of an enrolment code: 80 bits, 16 symbols.
const (
	codeBytes   = 10
	codeSymbols = codeBytes * 8 / 5
)

const crockfordAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func crockford() *base32.Encoding {
	return base32.NewEncoding(crockfordAlphabet).WithPadding(base32.NoPadding)
}

// drawCode returns a code as a person types it, in groups of four.
func drawCode(random io.Reader) (Secret, error) {
	var b [codeBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	s := crockford().EncodeToString(b[:])
	return Secret(s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]), nil
}

// NormalizeCode returns an enrolment code as it is signed and hashed: capitals without blanks and hyphens, O as 0, I and L as 1; and
// whether it can be a code at all.
func NormalizeCode(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch {
		case r == '-' || r == ' ' || r == '\t' || r == '\n' || r == '\r':
			continue
		case r == 'O':
			r = '0'
		case r == 'I' || r == 'L':
			r = '1'
		}
		if r > 'Z' || !strings.ContainsRune(crockfordAlphabet, r) {
			return "", false
		}
		b.WriteRune(r)
	}
	return b.String(), b.Len() == codeSymbols
}

// codeHash is what is stored of a code. A code has 80 random bits: no salt and no slow hash are needed against guessing.
func codeHash(normalized string) []byte {
	sum := sha256.Sum256([]byte("rounds.code.v1\x00" + normalized))
	return sum[:]
}

// codeURI is what the QR says.
func codeURI(audience string, code Secret) Secret {
	q := url.Values{"server": {audience}, "code": {string(code)}}
	return Secret((&url.URL{Scheme: "rounds", Host: "enroll", RawQuery: q.Encode()}).String())
}

// EnrollChallenge returns what a device signs to enrol. The proof is the code as NormalizeCode returns it, or the ID token as it is.
func EnrollChallenge(audience, proof string, publicKey []byte) []byte {
	sum := sha256.Sum256([]byte(proof))
	b := []byte("rounds.enroll.v1\x00" + audience + "\x00")
	return append(append(b, sum[:]...), publicKey...)
}

// RefreshChallenge returns what a device signs to refresh.
func RefreshChallenge(audience, refreshToken string, nonce []byte) []byte {
	sum := sha256.Sum256([]byte(refreshToken))
	b := []byte("rounds.refresh.v1\x00" + audience + "\x00")
	return append(append(b, sum[:]...), nonce...)
}
