package work

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Number of Notice's field that its recipients write.
const noticeSeenBy = 8

// maxTold is how many people one notice names.
const maxTold = 64

// Telling is what a notice says and to whom.
type Telling struct {
	// About is the record that it is about.
	About *roundsv1.RecordRef
	// Code says what it is about.
	Code roundsv1.NoticeCode
	// People who are told by name, 64 at most.
	People []engine.PersonID
	// Role whose holders are told besides; 0: nobody.
	Role roundsv1.Role
	// Sentence that is told.
	Sentence *roundsv1.Text
	// CausedBy is the person whose act caused it; empty for the server.
	CausedBy engine.PersonID
	// Cause tells this act, or this deadline, from every other about the same record, so that the same thing is told once.
	Cause string
	// TimeUs is the effective time, microseconds since 1970.
	TimeUs int64
}

// NoticeOf returns the notice as the server writes it in the record's scope. Its id is the UUIDv5, in the name space of the record, of the code, the
// recipients and the cause: written again it changes nothing. It is pure.
func NoticeOf(t Telling) engine.Derived {
	people := texts(t.People)
	slices.Sort(people)
	people = slices.Compact(people)
	id := derivedID(t.About.GetId(), append([]string{"notice", strconv.Itoa(int(t.Code)), t.Cause, strconv.Itoa(int(t.Role))}, people...)...)
	return engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{
		Code: t.Code, Subject: t.About, PersonIds: people, Role: t.Role, Sentence: t.Sentence, CausedById: string(t.CausedBy), TimeUs: t.TimeUs,
	}}}}}
}

// derivedID is the UUIDv5 of the parts, with a zero byte between them, in the name space of the record that they follow from. The device library
// derives ids alike (client.DerivedID). A record whose id is no UUID has the name space of zeros and is a part itself.
func derivedID(from string, parts ...string) string {
	space, err := uuid.Parse(from)
	if err != nil {
		space, parts = uuid.Nil, append([]string{from}, parts...)
	}
	return uuid.NewSHA1(space, []byte(strings.Join(parts, "\x00"))).String()
}

// texts are ids as records hold them: a slice of its own.
func texts[ID ~string](ids []ID) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}

// peopleOf are the people whom a record names by these ids.
func peopleOf(ids []string) []engine.PersonID {
	all := make([]engine.PersonID, len(ids))
	for i, id := range ids {
		all[i] = engine.PersonID(id)
	}
	return all
}

// recipients are whom a notice tells: people by their ids, and whoever has a role.
type recipients struct {
	people []string
	role   roundsv1.Role
}

// toPeople tells people by name. Empty ids are nobody.
func toPeople(ids ...string) recipients { return recipients{people: ids} }

// toRole tells everybody who has a role over the site.
func toRole(role roundsv1.Role) recipients { return recipients{role: role} }

// notify tells somebody of what this act did to its record. Nothing is told to who did it, nor by a device that foresees.
func (j *judgement) notify(code roundsv1.NoticeCode, to recipients, zh, en string) {
	j.notifyAbout(j.ref(), code, to, zh, en)
}

// notifyAbout is notify about another record: the ticket of a photo, say.
func (j *judgement) notifyAbout(about *roundsv1.RecordRef, code roundsv1.NoticeCode, to recipients, zh, en string) {
	if j.foresees {
		return
	}
	people := slices.DeleteFunc(slices.Clone(to.people), func(id string) bool { return id == "" || id == string(j.Person) })
	slices.Sort(people)
	people = slices.Compact(people)
	t := Telling{About: about, Code: code, Role: to.role, Sentence: &roundsv1.Text{Zh: zh, En: en}, CausedBy: j.Person, Cause: j.cause(),
		TimeUs: j.Time.UnixMicro()}
	for some := range slices.Chunk(people, maxTold) {
		t.People = peopleOf(some)
		j.verdict.Derived = append(j.verdict.Derived, NoticeOf(t))
		t.Role = 0
	}
	if t.Role != 0 {
		j.verdict.Derived = append(j.verdict.Derived, NoticeOf(t))
	}
}

// ref names the record of the case.
func (j *judgement) ref() *roundsv1.RecordRef {
	id := j.Mutation.GetRecordId()
	if id == "" {
		id = j.Current.GetRecordId()
	}
	return &roundsv1.RecordRef{Kind: string(j.Kind), Id: id}
}

// cause tells this act from every other on its record: a device's acts have different effective times.
func (j *judgement) cause() string {
	return string(j.op) + " " + string(j.Device) + " " + strconv.FormatInt(j.Time.UnixMicro(), 10)
}
