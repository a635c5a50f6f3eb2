package server

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/tag"
)

// Files in the data directory that hold the secrets of tags: the one that tags are issued with, and the one before it.
const (
	tagKeyFile    = "tags.key"
	oldTagKeyFile = "tags.old.key"
)

// master is a secret that the keys of all sites are derived from. It prints as nothing but the word for it, whatever it is printed with.
type master []byte

// Format implements fmt.Formatter.
func (master) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(tag secret)")) }

// LogValue implements slog.LogValuer.
func (master) LogValue() slog.Value { return slog.StringValue("(tag secret)") }

// MarshalText implements encoding.TextMarshaler.
func (master) MarshalText() ([]byte, error) { return []byte("(tag secret)"), nil }

// siteTags issues and verifies the tags of all sites. It does not change once it is made.
type siteTags struct{ masters []master } // the one that tags are issued with first

var _ work.Tags = siteTags{}

// openTags reads the secrets, and makes the first one where there is none.
func (s *Server) openTags() (siteTags, error) {
	first, err := fileKey(cmp.Or(s.cfg.Tags.Key, filepath.Join(s.cfg.Data, tagKeyFile)), s.cfg.Inject.Rand)
	if err != nil {
		return siteTags{}, fmt.Errorf("server: tags.key: %w", err)
	}
	tags := siteTags{masters: []master{first}}
	path := cmp.Or(s.cfg.Tags.Previous, filepath.Join(s.cfg.Data, oldTagKeyFile))
	old, err := os.ReadFile(path)
	switch {
	case err == nil && len(old) == tag.KeyLength:
		tags.masters = append(tags.masters, old)
	case err == nil:
		return siteTags{}, fmt.Errorf("server: tags.previous: %s does not hold a key of %d bytes", path, tag.KeyLength)
	case s.cfg.Tags.Previous != "" || !errors.Is(err, os.ErrNotExist):
		return siteTags{}, fmt.Errorf("server: tags.previous: %w", err)
	}
	return tags, nil
}

// TagKeys implements work.Tags.
func (t siteTags) TagKeys(scope store.Scope) tag.Keys {
	site, is := strings.CutPrefix(string(scope), "site/")
	if !is {
		return nil
	}
	keys := make(tag.Keys, len(t.masters))
	for i, m := range t.masters {
		keys[i] = tag.DeriveKey(m, site)
	}
	return keys
}

// issue returns what the tag of a place is to say.
func (t siteTags) issue(scope store.Scope, place string) (string, error) {
	keys := t.TagKeys(scope)
	if len(keys) == 0 {
		return "", fmt.Errorf("server: no tags are issued in %s", scope)
	}
	return tag.Issue(tag.Tag{Site: strings.TrimPrefix(string(scope), "site/"), Place: place}, keys[0])
}
