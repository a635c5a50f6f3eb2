package review_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/policy"
)

// TestActWords: an entry of the journal is told in the words of both languages, with names in place of ids.
func TestActWords(t *testing.T) {
	command := func(c *roundsv1.TicketCommand) *roundsv1.Mutation {
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}}}}
	}
	edit := func(base uint64, r *roundsv1.Record, fields ...uint32) *roundsv1.Mutation {
		return &roundsv1.Mutation{Base: base, Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: r, Fields: fields}}}
	}
	fact := func(r *roundsv1.Record) *roundsv1.Mutation {
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: r}}}
	}
	site, err := policy.Parse(map[string]string{"reject.smell": "有异味|it smells"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kind   merge.Kind
		of     *roundsv1.Mutation
		zh, en string
	}{
		{"ticket", command(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: uid("pipes")}}}),
			"受理：类别 水管爆裂", "triaged it: category Burst pipe"},
		{"ticket", command(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: uid("unknown")}}}), "受理", "triaged it"},
		{"ticket", command(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: 2, ReviewDigest: []byte("x")}}}),
			"确认：第 2 轮", "approved it: round 2"},
		{"ticket", command(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Escalate{Escalate: &roundsv1.TicketEscalate{Reason: "两次"}}}), "升级：两次", "escalated it: 两次"},
		{"ticket", command(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: 1, Reason: "smell", Words: "门口"}}}),
			"退回返工：第 1 轮、有异味；门口", "sent it back: round 1, it smells; 门口"},
		{"ticket", command(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: "parts"}}}), "挂起：等待配件", "paused: waiting for parts"},
		{"inspection", &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: &roundsv1.InspectionCommand{
			Command: &roundsv1.InspectionCommand_Return{Return: &roundsv1.InspectionReturn{Reason: "smell"}}}}}}}, "退回补检：有异味", "returned it: it smells"},
		{"inspection", edit(7, inspection(&roundsv1.Inspection{ChecklistId: uid("list")}), 1, 3), "修改巡检任务：检查表（泵房）、标题", "changed the round: checklist (Pumps), title"},
		{"ticket", edit(0, ticket(&roundsv1.Ticket{Title: "leak", Priority: roundsv1.Priority_PRIORITY_URGENT})), "新建工单：标题、优先级（加急）", "made the ticket: title, priority (urgent)"},
		{"ticket", fact(ticket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"a": {}}})), "添加：检查项", "added: answers"},
		{"photo", fact(photo(&roundsv1.Photo{Round: 1})), "添加照片", "added a photo"},
		{"ticket", &roundsv1.Mutation{}, "无法识别的操作", "something that this server cannot read"},
	} {
		content, err := proto.Marshal(test.of)
		if err != nil {
			t.Fatal(err)
		}
		got := review.ActWords(&roundsv1.EntryHead{Type: roundsv1.EntryType_ENTRY_TYPE_MUTATION, Record: of(test.kind, uid("t"))}, content, site, func(_, id string) *roundsv1.Text {
			return map[string]*roundsv1.Text{uid("pipes"): {Zh: "水管爆裂", En: "Burst pipe"}, uid("list"): {Zh: "泵房", En: "Pumps"}}[id]
		})
		if got.GetZh() != test.zh || got.GetEn() != test.en {
			t.Errorf("%q, %q; want %q, %q", got.GetZh(), got.GetEn(), test.zh, test.en)
		}
	}
}
