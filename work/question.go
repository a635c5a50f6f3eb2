package work

import (
	"slices"
	"strconv"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Question is what is known of all questions of one type.
type Question struct {
	Type roundsv1.ConflictType
	// Asks says what is asked, in words.
	Asks *roundsv1.Text
	// Owner is the role that is asked.
	Owner roundsv1.Role
	// Deciders are the roles that may decide; none: it is decided by editing the field.
	Deciders []roundsv1.Role
	// Actions that it offers.
	Actions []roundsv1.ConflictAction
	// Remind is the time from its opening to the first reminder. Further ones follow as Reminder says.
	Remind time.Duration
}

// Short names of actions, for the table.
const (
	actAdmit         = roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT
	actDismiss       = roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS
	actTakeResult    = roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT
	actGoOn          = roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON
	actReinstate     = roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE
	actConfirmCancel = roundsv1.ConflictAction_CONFLICT_ACTION_CONFIRM_CANCEL
	actReopen        = roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN
	actLeaveClosed   = roundsv1.ConflictAction_CONFLICT_ACTION_LEAVE_CLOSED
	actCountMet      = roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET
	actCountMissed   = roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED
	actMerge         = roundsv1.ConflictAction_CONFLICT_ACTION_MERGE
	actKeepBoth      = roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH
	actRetake        = roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE
	actEditField     = roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD
	actReview        = roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW
	actAcknowledge   = roundsv1.ConflictAction_CONFLICT_ACTION_ACKNOWLEDGE
)

// Questions returns the table of what waits for people, in the order of the types. The slice is the caller's.
func Questions() []Question {
	const (
		foreman    = roundsv1.Role_ROLE_FOREMAN
		butler     = roundsv1.Role_ROLE_BUTLER
		dispatcher = roundsv1.Role_ROLE_DISPATCHER
		supervisor = roundsv1.Role_ROLE_SUPERVISOR
		manager    = roundsv1.Role_ROLE_MANAGER
		hour       = time.Hour
	)
	type roles = []roundsv1.Role
	type actions = []roundsv1.ConflictAction
	text := func(zh, en string) *roundsv1.Text { return &roundsv1.Text{Zh: zh, En: en} }
	return []Question{
		{roundsv1.ConflictType_CONFLICT_TYPE_ASK, text("两人填写的内容不同，请确认哪个正确。", "Two people entered different values; say which is right."),
			butler, nil, actions{actEditField}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, text("服务器不能直接采纳此内容，请决定是否采纳。", "The server could not take this as it came; say whether it counts."),
			foreman, roles{foreman, supervisor, manager}, actions{actAdmit, actDismiss}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD, text("所属记录尚未到达服务器，到达后自动处理。", "The record is not here yet; this is judged when it appears."),
			foreman, roles{foreman, supervisor, manager}, actions{actAdmit, actDismiss}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, text("提交人当时没有权限，请决定是否采纳这些记录。",
			"Whoever sent this had no right to at that time; say whether it counts."), supervisor, roles{supervisor, manager}, actions{actAdmit, actDismiss}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, text("两人处理了同一工单，请决定采用哪一份。双方工时均保留。",
			"Two people did the same work; say whose result counts. Both labours are kept."),
			foreman, roles{foreman, supervisor, manager}, actions{actTakeResult, actGoOn}, 4 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL, text("工单取消后仍有人报完工，请决定恢复工单还是维持取消。",
			"Work was reported as done on a cancelled ticket; reinstate it, or confirm that it is cancelled."),
			supervisor, roles{supervisor, manager}, actions{actReinstate, actConfirmCancel}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, text("确认之后证据有变化，请重新查看后确认或退回。",
			"The evidence changed after it was looked at; look again, and approve it or send it back."),
			supervisor, roles{butler, supervisor, manager}, actions{actReview, actDismiss}, 4 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, text("手机时间不能确定，请决定按时还是超时。",
			"The phone's time is not well known; say whether it was in time."), supervisor, roles{supervisor, manager}, actions{actCountMet, actCountMissed}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, text("这两张工单可能是同一件事，请合并或分别保留。",
			"These two tickets may be about the same thing; merge one into the other, or keep both."),
			dispatcher, roles{foreman, dispatcher, supervisor, manager}, actions{actMerge, actKeepBoth}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, text("工单关闭后收到的工作记录发现问题，请决定是否重新打开。",
			"Late work found a fault on a closed ticket; open it again, or leave it closed."), supervisor, roles{supervisor, manager}, actions{actReopen, actLeaveClosed}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, text("两位确认人意见不同，请查看双方意见后确认或退回。",
			"Two reviewers do not agree; look at both opinions, and approve it or send it back."), supervisor, roles{supervisor, manager}, actions{actReview, actDismiss}, 4 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN, text("记录已归档或删除后又收到资料，请决定是否采纳。",
			"Something arrived for a record that was archived or deleted; say whether it counts."), supervisor, roles{supervisor, manager}, actions{actAdmit, actDismiss}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, text("承诺的照片不会再到达（手机丢失或已清除）。请安排补拍，或由两人强制关闭。",
			"Promised photos will not come any more: the phone is lost or wiped. Have them taken again, or close the ticket by two people."),
			foreman, roles{foreman, supervisor, manager}, actions{actRetake, actAcknowledge}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_OTHER_PLACE, text("两人填写的地点在不同楼栋，请确认正确的地点。",
			"Two people named places in different buildings; say which is right."), dispatcher, roles{foreman, dispatcher, supervisor, manager},
			actions{actEditField, actAcknowledge}, 24 * hour},
		{roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, text("确认人自己参与了处理，请由其他人重新确认。",
			"Whoever approved it did part of the work; somebody else has to review it again."), supervisor, roles{supervisor, manager}, actions{actReview, actDismiss}, 4 * hour},
	}
}

// questionOf returns the row of a type; of a type that is not known, that of a command that waits.
func questionOf(of roundsv1.ConflictType) Question {
	all := Questions()
	for _, q := range all {
		if q.Type == of {
			return q
		}
	}
	q := all[slices.IndexFunc(all, func(q Question) bool { return q.Type == roundsv1.ConflictType_CONFLICT_TYPE_COMMAND })]
	q.Type = of
	return q
}

// Offers returns what somebody with these roles can decide about an open question: of the actions that it names, those that the roles may take. Who does not decide
// questions of its type is offered none, but for correcting a field; and what changes a ticket or a round as a command does, only who may give that command. The
// slice is the caller's. It is pure.
func Offers(c *roundsv1.Conflict, roles []roundsv1.Role) []roundsv1.ConflictAction {
	held := bits(roles)
	decides := bits(questionOf(c.GetType()).Deciders)&held != 0
	may := permitted()
	return slices.DeleteFunc(slices.Clone(offers(c)), func(action roundsv1.ConflictAction) bool {
		switch of := merge.Kind(c.GetSubject().GetKind()); {
		case action == actEditField:
			return may[right{of, Edit}].any&held == 0 && !decides
		case !decides:
			return true
		case action == actMerge:
			return may[right{of, Merge}].any&held == 0
		case action == actReopen && of == kindInspection:
			return may[right{of, Return}].any&held == 0
		case action == actReopen:
			return may[right{of, Reopen}].any&held == 0
		}
		return false
	})
}

// permitted is the table of rights, made once.
var permitted = sync.OnceValue(func() rights { return rightsOf(Permissions()) })

// Complete fills in what a conflict does not say yet and its type does: the sentence, who is asked, what can be decided, when it is reminded of, and both
// sides of the act that waits, whose case it is: what stands against it, with who brought that about and when, and what it says, in words and bounded, for phones do
// not have what waits. What the conflict says already stays, but for the sentence of an act that waits: that is what its sender was told, and the question is read
// by who decides. It is for conflicts that the engine makes, and changes nothing else.
func (r *Rules) Complete(c *roundsv1.Conflict, of engine.Case) {
	told := c.GetSentence()
	if c.GetJournalSeq() != 0 {
		c.Sentence = questionOf(c.GetType()).Asks
	}
	if len(c.GetSides()) == 0 {
		c.Sides = r.judgement(of).waitingSides(c, told)
	}
	complete(c)
}

// complete fills in what the type of a conflict says.
func complete(c *roundsv1.Conflict) {
	q := questionOf(c.GetType())
	if c.GetSentence() == nil {
		c.Sentence = q.Asks
	}
	if c.GetOwnerRole() == roundsv1.Role_ROLE_UNSPECIFIED {
		c.OwnerRole = ownerOf(q, merge.Kind(c.GetSubject().GetKind()))
	}
	if len(c.GetActions()) == 0 {
		c.Actions = q.Actions
	}
	if c.GetRemindUs() == 0 {
		c.RemindUs = c.GetOpenedTimeUs() + q.Remind.Microseconds()
	}
	if len(c.GetSides()) == 0 && (c.GetPersonId() != "" || c.GetDeviceId() != "") {
		c.Sides = []*roundsv1.Side{{Record: c.GetSubject(), PersonId: c.GetPersonId(), DeviceId: c.GetDeviceId(), TimeUs: c.GetOpenedTimeUs(),
			JournalSeq: c.GetJournalSeq(), Sentence: c.GetSentence()}}
	}
}

// ownerOf is the role that is asked a question about a record of a kind: that of the table, or a manager where only these may correct the record's fields.
func ownerOf(q Question, kind merge.Kind) roundsv1.Role {
	may := permitted()[right{kind, Edit}].any
	if len(q.Deciders) == 0 && may&bit(q.Owner) == 0 && may&bit(roundsv1.Role_ROLE_MANAGER) != 0 {
		return roundsv1.Role_ROLE_MANAGER
	}
	return q.Owner
}

// QuestionOf returns a question as the server writes it in the scope of its subject: open, and completed by the table. Key tells it from other questions of
// its type about the same record: its id is the UUIDv5, in the name space of the record, of type and key, so that it is asked once. It is pure and changes
// nothing of the conflict.
func QuestionOf(c *roundsv1.Conflict, key string) engine.Derived {
	made := &roundsv1.Conflict{Type: c.GetType(), Subject: c.GetSubject(), Field: c.GetField(), JournalSeq: c.GetJournalSeq(), DeviceId: c.GetDeviceId(),
		LaneSeq: c.GetLaneSeq(), PersonId: c.GetPersonId(), Sentence: c.GetSentence(), OpenedTimeUs: c.GetOpenedTimeUs(), Sides: c.GetSides(),
		Actions: c.GetActions(), OwnerRole: c.GetOwnerRole(), RemindUs: c.GetRemindUs(), OwnerId: c.GetOwnerId(),
		State: roundsv1.ConflictState_CONFLICT_STATE_OPEN}
	complete(made)
	return engine.Derived{RecordID: merge.RecordID(questionID(made.GetSubject().GetId(), made.GetType(), key)), Edit: conflictEdit(made)}
}

func questionID(subject string, of roundsv1.ConflictType, key string) string {
	return derivedID(subject, "question", strconv.Itoa(int(of)), key)
}

func conflictEdit(c *roundsv1.Conflict, fields ...uint32) *roundsv1.Edit {
	return &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: c}}, Fields: fields}
}

// ask opens a question beside an act that itself goes through. Sides: the one that stands first; actions: those of the table where none are named. A record
// has one open question of a type for each of its rounds, each other record that the sides name and what can be decided; what comes to an open one is added to its sides.
func (j *judgement) ask(of roundsv1.ConflictType, sides []*roundsv1.Side, actions ...roundsv1.ConflictAction) {
	j.askAbout(j.ref(), j.questionRound(), of, sides, actions...)
}

// askAbout is ask about another record of the scope in a round of its: the ticket of a photo, say.
func (j *judgement) askAbout(about *roundsv1.RecordRef, round uint32, of roundsv1.ConflictType, sides []*roundsv1.Side, actions ...roundsv1.ConflictAction) {
	if j.foresees {
		return
	}
	key := questionKey(about.GetId(), round, sides)
	id := questionID(about.GetId(), of, key)
	offered := actions
	if len(offered) == 0 {
		offered = questionOf(of).Actions
	}
	if before := j.lookup(kindConflict, id).GetRecord().GetConflict(); before.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN && slices.Equal(offers(before), offered) {
		all := slices.Clone(before.GetSides())
		for _, side := range sides {
			known := func(s *roundsv1.Side) bool {
				return s.GetRecord().GetId() == side.GetRecord().GetId() && s.GetPersonId() == side.GetPersonId() && s.GetTimeUs() == side.GetTimeUs()
			}
			if len(all) < maxSides && !slices.ContainsFunc(all, known) {
				all = append(all, side)
			}
		}
		if len(all) > len(before.GetSides()) {
			j.verdict.Derived = append(j.verdict.Derived, engine.Derived{RecordID: merge.RecordID(id), Edit: conflictEdit(&roundsv1.Conflict{Sides: all}, conflictSides)})
		}
		return
	} else if before != nil {
		key += " " + j.cause() // it was decided, and comes up again; or something else can be decided now
	}
	j.verdict.Derived = append(j.verdict.Derived, QuestionOf(&roundsv1.Conflict{Type: of, Subject: about, DeviceId: string(j.Device),
		PersonId: string(j.Person), OpenedTimeUs: j.Time.UnixMicro(), Sides: sides, Actions: actions}, key))
}

// maxSides is how many sides the schema lets a question have.
const maxSides = 16

// questionKey tells questions of one type about a record apart: the round, and which other records are meant.
func questionKey(about string, round uint32, sides []*roundsv1.Side) string {
	key := "round " + strconv.FormatUint(uint64(round), 10)
	for _, side := range sides {
		if id := side.GetRecord().GetId(); id != "" && id != about {
			key += " " + id
		}
	}
	return key
}

// questionRound is the round that the record of the case is in; 0 where its kind has none.
func (j *judgement) questionRound() uint32 {
	if j.Kind == kindInspection {
		return j.inspection().GetRound()
	}
	return j.ticket().GetRound()
}

// thisSide is the side of the act that is judged.
func (j *judgement) thisSide(zh, en string) *roundsv1.Side {
	return &roundsv1.Side{Record: j.ref(), PersonId: string(j.Person), DeviceId: string(j.Device), TimeUs: j.Time.UnixMicro(),
		Sentence: &roundsv1.Text{Zh: zh, En: en}}
}
