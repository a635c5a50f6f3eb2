package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
	"github.com/rounds-sync/rounds/media/s3blobs"
)

// s3Form is how an object store is named.
const s3Form = "s3+http://KEY:SECRET@host:port/bucket?create=true"

// s3Env hands the object store's address to the server's process: there is a secret in it, and arguments can be seen by everybody on the machine.
const s3Env = "ROUNDS_DEMO_S3"

// openS3 opens an object store. Links are given out by the demo's clock; the store itself goes by the true time, of which they last as long.
func openS3(ctx context.Context, text string, now func() time.Time) (*s3blobs.Store, error) {
	cfg, err := s3blobs.ParseURL(text)
	if err != nil {
		return nil, err
	}
	cfg.Now = now
	return s3blobs.Open(ctx, cfg)
}

// objects shows the storage of the server's process, which must have ended.
func (c *child) objects(ctx context.Context, look func(context.Context, media.Objects) error) (err error) {
	if c.s3 != "" {
		s, err := openS3(ctx, c.s3, time.Now)
		if err != nil {
			return fmt.Errorf("demo: the object store: %w", err)
		}
		return errors.Join(look(ctx, s), s.Close())
	}
	key, err := os.ReadFile(filepath.Join(c.data(), "media.key"))
	if err != nil {
		return fmt.Errorf("demo: the storage: %w", err)
	}
	files, err := fileblobs.Open(fileblobs.Config{Dir: filepath.Join(c.data(), "media"), Key: key, Now: time.Now})
	if err != nil {
		return fmt.Errorf("demo: the storage: %w", err)
	}
	return errors.Join(look(ctx, files), files.Close())
}
