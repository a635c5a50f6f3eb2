package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/deadline"
)

// Numbers of Ticket's fields that are written here.
const (
	ticketEscalation = 44
	ticketFlags      = 50
	ticketDeadlines  = 54
)

const (
	topLevel  = 3  // of escalation
	maxFlags  = 64 // of the schema
	maxPeople = 64 // of a notice
	// flagBreached marks a ticket of which a deadline was missed, whatever it turns out to be later.
	flagBreached = "breached"
)

// The codes of marks that name a round: a ticket has one of each, of the round that was asked about last, so that all codes together have room.
const (
	codeChased  = "photos_chased_"
	codeForeman = "photos_overdue_"
)

// chasedFlag and foremanFlag mark that missing photos of a round were asked for.
func chasedFlag(round uint32) string  { return codeChased + strconv.FormatUint(uint64(round), 10) }
func foremanFlag(round uint32) string { return codeForeman + strconv.FormatUint(uint64(round), 10) }

// flagged returns flags with one more; full as they are where there is no room.
func flagged(flags []string, one string) []string {
	if slices.Contains(flags, one) || len(flags) >= maxFlags {
		return flags
	}
	return append(slices.Clone(flags), one)
}

func ticketEdit(id merge.RecordID, t *roundsv1.Ticket, fields ...uint32) engine.Derived {
	return engine.Derived{RecordID: id, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}, Fields: fields}}
}

// breach notices what a ticket has missed. The deadlines are computed once more first: a calendar may have learnt of a holiday since they were.
func (w *Worker) breach(at moment, id merge.RecordID, t *roundsv1.Ticket) done {
	compute := func(t *roundsv1.Ticket) []*roundsv1.Deadline {
		if t.GetRequirements() == nil {
			return t.GetDeadlines()
		}
		return deadline.Compute(t, w.cfg.Reference.Calendar(at.scope, t.GetRequirements().GetCalendar()))
	}
	all, noticed := deadline.Notice(compute(t), at.nowUs)
	if len(noticed) > 0 { // of what ended before it was noticed no level is raised
		after := proto.CloneOf(t)
		after.Deadlines = all
		all = compute(after)
	}
	edit := &roundsv1.Ticket{EscalationLevel: t.GetEscalationLevel(), Flags: t.GetFlags()}
	var raised *roundsv1.Deadline
	if edit.EscalationLevel < topLevel {
		all, raised = deadline.Raise(all, at.nowUs, at.policy.Escalates)
	}
	fields := []uint32{ticketDeadlines}
	list := w.tellBreaches(at, id, t, noticed)
	if raised != nil {
		edit.EscalationLevel++
		fields = append(fields, ticketEscalation)
		list = append(list, w.tellLevel(at, id, raised, edit.EscalationLevel, causeOf(raised)))
	}
	if edit.EscalationLevel >= topLevel {
		all = deadline.Settle(all)
	}
	if edit.Deadlines = all; len(noticed) > 0 {
		edit.Flags, fields = flagged(edit.Flags, flagBreached), append(fields, ticketFlags)
	} else if raised == nil && slices.EqualFunc(all, t.GetDeadlines(), func(a, b *roundsv1.Deadline) bool { return proto.Equal(a, b) }) {
		return done{}
	}
	return done{change: append([]engine.Derived{ticketEdit(id, edit, fields...)}, list...), stats: func(s *Stats) {
		for _, d := range noticed {
			if int(d.GetStep()) < len(s.Breaches) {
				s.Breaches[d.GetStep()]++
			}
			by := time.Duration(at.nowUs-d.GetDueUs()) * time.Microsecond
			s.Late, s.Latest = s.Late+by, max(s.Latest, by)
		}
		if raised != nil {
			s.Escalations++
		}
	}}
}

// causeOf tells a missed deadline from every other of its ticket.
func causeOf(d *roundsv1.Deadline) string {
	return fmt.Sprintf("breach %d %d %d", d.GetStep(), d.GetRound(), d.GetDueUs())
}

// tellBreaches tells whoever has to see to steps that they are late, and the roles that lead them at the site: the same people once for all of them.
func (w *Worker) tellBreaches(at moment, id merge.RecordID, t *roundsv1.Ticket, noticed []*roundsv1.Deadline) []engine.Derived {
	var all []Telling
	for _, d := range noticed {
		say := w.tellBreach(at, id, t, d)
		i := slices.IndexFunc(all, func(one Telling) bool {
			return one.Code == say.Code && one.Role == say.Role && slices.Equal(one.People, say.People)
		})
		if i < 0 {
			all = append(all, say)
			continue
		}
		one := &all[i]
		one.Cause += ", " + say.Cause
		one.Sentence = &roundsv1.Text{Zh: one.Sentence.GetZh() + say.Sentence.GetZh(), En: one.Sentence.GetEn() + " " + say.Sentence.GetEn()}
	}
	var list []engine.Derived
	for _, say := range all {
		list = append(list, w.cfg.Notice(say))
	}
	return list
}

// tellBreach is what whoever has to see to a step, and the role that leads it at the site, are told when it is late.
func (w *Worker) tellBreach(at moment, id merge.RecordID, t *roundsv1.Ticket, d *roundsv1.Deadline) Telling {
	owner := d.GetOwnerId()
	if owner == "" && d.GetStep() != roundsv1.Step_STEP_REVIEW && d.GetStep() != roundsv1.Step_STEP_FOLLOW_UP {
		owner = t.GetAssigneeId()
	}
	words := stepWords(d.GetStep())
	say := Telling{About: ref(kindTicket, id), Code: roundsv1.NoticeCode_NOTICE_CODE_BREACHED, Role: at.policy.ToldOf(d.GetStep(), owner != ""), Cause: causeOf(d), TimeUs: at.nowUs,
		Sentence: &roundsv1.Text{Zh: "「" + words.zh + "」已超过时限。" + words.doZh, En: "The " + words.en + " is overdue. " + words.doEn}}
	if d.GetDoneUs() != 0 {
		say.Sentence = &roundsv1.Text{Zh: "「" + words.zh + "」完成时已超过时限。", En: "The " + words.en + " came after its deadline."}
	}
	if d.GetStep() == roundsv1.Step_STEP_FOLLOW_UP {
		say.Code = roundsv1.NoticeCode_NOTICE_CODE_FOLLOW_UP
	}
	if owner != "" {
		say.People = []engine.PersonID{engine.PersonID(owner)}
	}
	return say
}

// tellLevel tells the people of a level that a ticket has come to them.
func (w *Worker) tellLevel(at moment, id merge.RecordID, d *roundsv1.Deadline, level uint32, cause string) engine.Derived {
	words := stepWords(d.GetStep())
	return w.cfg.Notice(Telling{About: ref(kindTicket, id), Code: roundsv1.NoticeCode_NOTICE_CODE_ESCALATED, Role: at.policy.LevelRoles[min(level, topLevel)],
		Cause: fmt.Sprintf("%s level %d", cause, level), TimeUs: at.nowUs, Sentence: &roundsv1.Text{
			Zh: fmt.Sprintf("「%s」超过时限，工单已升至 %d 级，请跟进处理。", words.zh, level),
			En: fmt.Sprintf("The %s is overdue, and the ticket went up to level %d. See that it is done.", words.en, level)}})
}

// words name a step, and say what is to be done about it.
type words struct{ zh, en, doZh, doEn string }

func stepWords(s roundsv1.Step) words {
	switch s {
	case roundsv1.Step_STEP_RESPOND:
		return words{"响应", "answer to the report", "请立即受理或派单。", "Triage or dispatch it now."}
	case roundsv1.Step_STEP_ARRIVE:
		return words{"到场", "arrival", "请立即到场开工。", "Go there and begin."}
	case roundsv1.Step_STEP_FINISH:
		return words{"完工", "completion", "请尽快完工；需要等待的，请挂起并注明原因。", "Finish it, or pause it with the reason for which it waits."}
	case roundsv1.Step_STEP_REVIEW:
		return words{"确认", "review", "请查看照片，确认或退回。", "Look at the photos, and approve it or send it back."}
	case roundsv1.Step_STEP_FOLLOW_UP:
		return words{"回访", "follow-up visit", "请联系客户并记录结果。", "Ask the customer, and write down what was said."}
	}
	return words{"步骤", "step", "", ""}
}
