package door

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"mime"
	"slices"
	"time"

	"github.com/rounds-sync/rounds/media"
)

// A token is what a URL carries: a letter for what it permits, what that is about, when it ends, and a MAC of these. It is in binary, base64url,
// as a phone on a bad link gets many of them: that of a part has 57 to 62 characters.
//
//	part: 'p' upload(16) end(4) offset(varint) size(varint)               mac(16)
//	link: 'g' class(1) hash(32) end(4) type(varint, text) name(the rest)  mac(16)
const (
	permitsPut = 'p'
	permitsGet = 'g'
	macBytes   = 16
	// maxTokenBytes is more than any token that was signed here has.
	maxTokenBytes = 1 + 1 + sha256.Size + 4 + 2 + maxTypeBytes + maxNameBytes + macBytes
	maxTypeBytes  = 100
	maxNameBytes  = 255
)

// UploadID stands for an upload in tokens and in names of folders: four bytes of a hash of its owner, and twelve of one of its owner, hash and size.
type UploadID [16]byte

// party is the part of an UploadID that all uploads of one owner have in common.
type party [4]byte

// IDOf returns the id of an upload.
func IDOf(u media.Upload) UploadID {
	owner := sha256.Sum256(append([]byte("rounds owner\x00"), u.Owner...))
	b := append([]byte("rounds upload\x00"), u.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(u.Size))
	b = append(b, u.Owner...)
	sum := sha256.Sum256(b)
	id := UploadID(sum[:16])
	copy(id[:len(party{})], owner[:])
	return id
}

type partToken struct {
	upload UploadID
	span   media.Span
	end    int64 // seconds since 1970
}

type linkToken struct {
	class     media.Class
	hash      media.Hash
	end       int64 // seconds since 1970
	mediaType string
	fileName  string
}

// classes are the classes as tokens write them. Appended to, never reordered: links live on over a new release.
func classes() []media.Class {
	return []media.Class{media.Original, media.Large, media.Small, media.Report}
}

var (
	errForged  = errors.New("this address was not given out by this server")
	errExpired = errors.New("this address has expired: ask for a new one")
)

type signer struct{ key []byte }

func (s signer) seal(b []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(b)...))
}

func (s signer) mac(b []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(b)
	return h.Sum(nil)[:macBytes]
}

// open returns what was sealed. A token has one spelling: base64 that decodes to the same bytes but is written otherwise is not it.
func (s signer) open(token string) ([]byte, error) {
	if len(token) > base64.RawURLEncoding.EncodedLen(maxTokenBytes) {
		return nil, errForged
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) <= macBytes || base64.RawURLEncoding.EncodeToString(b) != token {
		return nil, errForged
	}
	b, mac := b[:len(b)-macBytes], b[len(b)-macBytes:]
	if !hmac.Equal(mac, s.mac(b)) {
		return nil, errForged
	}
	return b, nil
}

// seconds rounds a time down to what a token holds: a link never lives longer than was asked for.
func seconds(t time.Time) int64 { return min(max(t.Unix(), 0), 1<<32-1) }

func (s signer) part(t partToken) string {
	b := append([]byte{permitsPut}, t.upload[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(t.end))
	b = binary.AppendUvarint(b, uint64(t.span.Offset))
	b = binary.AppendUvarint(b, uint64(t.span.Size))
	return s.seal(b)
}

func (s signer) link(t linkToken) string {
	b := []byte{permitsGet, byte(slices.Index(classes(), t.class))}
	b = append(b, t.hash[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(t.end))
	b = binary.AppendUvarint(b, uint64(len(t.mediaType)))
	b = append(b, t.mediaType...)
	b = append(b, t.fileName...)
	return s.seal(b)
}

// readPart reads what open returned.
func readPart(b []byte) (t partToken, err error) {
	if len(b) < 1+16+4 || b[0] != permitsPut {
		return t, errForged
	}
	t.upload = UploadID(b[1:17])
	t.end = int64(binary.BigEndian.Uint32(b[17:]))
	b = b[21:]
	offset, n := binary.Uvarint(b)
	if n <= 0 {
		return t, errForged
	}
	size, m := binary.Uvarint(b[n:])
	if m <= 0 || n+m != len(b) || offset > 1<<62 || size < 1 || size > media.MaxPartBytes {
		return t, errForged
	}
	t.span = media.Span{Offset: int64(offset), Size: int64(size)}
	return t, nil
}

// readLink reads what open returned.
func readLink(b []byte) (t linkToken, err error) {
	if len(b) < 1+1+sha256.Size+4 || b[0] != permitsGet || int(b[1]) >= len(classes()) {
		return t, errForged
	}
	t.class = classes()[b[1]]
	t.hash = media.Hash(b[2 : 2+sha256.Size])
	b = b[2+sha256.Size:]
	t.end = int64(binary.BigEndian.Uint32(b))
	b = b[4:]
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return t, errForged
	}
	t.mediaType, t.fileName = string(b[n:n+int(length)]), string(b[n+int(length):])
	return t, nil
}

// checkOptions answers ErrInvalid for options that cannot become headers.
func checkOptions(o media.LinkOptions) error {
	switch {
	case o.Until.IsZero():
		return fmt.Errorf("%w: a link without an end", media.ErrInvalid)
	case len(o.MediaType) > maxTypeBytes || len(o.FileName) > maxNameBytes:
		return fmt.Errorf("%w: media type or file name too long", media.ErrInvalid)
	}
	if o.MediaType != "" {
		if _, _, err := mime.ParseMediaType(o.MediaType); err != nil {
			return fmt.Errorf("%w: media type: %w", media.ErrInvalid, err)
		}
	}
	return nil
}
