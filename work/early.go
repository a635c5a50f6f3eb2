package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// noticePeople is the number of Notice's field of who is told.
const noticePeople = 3

// earlyNotice is the notice that tells of photos which are here before what they are of: one for each ticket or round. It tells who took them, and keeps who that was
// until it is here: photos can be looked up by their ids only.
func earlyNotice(about *roundsv1.RecordRef) engine.Derived {
	return NoticeOf(Telling{About: about, Code: roundsv1.NoticeCode_NOTICE_CODE_EARLY_PHOTO, Sentence: &roundsv1.Text{
		Zh: "您拍的照片已收到,但所属的工单或巡检还没有到达服务器。照片已保留,到达后自动归入。",
		En: "Photos of yours are here, and the ticket or the round that they are of is not yet. They are kept, and belong to it as soon as it is here."}})
}

// earlyPhotographers are who took photos of finished work, or of items, of a record that was not here then.
func (j *judgement) earlyPhotographers(kind merge.Kind, id string) []string {
	if j.foresees {
		return nil
	}
	return j.lookup(kindNotice, earlyNotice(&roundsv1.RecordRef{Kind: string(kind), Id: id}).RecordID).GetRecord().GetNotice().GetPersonIds()
}

// noteEarlyPhoto keeps who took a photo of finished work, or of an item, whose ticket or round is not here yet.
func (j *judgement) noteEarlyPhoto() {
	ref, people := j.written().GetPhoto().GetSubject(), j.photographers()
	kind := merge.Kind(ref.GetKind())
	if j.foresees || j.Lookup == nil || ref.GetId() == "" || len(people) == 0 || kind != kindTicket && kind != kindInspection || j.lookup(kind, ref.GetId()) != nil {
		return
	}
	before := j.earlyPhotographers(kind, ref.GetId())
	all := withWalkers(nil, before, named([]string{string(j.Person)}), people)
	if slices.Equal(all, before) {
		return
	}
	made := earlyNotice(&roundsv1.RecordRef{Kind: ref.GetKind(), Id: ref.GetId()})
	notice := made.Edit.GetRecord().GetNotice()
	if notice.PersonIds, notice.TimeUs = all, j.Time.UnixMicro(); len(before) > 0 {
		made.Edit.Fields = []uint32{noticePeople}
	}
	j.verdict.Derived = append(j.verdict.Derived, made)
}

// performEarly notes on a record that is made who photographed its work before it was here.
func (j *judgement) performEarly() {
	people := j.earlyPhotographers(j.Kind, j.Mutation.GetRecordId())
	switch j.Kind {
	case kindTicket:
		j.perform(people...)
	case kindInspection:
		j.walkers(people, nil)
	}
}
