package cli

import (
	"context"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// stepFlags are the flags of the steps of a ticket.
type stepFlags struct {
	reason, category, to, into, second string
	photos                             []string
}

// ticketStep is one command of the ticket's workflow.
type ticketStep struct {
	name, short string
	flags       []string // of stepFlags, with ! where needed
	make        func(context.Context, *session, client.View, *stepFlags) (*roundsv1.TicketCommand, error)
}

// ticketSteps are the commands that ask for a transition; the server decides on them.
func ticketSteps() []ticketStep {
	round := func(v client.View) uint32 { return max(1, v.Record.GetTicket().GetRound()) }
	epoch := func(v client.View) uint32 { return v.Record.GetTicket().GetAssignEpoch() }
	type command = roundsv1.TicketCommand
	return []ticketStep{
		{"triage", "Set the category and start the clocks", []string{"!category"},
			func(ctx context.Context, s *session, v client.View, f *stepFlags) (*command, error) {
				category, err := s.category(ctx, f.category)
				return &command{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}}, err
			}},
		{"dispatch", "Give it to a person", []string{"!to", "reason"},
			func(ctx context.Context, s *session, v client.View, f *stepFlags) (*command, error) {
				to, err := s.person(ctx, v.Scope, f.to)
				return &command{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: to, Reason: f.reason}}}, err
			}},
		{"accept", "Say yes to a dispatch", nil,
			func(_ context.Context, _ *session, v client.View, _ *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: epoch(v)}}}, nil
			}},
		{"decline", "Say no to a dispatch", []string{"!reason"},
			func(_ context.Context, _ *session, v client.View, f *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Decline{Decline: &roundsv1.TicketDecline{AssignEpoch: epoch(v), Reason: f.reason}}}, nil
			}},
		{"start", "Begin or take up the work", nil,
			func(context.Context, *session, client.View, *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}, nil
			}},
		{"pause", "Let it wait", []string{"!reason"},
			func(_ context.Context, _ *session, _ client.View, f *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: f.reason}}}, nil
			}},
		{"resume", "Take it up again", nil,
			func(context.Context, *session, client.View, *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}}, nil
			}},
		{"done", "Say that it is done, with the photos that prove it", []string{"photo"},
			func(ctx context.Context, s *session, v client.View, f *stepFlags) (*command, error) {
				photos, err := s.proof(ctx, v, round(v), f.photos)
				return &command{Command: &roundsv1.TicketCommand_SubmitCompletion{
					SubmitCompletion: &roundsv1.TicketSubmit{Round: round(v), PhotoIds: photos}}}, err
			}},
		{"approve", "Confirm the closure", nil,
			func(ctx context.Context, s *session, v client.View, _ *stepFlags) (*command, error) {
				digest, err := s.digest(ctx, v)
				return &command{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: round(v), ReviewDigest: digest}}}, err
			}},
		{"reject", "Send it back", []string{"!reason"},
			func(_ context.Context, _ *session, v client.View, f *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: round(v), Reason: f.reason}}}, nil
			}},
		{"cancel", "End it undone", []string{"!reason"},
			func(_ context.Context, _ *session, _ client.View, f *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: f.reason}}}, nil
			}},
		{"merge", "End it in favour of another", []string{"!into"},
			func(ctx context.Context, s *session, _ client.View, f *stepFlags) (*command, error) {
				into, err := s.find(ctx, "ticket", f.into)
				return &command{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: string(into.ID)}}}, err
			}},
		{"escalate", "Take it one level up", []string{"!reason"},
			func(_ context.Context, _ *session, _ client.View, f *stepFlags) (*command, error) {
				return &command{Command: &roundsv1.TicketCommand_Escalate{Escalate: &roundsv1.TicketEscalate{Reason: f.reason}}}, nil
			}},
		{"force-close", "Close it without evidence, together with a second person", []string{"!reason", "!second"},
			func(ctx context.Context, s *session, v client.View, f *stepFlags) (*command, error) {
				second, err := s.person(ctx, v.Scope, f.second)
				return &command{Command: &roundsv1.TicketCommand_ForceClose{
					ForceClose: &roundsv1.TicketForceClose{Reason: f.reason, SecondPersonId: second}}}, err
			}},
	}
}

// proof finds the photos that are named, or else all that show the finished work of this round and may still count: one that was refused already would
// only keep the ticket from review until a leader hides it.
func (s *session) proof(ctx context.Context, v client.View, round uint32, named []string) ([]string, error) {
	var ids []string
	for _, part := range named {
		photo, err := s.find(ctx, "photo", part)
		if err != nil {
			return nil, err
		}
		ids = append(ids, string(photo.ID))
	}
	if len(named) > 0 {
		return ids, nil
	}
	for photo, err := range s.List(ctx, v.Scope, "photo") {
		if err != nil {
			return nil, err
		}
		p := photo.Record.GetPhoto()
		if p.GetSubject().GetId() == string(v.ID) && p.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_AFTER && max(1, p.GetRound()) == round && !countsNot(p) {
			ids = append(ids, string(photo.ID))
		}
	}
	return ids[:min(len(ids), 64)], nil
}

func (d *deviceCommands) ticketStep(step ticketStep) *cobra.Command {
	f := &stepFlags{}
	cmd := &cobra.Command{Use: step.name + " ID", Short: step.short, Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "ticket", args[0])
			if err != nil {
				return err
			}
			command, err := step.make(ctx, s, view, f)
			if err != nil {
				return err
			}
			ref, err := s.Command(ctx, view.Scope, view.ID, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: command}})
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell(step.name, view.ID, how)
		})}
	for _, name := range step.flags {
		needed := name[0] == '!'
		if needed {
			name = name[1:]
		}
		switch name {
		case "reason":
			cmd.Flags().StringVar(&f.reason, name, "", "why")
		case "category":
			cmd.Flags().StringVar(&f.category, name, "", "the category, by code, name or id")
		case "to":
			cmd.Flags().StringVar(&f.to, name, "", "to whom: me, or a person by name, job number or id; one who is not on the site's list of staff by the whole id (rounds admin person list)")
		case "into":
			cmd.Flags().StringVar(&f.into, name, "", "the ticket that goes on")
		case "second":
			cmd.Flags().StringVar(&f.second, name, "", "the second person, by name, job number or id")
		case "photo":
			cmd.Flags().StringSliceVar(&f.photos, name, nil, "photo that proves it; may be given more than once (default: all after-photos of this round but those that cannot count)")
		}
		if needed {
			_ = cmd.MarkFlagRequired(name) // the flag was defined just above
		}
	}
	return cmd
}
