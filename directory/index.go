package directory

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// IndexVersion names what Index says.
const IndexVersion = "directory 2"

// indexName is the index of every record of the directory by kind, code and id, with its version.
const indexName engine.IndexName = "directory"

// tagIndex is the index of places by what their tags say.
const tagIndex engine.IndexName = "directory-tag"

// Index lists the records of the directory by their codes, so that they are found and listed without looking at a scope's work.
type Index struct{}

var _ engine.Index = Index{}

// Entries implements engine.Index.
func (Index) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	if !isDirectory(kind) {
		return nil
	}
	all := []engine.IndexEntry{{Name: indexName, Key: indexKey(kind, CodeOf(change.GetRecord()), change.GetRecordId()),
		Value: binary.BigEndian.AppendUint64(nil, change.GetVersion())}}
	if tag := change.GetRecord().GetPlace().GetTag(); tag != "" {
		all = append(all, engine.IndexEntry{Name: tagIndex, Key: append(tagKey(tag), change.GetRecordId()...)})
	}
	return all
}

// tagKey is what the entries of a tag begin with. A tag may be longer than a key.
func tagKey(tag string) []byte {
	hash := sha256.Sum256([]byte(tag))
	return hash[:]
}

func isDirectory(kind merge.Kind) bool {
	switch kind {
	case KindSite, KindPlace, KindAsset, KindStaff, KindCategory, KindChecklist, KindUnit, KindCalendar, KindPlan:
		return true
	}
	return false
}

// CodeOf is the short code of a record of the directory; empty where its kind has none.
func CodeOf(record *roundsv1.Record) string {
	switch r := record.GetKind().(type) {
	case *roundsv1.Record_Site:
		return r.Site.GetCode()
	case *roundsv1.Record_Place:
		return r.Place.GetCode()
	case *roundsv1.Record_Asset:
		return r.Asset.GetCode()
	case *roundsv1.Record_Staff:
		return r.Staff.GetCode()
	case *roundsv1.Record_Category:
		return r.Category.GetCode()
	case *roundsv1.Record_Checklist:
		return r.Checklist.GetCode()
	case *roundsv1.Record_Unit:
		return r.Unit.GetCode()
	case *roundsv1.Record_Calendar:
		return r.Calendar.GetCode()
	}
	return ""
}

// indexKey puts kind and code before the id, each ended by a zero byte, which a code does not have in the index.
func indexKey(kind merge.Kind, code, id string) []byte {
	code = strings.ReplaceAll(code, "\x00", " ")
	key := make([]byte, 0, len(kind)+len(code)+len(id)+2)
	key = append(append(key, kind...), 0)
	key = append(append(key, code...), 0)
	return append(key, id...)
}

// listed is one entry of the index, read.
type listed struct {
	kind    merge.Kind
	code    string
	id      string
	version uint64
}

func readEntry(e engine.IndexEntry) (listed, bool) {
	parts := bytes.SplitN(e.Key, []byte{0}, 3)
	if len(parts) != 3 || len(e.Value) != 8 {
		return listed{}, false
	}
	return listed{merge.Kind(parts[0]), string(parts[1]), string(parts[2]), binary.BigEndian.Uint64(e.Value)}, true
}

// ofCode is the span of the records of a kind that have a code.
func ofCode(kind merge.Kind, code string) store.Span { return store.Prefix(indexKey(kind, code, "")) }
