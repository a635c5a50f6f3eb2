package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) inbox() *cobra.Command {
	var roles []string
	var all bool
	cmd := &cobra.Command{Use: "inbox", Short: d.in("Open questions: list, show, decide", "待决事项：列出、查看、裁决"), Args: cobra.NoArgs,
		Long: d.in("Lists the questions that wait for a decision, the oldest first: those that were given to you, and those that are for one of your roles, as the server\n"+
			"last said which you have; --role names others. What is for other people is shown with --all.",
			"列出等待裁决的事项，最早的在前：点名给您的，以及属于您角色的（按服务器上次告知的角色；--role 可另指定）。--all 包括给他人的。"),
		Example: "  rounds device inbox --role supervisor\n  rounds device inbox show 9c41aa02\n" +
			"  rounds device inbox decide 9c41aa02 take_result --reason \"X finished first\"\n  rounds device inbox assign 9c41aa02 李伟"}
	cmd.RunE = d.with(func(ctx context.Context, s *session, _ []string) error {
		wanted, err := roleValues(roles)
		if err != nil {
			return err
		}
		views, err := s.questionsFor(ctx, wanted, all)
		if err != nil {
			return err
		}
		return d.printInbox(ctx, s, views)
	})
	cmd.Flags().StringSliceVar(&roles, "role", nil, d.in("what is for this role (foreman, butler, supervisor ...), or for you by name; may be repeated (default: your roles)",
		"属于此角色的（foreman 班长、butler 管家、supervisor 主管……）；可多次（默认：您的角色）"))
	cmd.Flags().BoolVar(&all, "all", false, d.in("also what was given to others", "包括交给他人的"))
	cmd.AddCommand(d.inboxShow(), d.inboxDecide(),
		d.inboxStep("admit QUESTION", d.in("Let what waits in, as if it had been allowed", "采纳等待的内容"), nil, func(context.Context, *session, client.View, *actFlags) (*roundsv1.ConflictCommand, error) {
			return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}, nil
		}),
		d.inboxStep("dismiss QUESTION", d.in("Leave it out; it stays in the history", "不采纳；历史中保留"), []string{"!reason"},
			func(_ context.Context, _ *session, _ client.View, f *actFlags) (*roundsv1.ConflictCommand, error) {
				return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: f.reason}}}, nil
			}),
		d.inboxStep("assign QUESTION PERSON", d.in("Give it to somebody", "转交给某人"), nil, func(ctx context.Context, s *session, v client.View, f *actFlags) (*roundsv1.ConflictCommand, error) {
			who, err := s.person(ctx, v.Scope, f.to)
			return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Assign{Assign: &roundsv1.ConflictAssign{PersonId: who}}}, err
		}))
	return cmd
}

func roleValues(names []string) ([]roundsv1.Role, error) {
	var all []roundsv1.Role
	for _, name := range names {
		v, err := enumValue(roundsv1.Role_value, "ROLE", name)
		if err != nil {
			return nil, err
		}
		all = append(all, roundsv1.Role(v))
	}
	return all, nil
}

// questionsFor are the open questions for the person, the oldest first; roles are those that were asked for, none: the person's own.
func (s *session) questionsFor(ctx context.Context, roles []roundsv1.Role, all bool) ([]client.View, error) {
	sites, err := s.sites(ctx)
	if err != nil {
		return nil, err
	}
	var views []client.View
	for _, scope := range sites {
		mine, err := s.rolesAsked(ctx, scope, roles)
		if err != nil {
			return nil, err
		}
		for v, err := range s.List(ctx, scope, "conflict") {
			if err != nil {
				return nil, err
			}
			if c := v.Record.GetConflict(); c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN && (all || asks(c, string(s.me), mine)) {
				views = append(views, v)
			}
		}
	}
	slices.SortStableFunc(views, func(a, b client.View) int {
		return cmp.Compare(a.Record.GetConflict().GetOpenedTimeUs(), b.Record.GetConflict().GetOpenedTimeUs())
	})
	return views, nil
}

// asks: whether a question is for a person: by name, or by one of the roles; no roles stand for any.
func asks(c *roundsv1.Conflict, me string, roles []roundsv1.Role) bool {
	if c.GetOwnerId() != "" {
		return c.GetOwnerId() == me
	}
	return len(roles) == 0 || slices.Contains(roles, c.GetOwnerRole())
}

// age is how long something is open, for people.
func (d *deviceCommands) age(us int64) string {
	if us == 0 {
		return "-"
	}
	open := max(0, d.Now().Sub(time.UnixMicro(us)))
	switch {
	case open >= 48*time.Hour:
		return fmt.Sprintf(d.in("%d days", "%d天"), int(open/(24*time.Hour)))
	case open >= time.Hour:
		return fmt.Sprintf(d.in("%d h", "%d小时"), int(open/time.Hour))
	}
	return fmt.Sprintf(d.in("%d min", "%d分钟"), int(open/time.Minute))
}

// actionNames are the actions that a question offers, as they are typed.
func actionNames(c *roundsv1.Conflict) []string {
	var names []string
	for _, a := range c.GetActions() {
		names = append(names, strings.ToLower(enumName(a.String(), "CONFLICT_ACTION")))
	}
	return names
}

// offers are the actions that a question offers, for people.
func (d *deviceCommands) offers(c *roundsv1.Conflict) string {
	var names []string
	for _, a := range c.GetActions() {
		names = append(names, d.typed(a))
	}
	return strings.Join(names, d.in(", ", "、"))
}

// owner is who is asked.
func (d *deviceCommands) owner(c *roundsv1.Conflict, people names) string {
	if c.GetOwnerId() != "" {
		return people.of(c.GetOwnerId())
	}
	return d.term(c.GetOwnerRole())
}

// subjectTitle is what people call the record that something is about.
func (d *deviceCommands) subjectTitle(ctx context.Context, s *session, scope client.Scope, ref *roundsv1.RecordRef) string {
	v, err := s.Get(ctx, scope, kindOf(ref.GetKind()), client.RecordID(ref.GetId()))
	if err != nil {
		return strings.TrimSpace(clean(d.kindName(kindOf(ref.GetKind()))) + " " + shortID(ref.GetId()))
	}
	title := v.Record.GetTicket().GetTitle() + v.Record.GetInspection().GetTitle()
	return strings.TrimSpace(clean(d.kindName(kindOf(ref.GetKind()))) + " " + shortID(ref.GetId()) + " " + cut(title, 30))
}

func (d *deviceCommands) printInbox(ctx context.Context, s *session, views []client.View) error {
	if d.json {
		list := make([]any, 0, len(views))
		for _, v := range views {
			list = append(list, viewJSON(v))
		}
		return printJSON(d.Out, list)
	}
	if len(views) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("no question is open for you", "没有待您裁决的事项"))
		return err
	}
	t := &table{head: d.heads("ID|编号", "TYPE|类型", "OPEN|已等待", "FOR|负责人", "ABOUT|对象", "SIDES|双方", "WHAT|内容", "ACTIONS|可选操作", "")}
	for _, v := range views {
		c := v.Record.GetConflict()
		people, err := d.names(ctx, s, v.Scope)
		if err != nil {
			return err
		}
		var sides []string
		for _, side := range c.GetSides() {
			if side.GetPersonId() != "" {
				sides = append(sides, people.of(side.GetPersonId()))
			}
		}
		t.add(shortID(string(v.ID)), d.term(c.GetType()), d.age(c.GetOpenedTimeUs()), d.owner(c, people),
			d.subjectTitle(ctx, s, v.Scope, c.GetSubject()), strings.Join(sides, " / "), cut(d.text(waitsFor(c)), 80), d.offers(c), d.unsent(v))
	}
	return t.print(d.Out)
}

// waitsFor is what a question is about in one sentence: what waits to be let in, which the last side says, else what is asked.
func waitsFor(c *roundsv1.Conflict) *roundsv1.Text {
	if sides := c.GetSides(); c.GetJournalSeq() != 0 && len(sides) > 1 {
		return sides[len(sides)-1].GetSentence()
	}
	return c.GetSentence()
}

// unsent marks what is shown but not confirmed.
func (d *deviceCommands) unsent(v client.View) string {
	if v.Pending == 0 {
		return ""
	}
	return d.in("(not confirmed)", "（未确认）")
}

// actionOf finds an action that a question offers.
func actionOf(c *roundsv1.Conflict, asked string) (roundsv1.ConflictAction, error) {
	offered := actionNames(c)
	asked = strings.ToLower(strings.ReplaceAll(asked, "-", "_"))
	if i := slices.Index(offered, asked); i >= 0 {
		return c.GetActions()[i], nil
	}
	if len(offered) == 0 {
		return 0, say(Usage, "the question offers no actions: rounds device inbox admit, or dismiss", "此事项没有可选操作：请用 rounds device inbox admit 或 dismiss")
	}
	return 0, say(Usage, "the question does not offer %q: it offers %s", "此事项没有 %q 这个操作：可选 %s", asked, strings.Join(offered, ", "))
}

func (d *deviceCommands) inboxDecide() *cobra.Command {
	var reason, into string
	var anyway bool
	cmd := &cobra.Command{Use: "decide QUESTION ACTION", Short: d.in("Decide a question by one of the actions that it offers", "选择一个操作作出裁决"), Args: cobra.ExactArgs(2),
		Example: "  rounds device inbox decide 9c41aa02 reinstate --reason \"the work is good\"\n" +
			"  rounds device inbox decide 9c41aa02 merge --into 3f2a9c41"}
	cmd.RunE = d.with(func(ctx context.Context, s *session, args []string) error {
		v, err := s.find(ctx, "conflict", args[0])
		if err != nil {
			return err
		}
		action, err := actionOf(v.Record.GetConflict(), args[1])
		if err != nil {
			return err
		}
		decide := &roundsv1.ConflictDecide{Action: action, Reason: reason}
		if into != "" {
			ticket, err := s.find(ctx, "ticket", into)
			if err != nil {
				return err
			}
			decide.TargetId = string(ticket.ID)
		}
		if action == roundsv1.ConflictAction_CONFLICT_ACTION_MERGE && into == "" {
			return say(Usage, "merge needs --into: the ticket that goes on", "merge 须用 --into 给出保留的工单")
		}
		return d.ask(ctx, s, asking{name: "decide", view: v, anyway: anyway, make: func(client.View) (*roundsv1.Command, error) {
			return conflictAct(&roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: decide}}, nil)
		}})
	})
	cmd.Flags().StringVar(&reason, "reason", "", d.in("why", "原因"))
	cmd.Flags().StringVar(&into, "into", "", d.in("for merge: the ticket that goes on", "merge 时保留的工单"))
	d.anywayFlag(cmd, &anyway)
	return cmd
}

func conflictAct(c *roundsv1.ConflictCommand, err error) (*roundsv1.Command, error) {
	return &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: c}}, err
}

// inboxStep makes a command of a question. What it is called with names a person after the question where it needs one.
func (d *deviceCommands) inboxStep(use, short string, flags []string, make func(context.Context, *session, client.View, *actFlags) (*roundsv1.ConflictCommand, error)) *cobra.Command {
	f := &actFlags{}
	words := strings.Fields(use)
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(len(words) - 1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			v, err := s.find(ctx, "conflict", args[0])
			if err != nil {
				return err
			}
			if len(args) > 1 {
				f.to = args[1]
			}
			return d.ask(ctx, s, asking{name: words[0], view: v, anyway: f.anyway, make: func(v client.View) (*roundsv1.Command, error) {
				return conflictAct(make(ctx, s, v, f))
			}})
		})}
	for _, flag := range flags {
		f.add(d.program, cmd, flag)
	}
	d.anywayFlag(cmd, &f.anyway)
	return cmd
}
