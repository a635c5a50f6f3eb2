package work

import (
	"bytes"
	"crypto/sha256"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// InspectionDigest is the hash of what a reviewer of an inspection round is shown, as InspectionApprove.review_digest carries it. It is SHA-256 over
// "rounds.review.inspection.v2" and, each part with its length before it:
//
//   - the record's id and its round;
//   - of each answer, by key: its result, its reading, its note and the ids of its photos;
//   - of each photo of ShownPhotos, by id: as Digest has it;
//   - of each visit that counts: round, checkpoint, scan, and marks.
//
// Otherwise it is as Digest.
func InspectionDigest(current *roundsv1.Change, lookup func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)) ([]byte, error) {
	i := current.GetRecord().GetInspection()
	var d digest
	d.text("rounds.review.inspection.v2")
	d.text(current.GetRecordId())
	d.number(uint64(i.GetRound()))
	d.answers(i.GetAnswers())
	if err := d.photos(current, lookup); err != nil {
		return nil, err
	}
	d.number(uint64(len(i.GetOfficialVisits())))
	for _, v := range i.GetOfficialVisits() {
		d.number(uint64(v.GetRound()))
		d.text(v.GetCheckpointId())
		d.text(v.GetScanId())
		d.texts(v.GetFlags())
	}
	sum := sha256.Sum256(d.bytes)
	return sum[:], nil
}

// sawEvidence: whether the digest that the reviewer sends is of the evidence as it stands.
func (j *judgement) sawEvidence() bool {
	if j.foresees || j.Admitted {
		return true
	}
	now, err := InspectionDigest(j.Current, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		return j.lookup(kind, string(id)), nil
	})
	return err == nil && bytes.Equal(j.inspectionAct().GetApprove().GetReviewDigest(), now)
}
