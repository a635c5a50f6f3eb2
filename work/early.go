package work

import (
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Numbers of Notice's fields that grow: who is told, and the photos that it is about.
const (
	noticePeople = 3
	noticePhotos = 9
	noticeNamed  = 10
)

// earlyNotice is the notice that tells of photos which are here before what they are of: one for each ticket or round. It tells who took them, and keeps who that was
// and which they are until it is here: photos can be looked up by their ids only.
func earlyNotice(about *roundsv1.RecordRef) engine.Derived {
	return NoticeOf(Telling{About: about, Code: roundsv1.NoticeCode_NOTICE_CODE_EARLY_PHOTO, Sentence: &roundsv1.Text{
		Zh: "您拍的照片已收到，但所属的工单或巡检还没有到达服务器。照片已保留，到达后自动归入。",
		En: "Photos of yours are here, and the ticket or the round that they are of is not yet. They are kept, and belong to it as soon as it is here."}})
}

// earlyPhotos is what is kept of the photos of a record that came before it; nil where none did.
func (j *judgement) earlyPhotos(kind merge.Kind, id string) *roundsv1.Notice {
	if j.foresees {
		return nil
	}
	return j.lookup(kindNotice, string(earlyNotice(&roundsv1.RecordRef{Kind: string(kind), Id: id}).RecordID)).GetRecord().GetNotice()
}

// noteEarlyPhoto keeps of a photo whose ticket or round is not here yet what its arrival would have written there.
func (j *judgement) noteEarlyPhoto() {
	ref := j.written().GetPhoto().GetSubject()
	kind := merge.Kind(ref.GetKind())
	if j.foresees || j.Lookup == nil || ref.GetId() == "" || kind != kindTicket && kind != kindInspection || j.lookup(kind, ref.GetId()) != nil {
		return
	}
	before := j.earlyPhotos(kind, ref.GetId())
	made := earlyNotice(&roundsv1.RecordRef{Kind: ref.GetKind(), Id: ref.GetId()})
	notice := made.Edit.GetRecord().GetNotice()
	notice.PersonIds, notice.PhotoIds, notice.NamedIds = before.GetPersonIds(), before.GetPhotoIds(), before.GetNamedIds()
	if people := j.photographers(); len(people) > 0 {
		notice.PersonIds = withWalkers(nil, before.GetPersonIds(), named([]string{string(j.Person)}), people)
		known := func(id string) bool { return id == string(j.Person) || slices.Contains(before.GetPersonIds(), id) }
		notice.NamedIds = without(append(slices.Clone(before.GetNamedIds()), slices.DeleteFunc(people, known)...), string(j.Person))
	}
	if kind == kindTicket && j.keepsEarly(before.GetPhotoIds()) {
		notice.PhotoIds = append(slices.Clone(before.GetPhotoIds()), j.Mutation.GetRecordId())
	}
	if slices.Equal(notice.GetPersonIds(), before.GetPersonIds()) && slices.Equal(notice.GetPhotoIds(), before.GetPhotoIds()) &&
		slices.Equal(notice.GetNamedIds(), before.GetNamedIds()) {
		return
	}
	if notice.TimeUs = j.Time.UnixMicro(); before != nil {
		made.Edit.Fields = []uint32{noticePeople, noticePhotos, noticeNamed}
	}
	j.verdict.Derived = append(j.verdict.Derived, made)
}

// keepsEarly: whether a photo that came before its ticket is one that writes on it, beside those that are kept: one from before the work, the first few, or the
// first of all.
func (j *judgement) keepsEarly(kept []string) bool {
	photo := j.written().GetPhoto()
	switch {
	case photo.GetAnnotationOfId() != "":
		return false
	case photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE:
		return len(kept) < 2*mostFound
	}
	return len(kept) == 0
}

// takeEarly does on a record that is made what the photos of it would have done that came before it.
func (j *judgement) takeEarly() {
	early := j.earlyPhotos(j.Kind, j.Mutation.GetRecordId())
	switch j.Kind {
	case kindTicket:
		j.perform(slices.DeleteFunc(slices.Clone(early.GetPersonIds()), func(id string) bool { return slices.Contains(early.GetNamedIds(), id) })...)
		j.performByWord(early.GetNamedIds()...)
		for _, id := range early.GetPhotoIds() {
			if photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto(); photo != nil {
				j.notePhoto(id, photo, false)
				j.unflag(flagNoPhoto)
			}
		}
	case kindInspection:
		j.walkers(early.GetPersonIds(), nil)
	}
}

// withEarly is a ticket that the server makes, with what the photos of it would have written that came before it.
func (j *judgement) withEarly(id string, t *roundsv1.Ticket) *roundsv1.Ticket {
	c := j.Case
	c.Kind, c.Current = kindTicket, nil
	c.Mutation = &roundsv1.Mutation{RecordId: id, Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}}}}
	made := j.rules.judgement(c)
	made.takeEarly()
	return proto.CloneOf(made.after())
}
