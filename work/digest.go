package work

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Digest is the hash of the evidence of the current round of a ticket or an inspection round, as TicketApprove.review_digest and InspectionApprove.review_digest carry
// it: what the reviewer's decision rests on; nil for a record of another kind. Of an inspection round it is InspectionDigest. Of a ticket it is SHA-256 over
// "rounds.review.v2" and, each part with its length before it:
//
//   - the ticket's id and its round;
//   - of each completion of the round, by person: the person, whether it came late, and the ids of its manifest in order;
//   - of each photo of ShownPhotos, by id: the id, its SHA-256, its state, whether it is out of sight, and the codes of what the checks found that is soft or hard,
//     with how grave it is; of one that is not here, that it is not;
//   - of each answer, by item: its result, its reading, its note and the ids of its photos;
//   - whether the customer disputes the work.
//
// Title, notes, tags, labour and all else do not change it. lookup reads another record of the scope, nil where there is none; its error is returned. Digest is
// pure but for lookup, changes nothing of what it is given, and is safe for concurrent use: server, devices and desks come to the same.
func Digest(current *roundsv1.Change, lookup func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)) ([]byte, error) {
	t := current.GetRecord().GetTicket()
	if t == nil {
		if current.GetRecord().GetInspection() == nil {
			return nil, nil
		}
		return InspectionDigest(current, lookup)
	}
	var d digest
	d.text("rounds.review.v2")
	d.text(current.GetRecordId())
	d.number(uint64(t.GetRound()))
	completions := slices.DeleteFunc(slices.Clone(t.GetCompletions()), func(c *roundsv1.Completion) bool { return c.GetRound() != t.GetRound() })
	slices.SortStableFunc(completions, func(a, b *roundsv1.Completion) int {
		return cmp.Or(strings.Compare(a.GetPersonId(), b.GetPersonId()), compareBool(a.GetLate(), b.GetLate()))
	})
	d.number(uint64(len(completions)))
	for _, c := range completions {
		d.text(c.GetPersonId())
		d.flag(c.GetLate())
		d.texts(c.GetPhotoIds())
	}
	if err := d.photos(current, lookup); err != nil {
		return nil, err
	}
	d.answers(t.GetAnswers())
	d.flag(t.GetAcceptance() == roundsv1.Acceptance_ACCEPTANCE_DISPUTED)
	sum := sha256.Sum256(d.bytes)
	return sum[:], nil
}

// ShownPhotos are the ids of the photos that a reviewer of the current round of a ticket or an inspection round decides on, in order, each once; Digest covers them. Of
// a ticket these are the photos of the manifests of the round, of the answers, of what the ticket was made from, and shown_photo_ids: those from before the work, and
// those of the round that no manifest lists; where another ticket was merged into it, that one's among them. Of an inspection round they are those of the answers and
// shown_photo_ids. Photos that are out of sight are among them. Nil for a record of another kind. The slice is the caller's; it is pure.
func ShownPhotos(current *roundsv1.Change) []string {
	var ids []string
	t, i := current.GetRecord().GetTicket(), current.GetRecord().GetInspection()
	for _, c := range t.GetCompletions() {
		if c.GetRound() == t.GetRound() {
			ids = append(ids, c.GetPhotoIds()...)
		}
	}
	for _, answers := range []map[string]*roundsv1.Answer{t.GetAnswers(), i.GetAnswers()} {
		for _, a := range answers {
			ids = append(ids, a.GetPhotoIds()...)
		}
	}
	ids = slices.Concat(ids, t.GetOrigin().GetPhotoIds(), t.GetShownPhotoIds(), i.GetShownPhotoIds())
	slices.Sort(ids)
	return slices.Compact(ids)
}

// manifestOf are the ids of the photos that prove the current round, in order, each once. What came after the closure proves nothing of it.
func manifestOf(t *roundsv1.Ticket) []string {
	var ids []string
	for _, c := range proving(t) {
		ids = append(ids, c.GetPhotoIds()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// proving are the completions that the current round rests on.
func proving(t *roundsv1.Ticket) []*roundsv1.Completion {
	return slices.DeleteFunc(slices.Clone(t.GetCompletions()), func(c *roundsv1.Completion) bool { return c.GetRound() != t.GetRound() || c.GetLate() })
}

// digest collects what is hashed, so that no two different contents are the same bytes.
type digest struct{ bytes []byte }

func (d *digest) number(n uint64) { d.bytes = binary.AppendUvarint(d.bytes, n) }

func (d *digest) text(s string) {
	d.number(uint64(len(s)))
	d.bytes = append(d.bytes, s...)
}

func (d *digest) texts(list []string) {
	list = slices.Sorted(slices.Values(list))
	d.number(uint64(len(list)))
	for _, s := range list {
		d.text(s)
	}
}

func (d *digest) flag(set bool) {
	if set {
		d.number(1)
	} else {
		d.number(0)
	}
}

// photos adds those that a reviewer is shown.
func (d *digest) photos(current *roundsv1.Change, lookup func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)) error {
	shown := ShownPhotos(current)
	d.number(uint64(len(shown)))
	for _, id := range shown {
		change, err := lookup(kindPhoto, merge.RecordID(id))
		if err != nil {
			return err
		}
		d.text(id)
		d.photo(change)
	}
	return nil
}

// answers adds those to a checklist, by key.
func (d *digest) answers(answers map[string]*roundsv1.Answer) {
	d.number(uint64(len(answers)))
	for _, key := range slices.Sorted(maps.Keys(answers)) {
		a := answers[key]
		d.text(key)
		d.number(uint64(a.GetResult()))
		d.number(math.Float64bits(a.GetReading()))
		d.text(a.GetNote())
		d.texts(a.GetPhotoIds())
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (d *digest) photo(change *roundsv1.Change) {
	photo := change.GetRecord().GetPhoto()
	d.flag(photo != nil && !change.GetDeleted())
	if photo == nil || change.GetDeleted() {
		return
	}
	d.text(string(photo.GetSha256()))
	d.number(uint64(photo.GetState()))
	d.flag(photo.GetHidden() != nil)
	var grave []uint64
	for _, f := range photo.GetReport().GetFindings() {
		if f.GetSeverity() >= roundsv1.Severity_SEVERITY_SOFT {
			grave = append(grave, uint64(f.GetCode())<<8|uint64(f.GetSeverity()))
		}
	}
	slices.Sort(grave)
	d.number(uint64(len(grave)))
	for _, n := range grave {
		d.number(n)
	}
}
