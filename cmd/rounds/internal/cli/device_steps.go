package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// actFlags are the flags of the commands of a ticket.
type actFlags struct {
	reason, words, category, to, into, second, source string
	photos, photoIDs, items, tasks                    []string
	solved, unsolved, anyway                          bool
}

// deviceStep is one command of a ticket's workflow, as rounds device has it.
type deviceStep struct {
	name, short, example string
	flags                []string // of actFlags, with ! where needed
	shown                bool     // see asking
	make                 func(context.Context, *session, client.View, *actFlags) (*roundsv1.TicketCommand, error)
}

// deviceSteps are the commands of tickets that need no more than their flags.
func deviceSteps() []deviceStep {
	round := func(v client.View) uint32 { return max(1, v.Record.GetTicket().GetRound()) }
	epoch := func(v client.View) uint32 { return v.Record.GetTicket().GetAssignEpoch() }
	type command = roundsv1.TicketCommand
	plain := func(make func(client.View, *actFlags) *command) func(context.Context, *session, client.View, *actFlags) (*command, error) {
		return func(_ context.Context, _ *session, v client.View, f *actFlags) (*command, error) {
			return make(v, f), nil
		}
	}
	return []deviceStep{
		{"triage", "Set the category and start the clocks|受理：定类别并开始计时", "triage 3f2a9c41 --category CL-03", []string{"!category"}, false,
			func(ctx context.Context, s *session, v client.View, f *actFlags) (*command, error) {
				category, err := s.category(ctx, f.category)
				return &command{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}}, err
			}},
		{"dispatch", "Give it to a person|派单给某人", "dispatch 3f2a9c41 --to 李伟", []string{"!to", "reason"}, false,
			func(ctx context.Context, s *session, v client.View, f *actFlags) (*command, error) {
				to, err := s.person(ctx, v.Scope, f.to)
				return &command{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: to, Reason: f.reason}}}, err
			}},
		{"accept", "Say yes to a dispatch|接单", "accept 3f2a9c41", nil, false, plain(func(v client.View, _ *actFlags) *command {
			return &command{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: epoch(v)}}}
		})},
		{"decline", "Say no to a dispatch|拒单", "decline 3f2a9c41 --reason \"no ladder here\"", []string{"!reason"}, false,
			plain(func(v client.View, f *actFlags) *command {
				return &command{Command: &roundsv1.TicketCommand_Decline{Decline: &roundsv1.TicketDecline{AssignEpoch: epoch(v), Reason: f.reason}}}
			})},
		{"start", "Begin the work; --photo shows the place before it|开工；--photo 附处理前照片", "start 3f2a9c41 --photo before.jpg --source camera", []string{"photo"}, false,
			plain(func(client.View, *actFlags) *command {
				return &command{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}
			})},
		{"resume", "Take it up again after a pause|结束挂起，继续处理", "resume 3f2a9c41", nil, false, plain(func(client.View, *actFlags) *command {
			return &command{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}}
		})},
		{"reject", "Send finished work back|退回返工", "reject 3f2a9c41 --reason not_clean --words \"the corner behind the door\" --photo-id 77ab01cd",
			[]string{"!reason", "!words", "photo-id", "item"}, true,
			func(ctx context.Context, s *session, v client.View, f *actFlags) (*command, error) {
				photos, err := s.photoIDs(ctx, f.photoIDs)
				return &command{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: round(v), Reason: f.reason, Words: f.words,
					PhotoIds: photos, ItemIds: f.items}}}, err
			}},
		{"ask", "Ask for more evidence before deciding|要求补充证据", "ask 3f2a9c41 --words \"show the valve too\"", []string{"!words", "photo-id"}, true,
			func(ctx context.Context, s *session, v client.View, f *actFlags) (*command, error) {
				photos, err := s.photoIDs(ctx, f.photoIDs)
				return &command{Command: &roundsv1.TicketCommand_Ask{Ask: &roundsv1.TicketAsk{Round: round(v), Words: f.words, PhotoIds: photos}}}, err
			}},
		{"cancel", "End it undone|取消工单", "cancel 3f2a9c41 --reason \"reported twice\"", []string{"!reason"}, false,
			plain(func(_ client.View, f *actFlags) *command {
				return &command{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: f.reason}}}
			})},
		{"dispute", "Say that the customer is not content|客户不满意，提出异议", "dispute 3f2a9c41 --words \"还在漏\"", []string{"!words"}, false,
			plain(func(v client.View, f *actFlags) *command {
				return &command{Command: &roundsv1.TicketCommand_Dispute{Dispute: &roundsv1.TicketDispute{Round: round(v), Words: f.words}}}
			})},
		{"reopen", "Open a closed ticket again|重新打开已关闭的工单", "reopen 3f2a9c41 --reason \"the leak came back\"", []string{"!reason"}, false,
			plain(func(v client.View, f *actFlags) *command {
				return &command{Command: &roundsv1.TicketCommand_Reopen{Reopen: &roundsv1.TicketReopen{Round: round(v), Reason: f.reason}}}
			})},
		{"follow-up", "Say what the customer said at the follow-up visit|登记回访结果", "follow-up 3f2a9c41 --solved --words \"满意\"", []string{"solved", "words"}, false,
			plain(func(v client.View, f *actFlags) *command {
				return &command{Command: &roundsv1.TicketCommand_FollowUp{FollowUp: &roundsv1.TicketFollowUp{Round: round(v), Solved: f.solved, Words: f.words}}}
			})},
		{"force-close", "Close it without evidence, together with a second person|证据丢失时由两人强制关闭", "force-close 3f2a9c41 --reason \"phone lost\" --second E0007",
			[]string{"!reason", "!second"}, false,
			func(ctx context.Context, s *session, v client.View, f *actFlags) (*command, error) {
				second, err := s.person(ctx, v.Scope, f.second)
				return &command{Command: &roundsv1.TicketCommand_ForceClose{ForceClose: &roundsv1.TicketForceClose{Reason: f.reason, SecondPersonId: second}}}, err
			}},
		{"split", "Make a task of it for each trade|按工种拆成子任务", "split 3f2a9c41 --task EP-04 --task CL-06=\"dry the floor\"", []string{"!task"}, false,
			func(ctx context.Context, s *session, _ client.View, f *actFlags) (*command, error) {
				tasks, err := s.tasks(ctx, f.tasks)
				return &command{Command: &roundsv1.TicketCommand_Split{Split: &roundsv1.TicketSplit{Tasks: tasks}}}, err
			}},
		{"merge", "End it in favour of another|合并到另一张工单", "merge 3f2a9c41 --into 77ab01cd", []string{"!into"}, false,
			func(ctx context.Context, s *session, _ client.View, f *actFlags) (*command, error) {
				into, err := s.find(ctx, "ticket", f.into)
				return &command{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: string(into.ID)}}}, err
			}},
		{"escalate", "Take it one level up|升级一级", "escalate 3f2a9c41 --reason \"third call\"", []string{"!reason"}, false,
			plain(func(_ client.View, f *actFlags) *command {
				return &command{Command: &roundsv1.TicketCommand_Escalate{Escalate: &roundsv1.TicketEscalate{Reason: f.reason}}}
			})},
	}
}

// tasks reads the tasks of a split: each a category, and after a = a title.
func (s *session) tasks(ctx context.Context, asked []string) ([]*roundsv1.TicketTask, error) {
	var all []*roundsv1.TicketTask
	for _, one := range asked {
		category, title, _ := strings.Cut(one, "=")
		id, err := s.category(ctx, strings.TrimSpace(category))
		if err != nil {
			return nil, err
		}
		all = append(all, &roundsv1.TicketTask{CategoryId: id, Title: strings.TrimSpace(title)})
	}
	return all, nil
}

// photoIDs finds the photos that are named by parts of their ids.
func (s *session) photoIDs(ctx context.Context, parts []string) ([]string, error) {
	var ids []string
	for _, part := range parts {
		photo, err := s.find(ctx, "photo", part)
		if err != nil {
			return nil, err
		}
		ids = append(ids, string(photo.ID))
	}
	return ids, nil
}

// step makes a command of the table.
func (d *deviceCommands) step(step deviceStep) *cobra.Command {
	f := &actFlags{}
	cmd := &cobra.Command{Use: step.name + " TICKET", Short: d.between(step.short), Example: "  rounds device " + step.example, Args: cobra.ExactArgs(1)}
	cmd.RunE = d.with(func(ctx context.Context, s *session, args []string) error {
		view, err := s.find(ctx, "ticket", args[0])
		if err != nil {
			return err
		}
		a := asking{name: step.name, view: view, anyway: f.anyway, shown: step.shown, photos: len(f.photos) > 0,
			make: func(v client.View) (*roundsv1.Command, error) { return ticketAct(step.make(ctx, s, v, f)) }}
		if len(f.photos) > 0 {
			in, err := photoFlags{role: "before", source: f.source}.input()
			if err != nil {
				return err
			}
			if a.facts, err = d.takeWith(ctx, s, a, in, f.photos); err != nil {
				return err
			}
		}
		switch step.name {
		case "start", "resume":
			a.and = func() ([]client.Ref, error) { return nil, s.begin(view.ID, d.Now) }
		}
		return d.ask(ctx, s, a)
	})
	for _, name := range step.flags {
		f.add(d.program, cmd, name)
	}
	d.anywayFlag(cmd, &f.anyway)
	return cmd
}

// add adds a flag; one whose name begins with ! is needed.
func (f *actFlags) add(p *program, cmd *cobra.Command, name string) {
	name, needed := strings.CutPrefix(name, "!")
	flags := cmd.Flags()
	switch name {
	case "reason":
		flags.StringVar(&f.reason, name, "", p.in("why", "原因"))
	case "words":
		flags.StringVar(&f.words, name, "", p.in("in words", "文字说明"))
	case "category":
		flags.StringVar(&f.category, name, "", p.in("the category, by code, name or id", "类别的代码、名称或编号"))
	case "to":
		flags.StringVar(&f.to, name, "", p.in("to whom: me, or a person by name, job number or id", "派给谁：me，或姓名、工号、编号"))
	case "second":
		flags.StringVar(&f.second, name, "", p.in("the second person, by name, job number or id", "第二人的姓名、工号或编号"))
	case "into":
		flags.StringVar(&f.into, name, "", p.in("the ticket that goes on", "保留的工单"))
	case "task":
		flags.StringArrayVar(&f.tasks, name, nil, p.in("a task: CATEGORY or CATEGORY=TITLE; may be given more than once", "子任务：类别 或 类别=标题；可多次"))
	case "photo":
		flags.StringArrayVar(&f.photos, name, nil, p.in("file of a photo of the place before the work; may be given more than once", "处理前照片文件；可多次"))
		flags.StringVar(&f.source, "source", "gallery", p.in("where photos come from: camera or gallery", "照片来源：camera 或 gallery"))
	case "photo-id":
		flags.StringArrayVar(&f.photoIDs, name, nil, p.in("a photo that shows it, by its id; may be given more than once", "能说明问题的照片编号；可多次"))
	case "item":
		flags.StringArrayVar(&f.items, name, nil, p.in("an item of the checklist; may be given more than once", "检查项；可多次"))
	case "solved":
		flags.BoolVar(&f.solved, "solved", false, p.in("the matter is settled", "问题已解决"))
		flags.BoolVar(&f.unsolved, "not-solved", false, p.in("it is not: the ticket is opened again", "未解决：工单重新打开"))
		cmd.MarkFlagsOneRequired("solved", "not-solved")
		cmd.MarkFlagsMutuallyExclusive("solved", "not-solved")
	}
	if needed {
		_ = cmd.MarkFlagRequired(name) // the flag was defined just above
	}
}
