package media

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// ErrDiffers: stored bytes are not the ones that were announced. A *DiffersError says how.
var ErrDiffers = errors.New("media: other bytes than announced")

// DiffersError tells what was announced and what was found. It is an ErrDiffers.
type DiffersError struct {
	// Want is the upload as it was announced.
	Want Upload
	// Size of what rests in storage, bytes; it is not counted further than one byte beyond what was announced.
	Size int64
	// Hash of what rests in storage; zero where there is more than was announced.
	Hash Hash
}

// Error implements error.
func (e *DiffersError) Error() string {
	if e.Size > e.Want.Size {
		return fmt.Sprintf("media: stored are more than the %d bytes announced", e.Want.Size)
	}
	return fmt.Sprintf("media: stored are %d bytes with hash %s, announced were %d with %s", e.Size, e.Hash, e.Want.Size, e.Want.Hash)
}

// Is tells errors.Is that this is an ErrDiffers.
func (e *DiffersError) Is(target error) bool { return target == ErrDiffers }

// Receive finishes an upload if the bytes that rest in storage have the size and the hash that were announced. Otherwise the parts are dropped
// and the error is a *DiffersError: the device has to send them again. Other errors are those of Uploads.Finish. Memory is bounded whatever the size.
func Receive(ctx context.Context, d Uploads, u Upload) error {
	return d.Finish(ctx, u, func(r io.Reader) error {
		size, hash, err := rehash(ctx, r, u.Size)
		switch {
		case err != nil:
			return err
		case size != u.Size || hash != u.Hash:
			return &DiffersError{Want: u, Size: size, Hash: hash}
		}
		return nil
	})
}

// rehash reads to the end, or one byte beyond limit (limit < 0: no limit), and returns how much that was and its hash; none beyond the limit.
func rehash(ctx context.Context, r io.Reader, limit int64) (size int64, hash Hash, err error) {
	h := sha256.New()
	buf := make([]byte, 128<<10)
	for {
		if err := ctx.Err(); err != nil {
			return size, Hash{}, err
		}
		into := buf
		if limit >= 0 && limit+1-size < int64(len(into)) {
			into = into[:limit+1-size]
		}
		n, err := r.Read(into)
		size += int64(n)
		if limit >= 0 && size > limit {
			return size, Hash{}, nil
		}
		h.Write(into[:n])
		switch {
		case errors.Is(err, io.EOF):
			return size, Hash(h.Sum(nil)), nil
		case err != nil:
			return size, Hash{}, err
		}
	}
}
