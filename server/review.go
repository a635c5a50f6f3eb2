package server

import (
	"fmt"
	"path/filepath"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// pageKeyFile holds the key that signs page tokens, so that they outlive a restart.
const pageKeyFile = "pages.key"

// openReview makes what answers the desks. It reads nothing yet.
func (s *Server) openReview() error {
	key, err := fileKey(filepath.Join(s.cfg.Data, pageKeyFile), s.cfg.Inject.Rand)
	if err != nil {
		return fmt.Errorf("server: page tokens: %w", err)
	}
	s.review, err = review.New(review.Config{Records: s.engine, Access: access{s.authority}, Key: key, Now: s.cfg.Inject.Now, Digest: work.Digest,
		Person:   access{s.authority}.Name,
		Policy:   s.reference.Policy,
		Category: func(scope store.Scope, id merge.RecordID) *roundsv1.Category { return s.reference.Category(scope, id) },
		Checklist: func(scope store.Scope, series string, version uint32) *roundsv1.Checklist {
			return s.reference.Checklist(scope, series, version)
		}})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}
