package server

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/media/s3blobs"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// mediaKeyFile holds the key that signs the URLs of the embedded storage.
const mediaKeyFile = "media.key"

// openMedia opens the storage of photos and makes the desk, which is not yet at work.
func (s *Server) openMedia(ctx context.Context, rules *work.Rules) error {
	if err := s.openBlobs(ctx); err != nil {
		return err
	}
	if at, ok := s.blobs.(interface{ SetURL(string) error }); ok {
		if err := at.SetURL(s.mediaURL()); err != nil {
			return fmt.Errorf("server: media.url: %w", err)
		}
	}
	m := s.cfg.Media
	workers := m.Workers
	if workers == 0 {
		workers = runtime.NumCPU()
	}
	s.heic = picture.HEICProgram(picture.ProgramConfig{Find: func() string { return findHEIC(m.HEIC) }, Bytes: m.MaxPhotoBytes, Processes: workers,
		Memory: m.MemoryBytes + heicOwn})
	const noHEIC = "no program decodes HEIC here: such photos wait until there is one (media.heic)"
	if found := findHEIC(m.HEIC); found == "" {
		s.log.Warn(noHEIC, "wanted", heicProgram+" beside this program or on the path")
	} else if _, err := exec.LookPath(found); err != nil {
		s.log.Warn(noHEIC, "error", err)
	}
	var err error
	s.desk, err = evidence.New(evidence.Config{
		Records: s.engine, Driver: s.blobs, Access: deskAccess{access{s.authority}, s.seen}, Scopes: s.recordScopes, Verified: rules.Verified,
		Settings: s.reference.Settings,
		Now:      s.cfg.Inject.Now, Logger: s.log, Workers: workers, MemoryBytes: m.MemoryBytes, MaxPhotoBytes: m.MaxPhotoBytes,
		Adopt: m.Adopt,
		HEIC:  s.heic.Decode, PartLife: m.PartLife, LinkLife: m.LinkLife, UploadLife: m.UploadLife, Grace: m.Grace,
	})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

// heicProgram is the program that decodes HEIC, of the module heic.
const heicProgram = "rounds-heic"

// heicOwn is what a process of it takes without a photo, bytes, by the count of the system, which has reserved memory in it.
const heicOwn = 256 << 20

// findHEIC returns where that program is: where it was told, else beside this one, else on the path; "" where it is nowhere.
func findHEIC(told string) string {
	if told != "" {
		return told
	}
	if own, err := os.Executable(); err == nil {
		if beside, err := exec.LookPath(filepath.Join(filepath.Dir(own), heicProgram)); err == nil { // which knows what programs are called here
			return beside
		}
	}
	path, err := exec.LookPath(heicProgram)
	if err != nil {
		return ""
	}
	return path
}

// openBlobs opens what keeps the bytes: what was handed in, an object store, or files.
func (s *Server) openBlobs(ctx context.Context) error {
	m := s.cfg.Media
	switch {
	case s.cfg.Inject.Media != nil:
		s.blobs = s.cfg.Inject.Media
		return nil
	case m.S3 != "":
		cfg, err := s3blobs.ParseURL(m.S3)
		if err != nil {
			return fmt.Errorf("server: media.s3: %w", err)
		}
		cfg.Logger = s.log
		opened, err := openLate(ctx, func(ctx context.Context) (closingDriver, error) { return s3blobs.Open(ctx, cfg) })
		if err != nil {
			return fmt.Errorf("server: media.s3: %w", err)
		}
		s.blobs, s.ownBlobs = opened, opened
		return nil
	}
	key, err := fileKey(filepath.Join(s.cfg.Data, mediaKeyFile), s.cfg.Inject.Rand)
	if err != nil {
		return fmt.Errorf("server: media: %w", err)
	}
	files, err := fileblobs.Open(fileblobs.Config{Dir: s.cfg.Media.dir(s.cfg.Data), Key: key, Now: s.cfg.Inject.Now, SyncDelay: s.cfg.Store.SyncDelay,
		MinFreeBytes: s.cfg.Store.leftByPhotos(), MaxUploadBytes: m.MaxPhotoBytes, Standstill: s.cfg.Timeouts.Read, Logger: s.log})
	if err != nil {
		return fmt.Errorf("server: media: %w", err)
	}
	s.blobs, s.ownBlobs = files, files
	return nil
}

// Photos is the storage of photos of a server that does not run, for an audit of it.
type Photos interface {
	media.Driver
	io.Closer
}

// OpenPhotos opens the storage of photos that a server with this data directory and these settings has. Files that a server uses answer
// media.ErrUnavailable, and ErrNoData where there are none. Close it when done.
func OpenPhotos(ctx context.Context, data string, settings MediaConfig) (Photos, error) {
	if settings.S3 != "" {
		cfg, err := s3blobs.ParseURL(settings.S3)
		if err != nil {
			return nil, fmt.Errorf("server: media.s3: %w", err)
		}
		opened, err := s3blobs.Open(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("server: media.s3: %w", err)
		}
		return opened, nil
	}
	dir := settings.dir(data)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoData, err)
	}
	files, err := fileblobs.Open(fileblobs.Config{Dir: dir, Key: make([]byte, keyBytes), Now: time.Now}) // it gives out no URLs
	if err != nil {
		return nil, fmt.Errorf("server: media: %w", err)
	}
	return files, nil
}

// leftByPhotos is what photos leave free on the disk: more than the store needs to take words. Bytes can wait on the phones; words must not wait because one
// phone sent photos until the disk was full.
func (c StoreConfig) leftByPhotos() int64 {
	const words = 256 << 20
	return min(cmp.Or(c.MinFreeBytes, max(words, 8*c.MemTableBytes)), math.MaxInt64-words) + words
}

// dir is where photos are kept in files.
func (m MediaConfig) dir(data string) string {
	if m.Dir != "" {
		return m.Dir
	}
	return filepath.Join(data, "media")
}

// mediaURL is where devices reach the embedded storage: what was told, else where the server listens now. The address that tokens are bound to may be an
// older one.
func (s *Server) mediaURL() string {
	switch {
	case s.cfg.Media.URL != "":
		return s.cfg.Media.URL
	case s.cfg.URL != "":
		return s.cfg.URL
	}
	return s.scheme() + "://" + reachable(s.listener.Addr())
}

// mediaHandler serves the URLs of a storage that needs that; nil for one that has a server of its own.
func (s *Server) mediaHandler() http.Handler {
	if of, ok := s.blobs.(interface{ Handler() http.Handler }); ok {
		return of.Handler()
	}
	return nil
}

// committed is the engine's hint that a scope has changed. The desk is there before the first commit.
func (s *Server) committed(scope store.Scope) {
	if s.desk != nil {
		s.desk.Changed(scope)
	}
	if s.schedule != nil {
		s.schedule.Changed(scope)
	}
	s.reference.Changed(scope)
}

// deskAccess answers the desk's questions from an Authority.
type deskAccess struct {
	access
	seen *lastSeen
}

var _ evidence.Access = deskAccess{}

// Organisation implements evidence.Access.
func (a deskAccess) Organisation(site store.Scope) store.Scope {
	scope, _ := a.of.OrganisationOf(auth.Scope(site))
	return store.Scope(scope)
}

// LastSeen implements evidence.Access.
func (a deskAccess) LastSeen(device engine.DeviceID) time.Time {
	return a.seen.at(auth.DeviceID(device))
}
