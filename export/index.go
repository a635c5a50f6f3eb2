package export

import (
	"context"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// indexOf: kind of the subject, 0, its id, one byte for the kind, id. Photos and remarks by what they belong to.
const indexOf engine.IndexName = "export.of"

// IndexVersion changes when the entries do: the engine then makes the indexes anew.
const IndexVersion = "export 1"

// Index is what an Exporter needs indexed of the records: engine.Config.Index takes it. It is pure.
type Index struct{}

var _ engine.Index = Index{}

// What stands in a key for the kind.
const (
	photoByte   = 'p'
	commentByte = 'c'
)

// Entries implements engine.Index.
func (Index) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	var subject *roundsv1.RecordRef
	var mark byte
	switch kind {
	case kindPhoto:
		subject, mark = change.GetRecord().GetPhoto().GetSubject(), photoByte
	case kindComment:
		subject, mark = change.GetRecord().GetComment().GetSubject(), commentByte
	default:
		return nil
	}
	id, err := uuid.Parse(change.GetRecordId())
	of, ofErr := uuid.Parse(subject.GetId())
	if err != nil || ofErr != nil {
		return nil
	}
	return []engine.IndexEntry{{Name: indexOf, Key: append(append(ofKey(merge.Kind(subject.GetKind()), of), mark), id[:]...)}}
}

func ofKey(kind merge.Kind, id uuid.UUID) []byte { return append(append([]byte(kind), 0), id[:]...) }

// belonging visits the photos and remarks of a ticket or round, each by kind and id, in the order of their ids, which is that of their making.
func (x *Exporter) belonging(ctx context.Context, scope store.Scope, kind merge.Kind, id string, visit func(kind merge.Kind, change *roundsv1.Change) error) error {
	of, err := uuid.Parse(id)
	if err != nil {
		return nil
	}
	prefix := ofKey(kind, of)
	for entry, err := range x.cfg.Records.Find(ctx, scope, indexOf, store.Prefix(prefix)) {
		if err != nil {
			return err
		}
		rest := entry.Key[len(prefix):]
		if len(rest) != 17 {
			continue
		}
		own := kindComment
		if rest[0] == photoByte {
			own = kindPhoto
		}
		change, err := x.cfg.Records.Record(ctx, scope, own, uuid.UUID(rest[1:]).String())
		if err != nil {
			return err
		}
		if change == nil || change.GetDeleted() {
			continue
		}
		if err := visit(own, change); err != nil {
			return err
		}
	}
	return nil
}
