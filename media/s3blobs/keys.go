package s3blobs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/rounds-sync/rounds/media"
)

// What stands in a bucket, all below Config.Prefix:
//
//	<address>                                       an object, at its address in package media
//	uploads/<owner>/<sha256>-<size>/plan            an upload was begun; written anew by each Plan, so its age tells when
//	uploads/<owner>/<sha256>-<size>/<offset>-<size> a part that is an object of its own; the offset has 12 digits
//	uploads/<owner>/<sha256>-<size>/joined          the key of its multipart upload, whose part n is slot n-1; an object between its completion and
//	                                                the copy to the content address
//	check                                           what Check writes and reads
const (
	uploadsDir = "uploads/"
	planName   = "plan"
	joinedName = "joined"
	checkName  = "check"
)

// SlotBytes is the size of a part of a multipart upload, all but the last: the least that S3 takes.
const SlotBytes = 5 << 20

// maxUploadBytes is the largest upload: what a store copies in one request.
const maxUploadBytes = 5 << 30

// folder is where an upload stands, with a slash at its end.
type folder string

// folderOf names the folder of an upload.
func (s *Store) folderOf(u media.Upload) folder {
	return folder(fmt.Sprintf("%s%s%s/%s-%d/", s.cfg.Prefix, uploadsDir, ownerKey(u.Owner), u.Hash, u.Size))
}

// ownerKey is the owner as one safe segment of a key: as it is where it is plain, otherwise its hash, which no plain name looks like.
func ownerKey(o media.Owner) string {
	plain := len(o) <= 64
	for _, c := range []byte(o) {
		plain = plain && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if plain {
		return string(o)
	}
	sum := sha256.Sum256([]byte(o))
	return "_" + hex.EncodeToString(sum[:])
}

func (f folder) plan() string   { return string(f) + planName }
func (f folder) joined() string { return string(f) + joinedName }

func (f folder) part(span media.Span) string {
	return fmt.Sprintf("%s%012d-%d", f, span.Offset, span.Size)
}

// partOf reads the name of a part.
func (f folder) partOf(key string) (media.Span, bool) {
	left, right, _ := strings.Cut(strings.TrimPrefix(key, string(f)), "-")
	offset, err := strconv.ParseInt(left, 10, 64)
	if err != nil {
		return media.Span{}, false
	}
	size, err := strconv.ParseInt(right, 10, 64)
	span := media.Span{Offset: offset, Size: size}
	return span, err == nil && f.part(span) == key
}

// folderIn returns the upload's folder that a key below uploads/ stands in, and the upload's size.
func (s *Store) folderIn(key string) (folder, int64, bool) {
	rest, ok := strings.CutPrefix(key, s.cfg.Prefix+uploadsDir)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return "", 0, false
	}
	_, text, ok := strings.Cut(parts[1], "-")
	size, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || size < 1 {
		return "", 0, false
	}
	return folder(strings.TrimSuffix(key, parts[2])), size, true
}

// slots is how many slots an upload of a size has; one that fits into a single slot has none, for it is never sent by multipart upload.
func slots(size int64) int64 {
	if size <= SlotBytes {
		return 0
	}
	return (size + SlotBytes - 1) / SlotBytes
}

// slot is the range of a slot.
func slot(n, size int64) media.Span {
	return media.Span{Offset: n * SlotBytes, Size: min(SlotBytes, size-n*SlotBytes)}
}
