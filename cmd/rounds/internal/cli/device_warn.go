package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/work/term"
)

// tooEarly is the mark of a walk before its window.
const tooEarly = "too_early"

// foreseen are the marks that a device can know before the server does: they rest on the round, its route and the clock alone. What a tag is worth the server knows.
func foreseen(marks []string) []string {
	return slices.DeleteFunc(slices.Clone(marks), func(mark string) bool {
		return !slices.Contains([]string{tooEarly, "unvisited", "after_window", "out_of_order", "too_soon", "too_late"}, mark)
	})
}

// warnOf says what the server will mark about a command on a round. It is done all the same.
func (d *deviceCommands) warnOf(ctx context.Context, s *session, v client.View, command *roundsv1.Command) error {
	if v.Record.GetInspection() == nil || v.Version == 0 {
		return nil
	}
	clock := reading(client.SystemClock(d.Now))
	walked, err := s.walked(ctx, v, clock, nil)
	if err != nil {
		return err
	}
	seen := v
	seen.Change, seen.Record = proto.CloneOf(v.Change), proto.CloneOf(v.Record)
	seen.Change.GetRecord().GetInspection().OfficialVisits = walked
	verdict, _, err := s.verdict(ctx, seen, &roundsv1.Mutation{Clock: clock, Act: &roundsv1.Mutation_Command{Command: command}})
	if err != nil || verdict.Problem != nil {
		return err
	}
	return d.warn(ctx, s, v, foreseen(verdict.Flags))
}

// warnOfScan says what the server will mark about a scan on a round. It is kept all the same.
func (d *deviceCommands) warnOfScan(ctx context.Context, s *session, v client.View, scan *roundsv1.Scan) error {
	if v.Record.GetInspection() == nil || v.Version == 0 {
		return nil
	}
	walked, err := s.walked(ctx, v, reading(client.SystemClock(d.Now)), scan)
	if err != nil {
		return err
	}
	for _, visit := range walked {
		if visit.GetScanId() == scan.GetId() {
			return d.warn(ctx, s, v, foreseen(visit.GetFlags()))
		}
	}
	return nil
}

// walked are the visits of a round with the scans that the device has and the server perhaps not yet, and with one more; nil: none.
func (s *session) walked(ctx context.Context, v client.View, clock *roundsv1.Clock, more *roundsv1.Scan) ([]*roundsv1.Visit, error) {
	scans := slices.Clone(v.Record.GetInspection().GetVisits())
	if more != nil {
		scans = append(scans, more)
	}
	seen := v
	seen.Change = proto.CloneOf(v.Change)
	seen.Change.GetRecord().GetInspection().Visits = nil // those that counted are known by their ids
	verdict, _, err := s.verdict(ctx, seen, &roundsv1.Mutation{Clock: clock, Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{
		Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Visits: scans}}}}}})
	if err != nil {
		return nil, err
	}
	if made := verdict.Effect.GetRecord().GetInspection().GetOfficialVisits(); len(made) > 0 {
		return made, nil
	}
	return v.Record.GetInspection().GetOfficialVisits(), nil
}

// warn prints what marks of a round mean for the person, each once in a command.
func (d *deviceCommands) warn(ctx context.Context, s *session, v client.View, marks []string) error {
	reference, err := s.reference(ctx)
	if err != nil {
		return err
	}
	for _, mark := range marks {
		if slices.Contains(s.warned, mark) {
			continue
		}
		s.warned = append(s.warned, mark)
		words := cmp.Or(d.text(term.Flag(mark)), mark)
		if i := v.Record.GetInspection(); mark == tooEarly {
			spared := strconv.Itoa(int(reference.Policy(v.Scope).RoundEarly.Minutes()))
			fmt.Fprintf(d.Err, d.in("note: the window of this round is %s - %s, and the site allows a walk %s minutes before it; it is done all the same, with the mark %q\n",
				"提示：此巡检的时间窗为 %s 至 %s，最多可提前 %s 分钟；仍会记录，并带标记「%s」\n"), when(i.GetWindowStartUs()), when(i.GetWindowEndUs()), spared, words)
			continue
		}
		fmt.Fprintf(d.Err, d.in("note: it is done all the same, with the mark %q\n", "提示：仍会记录，并带标记「%s」\n"), words)
	}
	return nil
}
