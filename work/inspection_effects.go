package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func (j *judgement) inspectionAct() *roundsv1.InspectionCommand {
	return j.Mutation.GetCommand().GetInspection()
}

// walked: whether the person walked some of the round: started or submitted it, scanned one of its tags, answered an item or took a photo of one, or laboured on it. Who
// did is kept in performer_ids; what else says so is asked besides.
func (j *judgement) walked() bool {
	i, person := j.inspection(), string(j.Person)
	if person == "" {
		return false
	}
	photographed := func(id string) bool {
		change := j.lookup(kindPhoto, id)
		return change.GetRecord().GetPhoto().GetPersonId() == person || writer(change, photoSubject).GetPersonId() == person
	}
	for _, a := range i.GetAnswers() {
		if slices.ContainsFunc(a.GetPhotoIds(), photographed) {
			return true
		}
	}
	return i.GetInspectorId() == person || slices.Contains(i.GetPerformerIds(), person) || submittedOrLaboured(i, person) ||
		slices.ContainsFunc(i.GetOfficialVisits(), func(v *roundsv1.Visit) bool {
			return v.GetPersonId() == person || slices.Contains(v.GetConfirmedByIds(), person)
		}) ||
		slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
			return w.GetStamp().GetPersonId() == person && slices.ContainsFunc(slices.Concat(w.GetElements(), w.GetSiblingElements()), func(e *roundsv1.ElementKey) bool {
				return e.GetField() == inspectionAnswers
			})
		})
}

// shownWalking are the people of whom an act on a round says that they walked some of it: who scanned or answered, whom labour names, and who took the
// photos of the answers.
func (j *judgement) shownWalking() []string {
	acted, byWord := j.walkersIn()
	people := slices.Concat(acted, byWord)
	for _, l := range j.written().GetInspection().GetLabour() {
		people = append(people, l.GetPersonId())
	}
	return named(people)
}

// selfApprovedWalk are the approvers of an approved round among people of whom an act shows that they walked some of it.
func (j *judgement) selfApprovedWalk(people []string) []string {
	if j.foresees || j.state() != approved {
		return nil
	}
	approver := approverOf(j.inspection())
	return slices.DeleteFunc(slices.Clone(people), func(id string) bool { return id != approver })
}

// approverOf is who approved the round that an inspection is in last; "": nobody did.
func approverOf(i *roundsv1.Inspection) string {
	for _, r := range slices.Backward(i.GetReviews()) {
		if r.GetVerdict() == roundsv1.Verdict_VERDICT_APPROVED && r.GetRound() == i.GetRound() {
			return r.GetPersonId()
		}
	}
	return ""
}

// takeBackWalk is row 37 of a round: it was approved by somebody who walked some of it, so somebody else reviews it again.
func (j *judgement) takeBackWalk(self []string) {
	j.flagInspection(flagSelfApproval)
	if len(self) == 0 {
		return
	}
	j.move(inspectionQueue)
	at := writer(j.Current, inspectionReviews).GetTimeUs()
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, []*roundsv1.Side{
		{Record: j.ref(), PersonId: self[0], TimeUs: at, Sentence: &roundsv1.Text{Zh: "确认了此巡检。", En: "Approved the round."}},
		j.thisSide("迟到的记录表明,确认人参与了巡检。", "Something that arrived late shows that the approver walked some of it."),
	})
}

// knowsList: whether some version of the checklist that a round names is published. Without a directory a round may name any.
func (j *judgement) knowsList() bool {
	id := j.inspection().GetChecklistId()
	return id == "" || j.foresees || !j.knowsChecklists() || j.reference.Checklist(j.Scope, id, 0) != nil
}

// knowsVersion: whether the checklist that a round names is published in the version that it says: a draft may be changed while crews answer it. Where the list is not
// known at all, nothing is asked.
func (j *judgement) knowsVersion() bool {
	i := j.inspection()
	newest := j.reference.Checklist(j.Scope, i.GetChecklistId(), 0)
	return i.GetChecklistId() == "" || i.GetChecklistVersion() == 0 || newest == nil ||
		j.reference.Checklist(j.Scope, i.GetChecklistId(), i.GetChecklistVersion()).GetPublished()
}

// hasList: whether what a round is walked with is at hand, where the organisation's lists are known. Published versions stay, so it is not only where the server itself
// has lost it; then nobody can say what the round asks, and nothing is taken for complete.
func (j *judgement) hasList() bool {
	i := j.inspection()
	return j.foresees || i.GetChecklistId() == "" || !j.knowsChecklists() || j.checklistOf(i) != nil
}

// keepPinned lets a round be walked with the checklist and the version that it was released with, whatever its creation says that is sent once more: values that are
// fixed are those that were written first, which may come last.
func (j *judgement) keepPinned() {
	said := j.written().GetInspection()
	if !j.pinned() || said.GetChecklistId() == "" && said.GetChecklistVersion() == 0 {
		return
	}
	i, after := j.inspection(), j.mergedWalk()
	if after.GetChecklistId() != i.GetChecklistId() {
		j.editInspection(inspectionList).ChecklistId = i.GetChecklistId()
	}
	if after.GetChecklistVersion() != i.GetChecklistVersion() {
		j.editInspection(inspectionVersion).ChecklistVersion = i.GetChecklistVersion()
	}
}

// pinned: whether the round has the version of its checklist that it is walked with. One that was missed before it was released gets it when somebody starts it late.
func (j *judgement) pinned() bool {
	switch j.state() {
	case 0, planned:
		return false
	case missed, partial, excused:
		return j.inspection().GetChecklistVersion() != 0
	}
	return !j.foresees
}

// pinVersion lets a round that names no version be walked with the newest.
func (j *judgement) pinVersion() {
	if j.inspection().GetChecklistVersion() != 0 {
		return
	}
	if list := j.checklistOf(j.inspection()); list.GetVersion() != 0 {
		j.editInspection(inspectionVersion).ChecklistVersion = list.GetVersion()
	}
}

// startAtTag looks at what the walk began with. A tag that is not genuine is marked and refuses nothing: the walk may be over when the server hears of it.
func (j *judgement) startAtTag() {
	act, checkpoints := j.inspectionAct().GetStart(), j.inspection().GetCheckpointIds()
	if j.foresees || len(checkpoints) == 0 {
		return
	}
	if act.GetScanPayload() != "" {
		at, mark := j.checkTag(act.GetScanPayload(), "")
		if mark == "" && at == "" || mark == visitFalseTag {
			// Of another system, perhaps: then it is the first checkpoint's, or on a route without order any one's.
			for _, checkpoint := range checkpoints {
				if _, m := j.checkTag(act.GetScanPayload(), checkpoint); m == "" {
					at, mark = checkpoint, ""
					break
				}
			}
		}
		ordered := j.inspection().GetRoute().GetOrdered()
		if mark == "" && at != "" && (ordered && at != checkpoints[0] || !slices.Contains(checkpoints, at)) {
			mark = visitOtherTag
		}
		if mark != "" {
			j.flagInspection(mark)
		}
		return
	}
	j.flagInspection(visitTagBroken)
	if id, ok := j.failureID(checkpoints[0], itemBrokenTag); ok {
		j.file(id, &roundsv1.Ticket{Title: "检查点标签损坏 / The tag of a checkpoint is broken", Origin: &roundsv1.Origin{InspectionId: j.ref().GetId(),
			CheckpointId: checkpoints[0], ItemId: itemBrokenTag, PhotoIds: []string{act.GetBrokenTagPhotoId()}}}, checkpoints[0])
	}
}

// completeWalk notes who submitted which round, with the photos of the answers, and whether checkpoints were left out.
func (j *judgement) completeWalk() {
	i := j.inspection()
	var photos []string
	for _, a := range i.GetAnswers() {
		photos = append(photos, a.GetPhotoIds()...)
	}
	slices.Sort(photos)
	photos = slices.Compact(photos)
	all := append(slices.Clone(i.GetCompletions()), &roundsv1.Completion{Round: i.GetRound(), PersonId: string(j.Person),
		PhotoIds: photos[:min(len(photos), maxPhotos)], TimeUs: j.Time.UnixMicro(), TakenUs: j.takenUs()})
	if len(all) > maxCompletions {
		all = all[len(all)-maxCompletions:]
	}
	j.editInspection(inspectionCompletions).Completions = all
	if j.foresees {
		return
	}
	anew := j.walkedAnew() // then visits of the rounds before do not count
	for _, checkpoint := range i.GetCheckpointIds() {
		if !slices.ContainsFunc(i.GetOfficialVisits(), func(v *roundsv1.Visit) bool {
			return v.GetCheckpointId() == checkpoint && (!anew || v.GetRound() == i.GetRound())
		}) {
			j.flagInspection(flagUnvisited)
			return
		}
	}
}

// lateSync is row 30: the walk of a round that was taken for missed has come. Whether it was in the window follows from the effective time; where that is not
// well known a person decides.
func (j *judgement) lateSync() {
	j.flagInspection(flagLateSync)
	i := j.inspection()
	if i.GetProvisional() {
		j.editInspection(inspectionProvisional)
	}
	end := i.GetWindowEndUs()
	switch {
	case end == 0 || j.foresees:
	case j.Trust != roundsv1.Trust_TRUST_A:
		j.ask(roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, []*roundsv1.Side{
			{Record: j.ref(), TimeUs: end, Sentence: &roundsv1.Text{Zh: "系统:巡检未在规定时间内完成。", En: "The server: the round was not walked in its window."}},
			j.thisSide("手机:已巡检,但手机时间不能确定。", "The phone: it was walked, but the phone's clock is not well known."),
		})
	case j.Time.UnixMicro() <= end:
		j.flagInspection(flagInTime)
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, toRole(roundsv1.Role_ROLE_SUPERVISOR), "记为漏检的巡检其实按时完成:手机当时没有信号,现已更正。",
			"A round that was taken for missed was walked in time: the phone had no signal. The result is corrected.")
	default:
		j.flagInspection(flagTooLate)
	}
}

// reviewWalk notes what the reviewer said.
func (j *judgement) reviewWalk() {
	r := &roundsv1.Review{Round: j.args.round, PersonId: string(j.Person), TimeUs: j.Time.UnixMicro(), Verdict: roundsv1.Verdict_VERDICT_APPROVED,
		Digest: j.inspectionAct().GetApprove().GetReviewDigest()}
	if j.op == Return {
		r.Verdict, r.Words, r.ItemIds = roundsv1.Verdict_VERDICT_REJECTED, j.args.reason, j.inspectionAct().GetReturn().GetItemIds()
	}
	all := append(slices.Clone(j.inspection().GetReviews()), r)
	j.editInspection(inspectionReviews).Reviews = all[max(0, len(all)-maxRoundReviews):]
}

// flagInspection marks the round and the outcome. A round that is full of marks stays as it is: the outcome tells all the same.
func (j *judgement) flagInspection(name string) {
	j.verdict.Flags = append(j.verdict.Flags, name)
	if flags := j.walkFlags(); len(flags) < maxFlags && !slices.Contains(flags, name) {
		j.editInspection(inspectionFlags).Flags = append(flags, name)
	}
}

// unflagInspection takes a mark off the round.
func (j *judgement) unflagInspection(name string) {
	if flags := j.walkFlags(); slices.Contains(flags, name) {
		j.editInspection(inspectionFlags).Flags = without(flags, name)
	}
}

// walkFlags are the round's marks as drafted so far; the slice may be changed.
func (j *judgement) walkFlags() []string {
	if j.draft.has(inspectionFlags) {
		return slices.Clone(j.draft.inspection.GetFlags())
	}
	return slices.Clone(j.inspection().GetFlags())
}

// without is a list without one of its words; what is given is not changed.
func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// answersStored: whether there are answers, where the round asks for any, and each photo of theirs that is in sight is in storage, of this inspection, and sound.
func (j *judgement) answersStored() bool {
	if j.foresees {
		return true
	}
	_, waits := j.photosOfAnswers()
	return len(waits) == 0 && (len(j.inspection().GetAnswers()) > 0 || !j.asksForAnswers())
}

// asksForAnswers: whether the round has something that must be answered. One that is a walk from tag to tag has not; one with a checklist that nobody knows does.
func (j *judgement) asksForAnswers() bool {
	list := j.checklistOf(j.inspection())
	if list == nil {
		return j.inspection().GetChecklistId() != ""
	}
	return slices.ContainsFunc(list.GetItems(), func(item *roundsv1.ChecklistItem) bool { return !item.GetOptionalItem() })
}

// photosOfAnswers are the photos in sight that the answers name, and those of them that are not here, of another record, or not found sound yet; in order, each once.
func (j *judgement) photosOfAnswers() (named, waits []string) {
	for _, answer := range j.inspection().GetAnswers() {
		for _, id := range answer.GetPhotoIds() {
			if j.lookup(kindPhoto, id).GetRecord().GetPhoto().GetHidden() == nil {
				named = append(named, id)
			}
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	return named, slices.DeleteFunc(slices.Clone(named), func(id string) bool {
		photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
		return photo.GetSubject().GetId() == j.Current.GetRecordId() && sound(photo)
	})
}

// walkFacts name the photos of the answers that are missing.
func (j *judgement) walkFacts() map[string]string {
	named, waits := j.photosOfAnswers()
	return photoFacts(len(named), len(named)-len(waits), len(waits), waits)
}
