package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// asking is one command that a person asks for.
type asking struct {
	// name as the person called it.
	name string
	view client.View
	// make makes the command of what the device shows of the record.
	make func(client.View) (*roundsv1.Command, error)
	// anyway: it is queued whatever the device knows.
	anyway bool
	// shown: it decides on what the device shows, so that no news are fetched before it.
	shown bool
	// facts were queued before it, and belong to it; photos says that there are some among them.
	facts  []client.Ref
	photos bool
	// and queues more facts once it is clear that the command goes too; may be nil.
	and func() ([]client.Ref, error)
}

// anywayFlag adds --anyway.
func (p *program) anywayFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "anyway", false, p.in("send it even where the device knows that the rules refuse it", "即使本机已知会被拒绝也提交"))
}

// ask queues a command, if the device knows of nothing that the rules have against it, and tries to deliver it.
func (d *deviceCommands) ask(ctx context.Context, s *session, a asking) error {
	command, err := a.make(a.view)
	if err != nil {
		return err
	}
	if !a.anyway {
		problem, err := s.objection(ctx, a.view, command, reading(client.SystemClock(d.Now)))
		if err != nil {
			return err
		}
		// What the device knew was perhaps old: of the person's roles, or of the record.
		renewed := problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT && d.renew(ctx, s)
		if problem != nil && !a.shown && d.news(ctx, s) {
			renewed = true
			if a.view, err = s.Get(ctx, a.view.Scope, a.view.Kind, a.view.ID); err != nil {
				return err
			}
			if command, err = a.make(a.view); err != nil {
				return err
			}
		}
		if renewed {
			if problem, err = s.objection(ctx, a.view, command, reading(client.SystemClock(d.Now))); err != nil {
				return err
			}
		}
		if problem != nil {
			return d.refuseHere(ctx, s, a, problem)
		}
	}
	if err := d.warnOf(ctx, s, a.view, command); err != nil {
		return err
	}
	if a.and != nil {
		more, err := a.and()
		if err != nil {
			return err
		}
		a.facts = append(a.facts, more...)
	}
	m := &roundsv1.Mutation{RecordId: string(a.view.ID), Act: &roundsv1.Mutation_Command{Command: command}}
	ref, err := s.Do(ctx, a.view.Scope, m, client.Seen(a.view))
	if err != nil {
		return err
	}
	return d.finish(ctx, s, a, append(a.facts, ref))
}

// news brings what is new, and tells whether it did.
func (d *deviceCommands) news(ctx context.Context, s *session) bool {
	if d.offline {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	_, err := s.Sync(ctx, client.WithoutPhotos())
	return err == nil
}

// finish delivers what was queued, and tells how it went and where the record stands.
func (d *deviceCommands) finish(ctx context.Context, s *session, a asking, refs []client.Ref) error {
	how, err := d.deliver(ctx, s, refs...)
	if err != nil {
		return err
	}
	view, err := s.Get(ctx, a.view.Scope, a.view.Kind, a.view.ID)
	if err != nil {
		view = a.view // it left the device meanwhile
	}
	if err := d.tellStanding(a.name, view, how); err != nil {
		return err
	}
	if a.photos && how.Sent {
		return d.sendBytes(ctx, s)
	}
	return nil
}

// standingJSON is what an act came to, as --json prints it.
type standingJSON struct {
	Done string          `json:"done"`
	Kind string          `json:"kind"`
	ID   client.RecordID `json:"id"`
	delivered
	// State is where the record stands; Confirmed: by the server's word, not only by what the device foresees.
	State     string `json:"state,omitempty"`
	Confirmed bool   `json:"confirmed"`
}

// tellStanding prints how the delivery of an act went and where its record stands now, and returns the error of a refusal.
func (d *deviceCommands) tellStanding(name string, v client.View, how delivered) error {
	confirmed := v.Pending == 0 && v.Version > 0
	if d.json {
		if err := printJSON(d.Out, standingJSON{name, string(v.Kind), v.ID, how, stateName(v.Record), confirmed}); err != nil {
			return err
		}
		return d.refusal(how)
	}
	line := d.standing(v.Record)
	switch {
	case line == "":
	case confirmed:
		line = d.in("; now "+line, "，现为「"+line+"」")
	default:
		line = d.in("; now "+line+" (not confirmed)", "，现为「"+line+"」（未确认）")
	}
	fmt.Fprintf(d.Out, d.in("%s %s: %s%s\n", "%s %s：%s%s\n"), d.did(name), v.ID, d.way(how), line)
	return d.refusal(how)
}

// stateName is the state of a record for programs.
func stateName(r *roundsv1.Record) string {
	switch {
	case r.GetTicket() != nil:
		return ticketState(r.GetTicket())
	case r.GetInspection() != nil:
		return inspectionState(r.GetInspection())
	case r.GetConflict() != nil:
		return enumName(r.GetConflict().GetState().String(), "CONFLICT_STATE")
	}
	return ""
}

// refuseHere tells what the rules have against a command that was not queued. Facts that were queued before it go their way.
func (d *deviceCommands) refuseHere(ctx context.Context, s *session, a asking, p *roundsv1.Problem) error {
	how := delivered{Problems: []refused{refusedBy("here", p)}, Refused: []string{d.told(p)}}
	if len(a.facts) > 0 {
		facts, err := d.deliver(ctx, s, a.facts...)
		if err != nil {
			return err
		}
		how.Why = facts.Why
		if a.photos && facts.Sent {
			if err := d.sendBytes(ctx, s); err != nil {
				return err
			}
		}
	}
	if d.json {
		if err := printJSON(d.Out, standingJSON{a.name, string(a.view.Kind), a.view.ID, how, stateName(a.view.Record), a.view.Pending == 0}); err != nil {
			return err
		}
	}
	line := d.told(p) + d.in(" (not sent; --anyway sends it all the same)", "（未提交；仍要提交请加 --anyway）")
	if n := len(a.facts); n > 0 {
		line += fmt.Sprintf(d.in("; %d facts that came with it are kept", "；随附的%d条记录已保留"), n)
	}
	return fail(Refused, "%s", line)
}

// ticketAct wraps a command of a ticket.
func ticketAct(c *roundsv1.TicketCommand, err error) (*roundsv1.Command, error) {
	return &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}}, err
}

// remark queues a remark on a record.
func (s *session) remark(ctx context.Context, of client.View, words string, now func() time.Time) (client.Ref, error) {
	return s.Fact(ctx, of.Scope, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
		Subject: subjectOf(of), Words: words, PersonId: string(s.me), Said: reading(client.SystemClock(now))}}})
}

func subjectOf(v client.View) *roundsv1.RecordRef {
	return &roundsv1.RecordRef{Kind: string(v.Kind), Id: string(v.ID)}
}

// takeWith takes photos in that go with a command. Where the ticket asks for the live camera and they are not from it, none is kept, because it could never count and would
// keep the ticket from review: the command is refused, unless it is to be sent anyway.
func (d *deviceCommands) takeWith(ctx context.Context, s *session, a asking, in client.PhotoInput, paths []string) ([]client.Ref, error) {
	gallery := func(v client.View) bool {
		return len(paths) > 0 && in.Source != roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA && v.Record.GetTicket().GetRequirements().GetLiveCamera()
	}
	refused := !a.anyway && gallery(a.view)
	if refused && d.news(ctx, s) { // what the device knew was perhaps old
		view, err := s.Get(ctx, a.view.Scope, a.view.Kind, a.view.ID)
		if err != nil {
			return nil, err
		}
		refused = gallery(view)
	}
	if refused {
		return nil, d.refuseHere(ctx, s, a, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, Field: "source", Sentence: &roundsv1.Text{
			Zh: "此类工单要求现场拍摄，相册照片不算，未收入。请现场拍摄，并加 --source camera。",
			En: "This needs photos by the live camera; one from the gallery cannot count, and was not taken in. Take it at the place, with --source camera.",
		}})
	}
	return d.take(ctx, s, a.view, in, paths)
}

// take takes photos of a record in.
func (d *deviceCommands) take(ctx context.Context, s *session, of client.View, in client.PhotoInput, paths []string) ([]client.Ref, error) {
	in.Subject = subjectOf(of)
	var refs []client.Ref
	for _, path := range paths {
		ref, err := d.addFile(ctx, s, of.Scope, in, path)
		if err != nil {
			return refs, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}
