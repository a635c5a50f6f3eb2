package export

import (
	"context"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// indexOf: kind of the subject, 0, its id, one byte for the kind, id. Photos and remarks by what they belong to, tickets by the one that they were merged into.
const indexOf engine.IndexName = "export.of"

// IndexVersion changes when the entries do: the engine then makes the indexes anew.
const IndexVersion = "export 2"

// Index is what an Exporter needs indexed of the records: engine.Config.Index takes it. It is pure.
type Index struct{}

var _ engine.Index = Index{}

// What stands in a key for the kind.
const (
	photoByte   = 'p'
	commentByte = 'c'
	mergedByte  = 'm'
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
	case kindTicket:
		t := change.GetRecord().GetTicket()
		if t.GetState() != roundsv1.TicketState_TICKET_STATE_MERGED {
			return nil
		}
		subject, mark = &roundsv1.RecordRef{Kind: string(kindTicket), Id: t.GetMergedIntoId()}, mergedByte
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

// belonging visits the photos and remarks of a ticket or round: its own, each by kind and id, in the order of their ids, which is that of their making; then those of each ticket that was
// merged into it, likewise; then the photos that it names besides: of the failed item that it was made of, say.
func (x *Exporter) belonging(ctx context.Context, scope store.Scope, kind merge.Kind, of *roundsv1.Change, visit func(kind merge.Kind, change *roundsv1.Change) error) error {
	first, err := uuid.Parse(of.GetRecordId())
	if err != nil {
		return nil
	}
	family, seen := []uuid.UUID{first}, map[uuid.UUID]bool{first: true}
	one := func(kind merge.Kind, id uuid.UUID) error {
		seen[id] = true
		change, err := x.cfg.Records.Record(ctx, scope, kind, merge.RecordID(id.String()))
		if err != nil || change == nil || change.GetDeleted() {
			return err
		}
		return visit(kind, change)
	}
	for i := 0; i < len(family); i++ {
		prefix := ofKey(kind, family[i])
		for entry, err := range x.cfg.Records.Find(ctx, scope, indexOf, store.Prefix(prefix)) {
			if err != nil {
				return err
			}
			rest := entry.Key[len(prefix):]
			if len(rest) != 17 {
				continue
			}
			id := uuid.UUID(rest[1:])
			switch {
			case rest[0] == photoByte:
				err = one(kindPhoto, id)
			case rest[0] == commentByte:
				err = one(kindComment, id)
			case !seen[id]: // else two that were merged into each other
				seen[id], family = true, append(family, id)
			}
			if err != nil {
				return err
			}
		}
	}
	for _, name := range review.PhotosNamed(of) {
		id, err := uuid.Parse(name)
		if err != nil || id.String() != name || seen[id] {
			continue
		}
		if err := one(kindPhoto, id); err != nil {
			return err
		}
	}
	return nil
}
