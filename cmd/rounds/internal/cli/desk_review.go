package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// mostQueued bounds what a command reads of the queue to find what an id names.
const mostQueued = 2000

// waiting reads the review queue.
func (s *deskSession) waiting(ctx context.Context, most int) (*roundsv1.ReviewQueueResponse, error) {
	all := &roundsv1.ReviewQueueResponse{Names: map[string]*roundsv1.Text{}}
	for page := ""; ; {
		resp, err := call(ctx, s.session, s.work.ReviewQueue, &roundsv1.ReviewQueueRequest{Scopes: []string{string(s.scope)},
			PageSize: uint32(min(100, most-len(all.Items))), PageToken: page})
		if err != nil {
			return nil, err
		}
		all.Items, all.Total = append(all.Items, resp.GetItems()...), resp.GetTotal()
		for id, name := range resp.GetNames() {
			all.Names[id] = name
		}
		if page = resp.GetNextPageToken(); page == "" || len(all.Items) >= most {
			all.NextPageToken = page
			return all, nil
		}
	}
}

func (d *deskCommands) queue() *cobra.Command {
	var most int
	cmd := &cobra.Command{Use: "queue", Short: d.in("List what waits for your review, the earliest deadline first", "列出待您审核的，时限最近的在前"), Args: cobra.NoArgs}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, _ []string) error {
		all, err := s.waiting(ctx, most)
		if err != nil {
			return err
		}
		return d.show(all, func() error {
			t := &table{head: d.heads("RECORD|记录", "WHAT|类型", "TITLE|标题", "DUE|时限", "WORKED|执行人", "PHOTOS|照片", "LOOK AT|须核对")}
			for _, item := range all.GetItems() {
				r := item.GetRow().GetRecord()
				what, title := d.in("ticket", "工单"), r.GetTicket().GetTitle()
				if r.GetInspection() != nil {
					what, title = d.in("round", "巡检"), r.GetInspection().GetTitle()
				}
				var people, obstacles []string
				for _, id := range item.GetPerformerIds() {
					people = append(people, d.name(all.GetNames(), id))
				}
				for _, obstacle := range item.GetObstacles() {
					obstacles = append(obstacles, d.term(obstacle))
				}
				due := when(item.GetRow().GetDueUs())
				if item.GetRow().GetOverdue() {
					due += " !"
				}
				t.add(shortID(item.GetRow().GetRecordId()), what, cut(title, 40), due, cut(strings.Join(people, ", "), 30),
					fmt.Sprint(len(item.GetPhotos())), strings.Join(obstacles, d.in(", ", "、")))
			}
			return d.printTable(t, all.GetTotal(), all.GetNextPageToken() != "")
		})
	})
	d.mostFlag(cmd, &most, 50)
	return cmd
}

func (d *deskCommands) story() *cobra.Command {
	var kind string
	var newest, arrival, alone bool
	var most int
	cmd := &cobra.Command{Use: "story ID", Short: d.in("Tell all that happened to a ticket, or to a record of another --kind", "查看工单（或其他 --kind 记录）的全部经过"), Args: cobra.ExactArgs(1)}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, args []string) error {
		id := strings.ToLower(args[0])
		if len(id) != 36 {
			found, err := s.matching(ctx, merge.Kind(kind), id)
			if err != nil {
				return err
			}
			id = found
		}
		all, err := call(ctx, s.session, s.work.Story, &roundsv1.StoryRequest{Scope: string(s.scope), Record: &roundsv1.RecordRef{Kind: kind, Id: id},
			NewestFirst: newest, ByArrival: arrival, RecordAlone: alone, PageSize: uint32(min(500, most))})
		if err != nil {
			return err
		}
		return d.show(all, func() error {
			t := &table{head: d.heads("HAPPENED|发生", "TRUST|可信度", "ARRIVED|到达", "SEQ|序号", "WHAT|内容")}
			for _, e := range all.GetEntries() {
				t.add(when(e.GetTimeUs()), enumName(e.GetTrust().String(), "TRUST"), when(e.GetTakenUs()), fmt.Sprint(e.GetSeq()), clean(d.text(e.GetSentence()))) // whole: it is what happened
			}
			return d.printTable(t, all.GetTotal(), all.GetNextPageToken() != "")
		})
	})
	f := cmd.Flags()
	f.StringVar(&kind, "kind", "ticket", d.in("kind of the record (ticket, inspection, photo ...)", "记录的种类（ticket、inspection、photo……）"))
	f.BoolVar(&newest, "newest", false, d.in("the newest first", "最新的在前"))
	f.BoolVar(&arrival, "arrival", false, d.in("in the order in which things arrived", "按到达的顺序"))
	f.BoolVar(&alone, "alone", false, d.in("without photos, remarks and questions", "不含照片、备注和待决事项"))
	d.mostFlag(cmd, &most, 100)
	return cmd
}

func (d *deskCommands) approve() *cobra.Command {
	cmd := &cobra.Command{Use: "approve ID...", Short: d.in("Confirm closures or rounds that wait for your review", "确认待您审核的工单或巡检"), Args: cobra.MinimumNArgs(1),
		Long: d.in("Confirms tickets or rounds of the queue, as you saw them there: the approval carries the digest of the evidence. Of several at once those with\n"+
			"something to look at (see LOOK AT in the queue) are refused; confirm each of them by itself.",
			"按您在队列中看到的证据确认工单或巡检：确认随附证据的摘要。一次确认多个时，\n需要细看的（队列中的「须核对」列）会被拒绝，请逐个确认。")}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, args []string) error {
		return d.decide(ctx, s, args, func(item *roundsv1.ReviewItem) *roundsv1.Command {
			if item.GetRow().GetRecord().GetInspection() != nil {
				return inspectionCommand(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{
					Approve: &roundsv1.InspectionApprove{Round: item.GetRound(), ReviewDigest: item.GetDigest()}}})
			}
			return ticketCommand(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{
				Approve: &roundsv1.TicketApprove{Round: item.GetRound(), ReviewDigest: item.GetDigest()}}})
		})
	})
	return cmd
}

func (d *deskCommands) reject() *cobra.Command {
	var reason, words string
	var photos, items []string
	cmd := &cobra.Command{Use: "reject ID", Short: d.in("Send a ticket or a round back, with a reason", "退回工单或巡检，写明原因"), Args: cobra.ExactArgs(1)}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, args []string) error {
		return d.decide(ctx, s, args, func(item *roundsv1.ReviewItem) *roundsv1.Command {
			if item.GetRow().GetRecord().GetInspection() != nil {
				return inspectionCommand(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Return{
					Return: &roundsv1.InspectionReturn{Round: item.GetRound(), Reason: strings.TrimSuffix(reason+": "+words, ": "), ItemIds: items}}})
			}
			return ticketCommand(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{
				Reject: &roundsv1.TicketReject{Round: item.GetRound(), Reason: reason, Words: words, PhotoIds: photos, ItemIds: items}}})
		})
	})
	f := cmd.Flags()
	f.StringVar(&reason, "reason", "", d.in("why, as a code of the site's list (needed)", "原因代码，取自项目的清单（必填）"))
	f.StringVar(&words, "words", "", d.in("why, in words (needed for a ticket)", "原因说明（工单必填）"))
	f.StringSliceVar(&photos, "photo", nil, d.in("a photo that shows what is wrong, by its whole id; may be repeated", "说明问题的照片（完整编号）；可多次"))
	f.StringSliceVar(&items, "item", nil, d.in("a checklist item that is wrong; may be repeated", "有问题的检查项；可多次"))
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func (d *deskCommands) ask() *cobra.Command {
	var words string
	var photos []string
	cmd := &cobra.Command{Use: "ask ID", Short: d.in("Ask for more evidence before deciding on a ticket", "要求补充证据"), Args: cobra.ExactArgs(1)}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, args []string) error {
		return d.decide(ctx, s, args, func(item *roundsv1.ReviewItem) *roundsv1.Command {
			return ticketCommand(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Ask{
				Ask: &roundsv1.TicketAsk{Round: item.GetRound(), Words: words, PhotoIds: photos}}})
		})
	})
	cmd.Flags().StringVar(&words, "words", "", d.in("what is missing (needed)", "缺什么（必填）"))
	cmd.Flags().StringSliceVar(&photos, "photo", nil, d.in("a photo that does not show enough, by its whole id; may be repeated", "内容不足的照片（完整编号）；可多次"))
	_ = cmd.MarkFlagRequired("words")
	return cmd
}

func ticketCommand(c *roundsv1.TicketCommand) *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}}
}

func inspectionCommand(c *roundsv1.InspectionCommand) *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: c}}
}

// decide makes a command for each item of the queue that the ids name, and tells what became of them.
func (d *deskCommands) decide(ctx context.Context, s *deskSession, ids []string, command func(*roundsv1.ReviewItem) *roundsv1.Command) error {
	queue, err := s.waiting(ctx, mostQueued)
	if err != nil {
		return err
	}
	req := &roundsv1.DecideRequest{}
	for _, part := range ids {
		var found []*roundsv1.ReviewItem
		for _, item := range queue.GetItems() {
			if matches(item.GetRow().GetRecordId(), part) {
				found = append(found, item)
			}
		}
		if len(found) != 1 {
			return say(Usage, "%d records that wait for your review fit %s: rounds desk queue lists them", "待您审核的记录中有%d条符合 %s：rounds desk queue 列出全部", len(found), part)
		}
		row := found[0].GetRow()
		req.Acts = append(req.Acts, &roundsv1.DeskAct{ActId: uuid.NewString(), Scope: row.GetScope(), RecordId: row.GetRecordId(), Base: row.GetVersion(),
			Act: &roundsv1.DeskAct_Command{Command: command(found[0])}})
	}
	resp, err := call(ctx, s.session, s.work.Decide, req)
	if err != nil {
		return err
	}
	refused := 0
	t := &table{head: d.heads("RECORD|记录", "OUTCOME|结果", "WHY|说明")}
	for i, result := range resp.GetResults() {
		status, why := d.term(result.GetOutcome().GetStatus()), result.GetOutcome().GetProblem()
		if result.GetProblem() != nil {
			status, why = d.in("not done", "未执行"), result.GetProblem()
		}
		if why != nil {
			refused++
		}
		told := ""
		if why != nil {
			told = d.told(why)
		}
		t.add(shortID(req.GetActs()[i].GetRecordId()), status, told)
	}
	if err := d.show(resp, func() error { return t.print(d.Out) }); err != nil {
		return err
	}
	if refused > 0 {
		return say(Refused, "%d of %d were refused", "%d / %d 条被拒绝", refused, len(resp.GetResults()))
	}
	return nil
}
