package violation_test

import (
	"errors"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/server/violation"
)

// TestInWords: what is wrong is said in both languages, with the field's name and the limit.
func TestInWords(t *testing.T) {
	const id = "01900000-0000-7000-8000-000000000001"
	created := func(ticket *roundsv1.Ticket) *roundsv1.Mutation {
		return &roundsv1.Mutation{RecordId: id, Clock: &roundsv1.Clock{WallUs: 1}, Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: ticket}}}}}
	}
	reject := func(r *roundsv1.TicketReject) proto.Message {
		return &roundsv1.DeskAct{ActId: id, Scope: "site/" + id, RecordId: id, Act: &roundsv1.DeskAct_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{
			Ticket: &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: r}}}}}}
	}
	check := violation.By(protovalidate.GlobalValidator)
	for _, test := range []struct {
		what          proto.Message
		field, zh, en string
	}{
		{created(&roundsv1.Ticket{Title: strings.Repeat("x", 5000)}), "edit.record.ticket.title", "标题太长：最多1024字节（一个汉字占三个字节）。",
			"The title is too long: at most 1024 bytes, of which a Chinese character takes three."},
		{reject(&roundsv1.TicketReject{Round: 1}), "command.ticket.reject.reason", "原因没有填写。", "The reason is missing."},
		{reject(&roundsv1.TicketReject{Reason: "x"}), "command.ticket.reject.round", "轮次太小：至少为1。", "The round is too small: at least 1."},
		{reject(&roundsv1.TicketReject{Round: 1, Reason: "x", PhotoIds: []string{"y"}}), "command.ticket.reject.photo_ids[0]", "照片不是有效的编号。", "The photo is no id (a UUID)."},
	} {
		err := check(test.what)
		var told *violation.Error
		if !errors.As(err, &told) {
			t.Fatalf("%v: %v", test.what, err)
		}
		p := told.Problem()
		if p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD || p.GetField() != test.field || p.GetSentence().GetZh() != test.zh || p.GetSentence().GetEn() != test.en {
			t.Errorf("%v, not %s, %s, %s", p, test.field, test.zh, test.en)
		}
		if !strings.HasPrefix(err.Error(), test.field+": ") {
			t.Errorf("%q does not begin with the field %s", err, test.field)
		}
	}
	if err := check(created(&roundsv1.Ticket{Title: "leak"})); err != nil {
		t.Errorf("what is right: %v", err)
	}
}
