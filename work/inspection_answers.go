package work

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/checklist"
)

// Marks on an inspection round.
const (
	flagImpossible = "impossible_reading"
	flagUnvisited  = "unvisited"
)

// itemBrokenTag stands for the tag of a checkpoint where a ticket's origin names an item.
const itemBrokenTag = "~tag"

// FailureTicketID is the id of the ticket that a failed item of an inspection round makes: the UUIDv5, in the name space of the round's record, of the checkpoint
// and the item with a zero byte between them. The checkpoint is empty where the item is asked once in the round. Devices derive the same with
// client.DerivedID(round, checkpoint, item), so that two phones and the server make one ticket.
//
// Where the ticket of an earlier round has ended and the item fails again, the server makes another, with the number of the round as a third part.
func FailureTicketID(inspection merge.RecordID, checkpoint, item string) merge.RecordID {
	return merge.RecordID(derivedID(string(inspection), checkpoint, item))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// checklistOf is the list that a round is walked with, in the version that it has; before its release in the newest. Nil: it is not known here.
func (j *judgement) checklistOf(i *roundsv1.Inspection) *roundsv1.Checklist {
	if i.GetChecklistId() == "" {
		return nil
	}
	return j.reference.Checklist(j.Scope, i.GetChecklistId(), i.GetChecklistVersion())
}

// takeAnswers looks at the answers that a mutation brings: a reading that cannot be is marked, and a failed item makes its ticket (row 27: whatever another
// phone says). Once the round was submitted, what it comes to is reckoned again.
func (j *judgement) takeAnswers() {
	written := j.written().GetInspection().GetAnswers()
	list := j.checklistOf(j.route())
	if len(written) == 0 || list == nil || j.foresees {
		return
	}
	impossible := false
	for _, key := range sortedKeys(written) {
		q, ok := checklist.Find(list, j.route().GetCheckpointIds(), key)
		if !ok {
			continue
		}
		impossible = impossible || checklist.Impossible(q.Item, written[key])
		if checklist.Result(q.Item, written[key]) == roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
			j.fileFailure(q, written[key])
		}
	}
	if impossible {
		j.flagInspection(flagImpossible)
	}
	switch j.state() {
	case submitted, inspectionQueue, approved, returned:
		j.score(j.projected(), list)
	}
}

// askToReopenWalk is row 7 of a round that was approved: an answer says that something fails of which the reviewer did not know, and a supervisor says whether the
// approval holds. The ticket of the item is made all the same.
func (j *judgement) askToReopenWalk() {
	if j.foresees {
		return
	}
	i := j.inspection()
	written := j.written().GetInspection().GetAnswers()
	var failed []string
	for _, key := range sortedKeys(written) {
		if j.fails(i, key, written[key]) && !j.fails(i, key, i.GetAnswers()[key]) {
			failed = append(failed, key)
		}
	}
	if len(failed) == 0 {
		return
	}
	stands := &roundsv1.Side{Record: j.ref(), Sentence: &roundsv1.Text{Zh: "已通过。", En: "Approved it."}}
	for _, r := range slices.Backward(i.GetReviews()) {
		if r.GetVerdict() == roundsv1.Verdict_VERDICT_APPROVED {
			stands.PersonId, stands.TimeUs = r.GetPersonId(), r.GetTimeUs()
			break
		}
	}
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, []*roundsv1.Side{stands,
		j.thisSide("迟到的答案不合格："+j.itemWords(failed, false)+"。", "Late answers fail: "+j.itemWords(failed, true)+".")})
}

// fails: whether an answer of a round says that its item is not as it should be, by its word or its reading.
func (j *judgement) fails(i *roundsv1.Inspection, key string, a *roundsv1.Answer) bool {
	result := a.GetResult()
	if q, ok := checklist.Find(j.checklistOf(i), i.GetCheckpointIds(), key); ok {
		result = checklist.Result(q.Item, a)
	}
	return result == roundsv1.AnswerResult_ANSWER_RESULT_FAIL
}

// projected is the round as the mutation leaves it, with the list that is pinned.
func (j *judgement) projected() *roundsv1.Inspection {
	after := j.mergedWalk()
	if i := j.inspection(); j.pinned() && (after.GetChecklistId() != i.GetChecklistId() || after.GetChecklistVersion() != i.GetChecklistVersion()) {
		after = proto.CloneOf(after)
		after.ChecklistId, after.ChecklistVersion = i.GetChecklistId(), i.GetChecklistVersion()
	}
	return after
}

// mergedWalk is the round as merging the mutation alone leaves it.
func (j *judgement) mergedWalk() *roundsv1.Inspection {
	r := merge.Apply(j.Current, merge.Input{Mutation: j.Mutation, Stamp: &roundsv1.Stamp{Seq: j.Current.GetVersion() + 1, DeviceId: string(j.Device),
		PersonId: string(j.Person), TimeUs: j.Time.UnixMicro(), Roles: j.Roles}})
	if r.Problem != nil {
		return j.inspection()
	}
	return r.Change.GetRecord().GetInspection()
}

// score writes what a round comes to.
func (j *judgement) score(i *roundsv1.Inspection, list *roundsv1.Checklist) {
	sum := checklist.Sum(checklist.Ask(list, i.GetCheckpointIds(), i.GetAnswers()), i.GetAnswers())
	j.editInspection(inspectionScore).Score = sum.Score
	j.editInspection(inspectionFailed).Failed = sum.Failed
	j.editInspection(inspectionTally).Tally = sum.Tally
}

// gaps is what a submission lacks; empty where the checklist is not known.
func (j *judgement) gaps() checklist.Gaps {
	i := j.inspection()
	list := j.checklistOf(i)
	if list == nil {
		return checklist.Gaps{}
	}
	return checklist.Missing(checklist.Ask(list, i.GetCheckpointIds(), i.GetAnswers()), i.GetAnswers(), j.again(list))
}

// gapFacts name what a submission lacks, for the refusal's words and for programs.
func (j *judgement) gapFacts() map[string]string {
	g := j.gaps()
	facts := map[string]string{}
	var zh, en []string
	for _, part := range []struct {
		name, zh, en string
		keys         []string
	}{
		{"unanswered", "项未作答", "not answered", g.Unanswered},
		{"impossible", "项读数不可能", "with an impossible reading", g.Impossible},
		{"photos", "项不合格缺照片", "failed without a photo", g.Photos},
		{"notes", "项不合格缺说明", "failed without a note", g.Notes},
		{"reasons", "项跳过未写原因", "skipped without a reason", g.Reasons},
	} {
		if len(part.keys) == 0 {
			continue
		}
		facts[part.name] = strings.Join(part.keys, ",")
		n := strconv.Itoa(len(part.keys))
		zh = append(zh, n+part.zh+"（"+j.itemWords(part.keys, false)+"）")
		en = append(en, n+" "+part.en+" ("+j.itemWords(part.keys, true)+")")
	}
	facts["gaps"], facts["gaps_en"] = strings.Join(zh, "；"), strings.Join(en, "; ")
	return facts
}

// itemWords name the first items of the round by their questions.
func (j *judgement) itemWords(keys []string, en bool) string {
	i := j.inspection()
	return questionWords(j.checklistOf(i), i.GetCheckpointIds(), keys, en)
}

// fileFailure makes the ticket of a failed item, or does nothing where it is here: of another phone, say.
func (j *judgement) fileFailure(q checklist.Question, a *roundsv1.Answer) {
	id, ok := j.failureID(q.Checkpoint, q.Item.GetId())
	if !ok {
		return
	}
	said := a.GetNote()
	if a.Reading != nil {
		said = strings.TrimSpace(strconv.FormatFloat(a.GetReading(), 'g', 6, 64) + " " + q.Item.GetUnit() + "\n" + said)
	}
	j.file(id, &roundsv1.Ticket{Title: bilingual(q.Item.GetQuestion(), q.Item.GetId()), Description: said, CategoryId: q.Item.GetCategoryId(),
		Origin: &roundsv1.Origin{InspectionId: j.ref().GetId(), CheckpointId: q.Checkpoint, ItemId: q.Item.GetId(), PhotoIds: a.GetPhotoIds()}}, q.Checkpoint)
}

// failureID is the id of the ticket that a failure makes now; false where there is one that has not ended, or that this round has made.
func (j *judgement) failureID(checkpoint, item string) (string, bool) {
	id := j.derivedFailure(checkpoint, item, 1)
	before := j.lookup(kindTicket, id)
	if before == nil {
		return id, true
	}
	switch state(before.GetRecord().GetTicket().GetState()) {
	case closed, cancelled, merged:
	default:
		return "", false
	}
	round := j.inspection().GetRound()
	if round < 2 {
		return "", false
	}
	id = j.derivedFailure(checkpoint, item, round)
	return id, j.lookup(kindTicket, id) == nil
}

// derivedFailure is the id of the ticket of a failure in a round of the inspection.
func (j *judgement) derivedFailure(checkpoint, item string, round uint32) string {
	if round < 2 {
		return derivedID(j.ref().GetId(), checkpoint, item) // FailureTicketID
	}
	return derivedID(j.ref().GetId(), checkpoint, item, strconv.FormatUint(uint64(round), 10))
}

// file makes a ticket of what a round found, through the ticket's own rules for a new one.
func (j *judgement) file(id string, t *roundsv1.Ticket, checkpoint string) {
	t.Channel, t.ReporterId = roundsv1.Channel_CHANNEL_INSPECTION, string(j.Person)
	if all := j.inspection().GetCheckpointIds(); checkpoint == "" && len(all) == 1 { // what is asked once of a round of one place is of that place
		checkpoint = all[0]
	}
	t.Location = &roundsv1.Location{PlaceId: checkpoint, Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
	if checkpoint == "" {
		t.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX}
	} else if visits := j.inspection().GetOfficialVisits(); tagged(visits)[checkpoint] || j.draft.has(inspectionVisits) && tagged(j.draft.inspection.GetOfficialVisits())[checkpoint] {
		t.Location.Source = roundsv1.LocationSource_LOCATION_SOURCE_TAG
	}
	record := &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
	c := j.Case
	c.Kind, c.Current, c.Saw, c.Admitted = kindTicket, nil, true, false
	c.Mutation = &roundsv1.Mutation{RecordId: id, Clock: j.Mutation.GetClock(), Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: record}}}
	sub := j.rules.judgement(c)
	v := sub.transit(j.rules.rows[kindTicket][Create])
	if v.Problem != nil {
		return
	}
	made := merge.Apply(nil, merge.Input{Mutation: c.Mutation, Stamp: &roundsv1.Stamp{Seq: 1, TimeUs: j.Time.UnixMicro()}, Capacity: merge.Rules, Also: v.Effect})
	if made.Problem != nil {
		return
	}
	j.verdict.Derived = append(append(j.verdict.Derived, engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: made.Change.GetRecord()}}), v.Derived...)
}

// bilingual is a text as one line for a field that has no languages.
func bilingual(t *roundsv1.Text, otherwise string) string {
	const most = 1024
	words := t.GetZh()
	switch {
	case words == "":
		words = t.GetEn()
	case t.GetEn() != "" && t.GetEn() != words:
		words += " / " + t.GetEn()
	}
	if words == "" {
		words = otherwise
	}
	if len(words) > most {
		words = strings.ToValidUTF8(words[:most], "")
	}
	return words
}
