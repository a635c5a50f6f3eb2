package work

import (
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// waitingSides are both sides of a question about the mutation of the case, which waits: what stands against it, and what it says. Told is what its sender was told.
// None of a question about nothing that waits.
func (j *judgement) waitingSides(c *roundsv1.Conflict, told *roundsv1.Text) []*roundsv1.Side {
	if j.Mutation == nil {
		return nil
	}
	subject := c.GetSubject()
	if about := j.toldOf(); about.GetId() != "" {
		subject = about
	}
	stands := j.standsAgainst(c, told)
	stands.Record = subject
	return []*roundsv1.Side{stands, {Record: c.GetSubject(), PersonId: c.GetPersonId(), DeviceId: c.GetDeviceId(), TimeUs: c.GetOpenedTimeUs(),
		JournalSeq: c.GetJournalSeq(), Sentence: j.whatWaits(!j.erasedOf()).text()}}
}

// look is the record that the mutation is about, or that its photo or remark is about, also where it is deleted; nil where it is not here.
func (j *judgement) look() (merge.Kind, *roundsv1.Change) {
	ref := j.toldOf()
	if ref.GetId() == "" || j.Lookup == nil {
		return j.Kind, j.Current
	}
	kind := merge.Kind(ref.GetKind())
	change, err := j.Lookup(kind, merge.RecordID(ref.GetId()))
	if err != nil {
		return kind, nil
	}
	return kind, change
}

// erasedOf: whether something was erased, as law demands, of what the mutation is about: what it says may say that again, so it is not quoted.
func (j *judgement) erasedOf() bool {
	kind, subject := j.look()
	return len(erasures(kind, subject)) > 0
}

// standsAgainst is what stands against a mutation that waits, with who brought that about and when, as far as it is known.
func (j *judgement) standsAgainst(c *roundsv1.Conflict, told *roundsv1.Text) *roundsv1.Side {
	kind, subject := j.look()
	tell := func(words inWords) *roundsv1.Side { return &roundsv1.Side{Sentence: words.text()} }
	switch c.GetType() {
	case roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT:
		return j.lostRight()
	case roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD:
		return tell(inWords{"所属记录尚未到达服务器。", "The record is not on the server yet."})
	case roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN:
		side := tell(inWords{"已归档。", "Was archived."})
		switch {
		case subject.GetDeleted():
			side = tell(inWords{"已删除。", "Was deleted."})
		case j.erasedOf():
			side = tell(inWords{"其中的个人数据已删除。", "Personal data in it was erased."})
		}
		side.TimeUs = subject.GetTimeUs()
		return side
	}
	if kind != kindTicket && kind != kindInspection || subject == nil {
		return tell(toldWords(told).orElse(inWords{c.GetSentence().GetZh(), c.GetSentence().GetEn()}))
	}
	of := &judgement{Case: j.Case}
	of.Kind, of.Current = kind, subject
	by, at := writer(subject, of.stateField()), of.standing()
	words := inWords{at.subjectZH + "现在是「" + at.zh + "」。", "The " + at.subjectEN + " is " + at.en + "."}
	if c.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_COMMAND { // the state need not be what stands against it
		words = words.and(toldWords(told))
	}
	side := tell(words)
	side.PersonId, side.DeviceId, side.TimeUs, side.JournalSeq = by.GetPersonId(), by.GetDeviceId(), by.GetTimeUs(), by.GetSeq()
	return side
}

// mostRetold bounds what is retold of a refusal, characters: its reasons come first.
const mostRetold = 300

// toldWords retell what the sender of a mutation was told, as a quotation: it speaks to the sender.
func toldWords(told *roundsv1.Text) inWords {
	if told.GetEn() == "" {
		return inWords{}
	}
	return inWords{"提交人收到的说明：「" + shortened(told.GetZh(), mostRetold) + "」", "The sender was told: “" + shortened(told.GetEn(), mostRetold) + "”"}
}

func (s inWords) orElse(other inWords) inWords {
	if s.en == "" {
		return other
	}
	return s
}

// and puts one sentence behind another.
func (s inWords) and(next inWords) inWords {
	return inWords{s.zh + next.zh, strings.TrimSpace(s.en + " " + next.en)}
}

// lostRight says that whoever sent the mutation had no right to, and as far as it is known what had taken the right away, who did that and when.
func (j *judgement) lostRight() *roundsv1.Side {
	var loss Loss
	lostAt := func(at time.Time) {
		if loss.Cause == LostNothing && j.rules.people != nil && !at.IsZero() {
			loss = j.rules.people.Lost(j.Person, j.Device, j.Scope, at)
		}
	}
	lostAt(j.Time)
	sure := j.Trust == roundsv1.Trust_TRUST_A
	if !sure && len(j.Roles) == 0 {
		lostAt(j.Taken) // where the time is not well known the right must hold still when it came
	}
	words := lossWords(loss)
	switch {
	case len(j.Roles) > 0:
		held := rolesWords(j.Roles)
		words = inWords{"提交人当时的角色（" + held.zh + "）不能对此记录进行此操作。", "In the role that this person had then (" + held.en + ") this may not be done here."}
		if loss.Cause == LostRole {
			words = words.and(lossWords(loss))
		}
	case loss.Cause == LostNothing && sure:
		words = inWords{"提交人当时在此项目没有权限（从未有、已被停用或收回，或手机已停用）。",
			"This person had no right here at that time, by roles, a suspension or the end of the phone's."}
	case loss.Cause == LostNothing:
		words = inWords{"提交人在此项目没有权限（从未有、已被停用或收回，或手机已停用），或不能确定当时是否仍有。",
			"This person had no right here, by roles, a suspension or the end of the phone's; or it is not sure whether still at that time."}
	case !sure && loss.Cause != LostPhone:
		words = words.and(inWords{"手机时间不能确定，此内容也可能早于该时间。", "The phone's time is not well known: this may have been done before."})
	}
	side := &roundsv1.Side{Sentence: words.text(), PersonId: string(loss.By)}
	if !loss.Since.IsZero() {
		side.TimeUs = loss.Since.UnixMicro()
	}
	return side
}

// lossWords say how a right ended; who did it and when stands beside them.
func lossWords(loss Loss) inWords {
	switch loss.Cause {
	case LostPhone:
		return inWords{"该手机已作为丢失停用。", "The phone was revoked as lost."}
	case LostPerson:
		return inWords{"提交人已被删除，权限自该时间起终止。", "The person who sent this was deleted, and had no right from that time on."}
	case LostSuspended:
		return inWords{"提交人自该时间起被停用。", "The person who sent this was suspended from that time on."}
	case LostRole:
		role := roleWords(loss.Role)
		return inWords{"提交人在此项目的「" + role.zh + "」角色自该时间起终止。", "The role of " + role.en + " that this person had here ended at that time."}
	}
	return inWords{}
}
