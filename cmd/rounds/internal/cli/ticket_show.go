package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) ticketShow() *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Show a ticket with its photos, remarks and open questions", Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "ticket", args[0])
			if err != nil {
				return err
			}
			about, err := s.about(ctx, view)
			if err != nil {
				return err
			}
			if d.json {
				var parts []any
				for _, v := range about {
					parts = append(parts, viewJSON(v))
				}
				return printJSON(d.Out, map[string]any{"ticket": viewJSON(view), "about": parts, "writes": writesJSON(view)})
			}
			people, err := s.names(ctx, view.Scope)
			if err != nil {
				return err
			}
			return d.printTicket(view, about, people)
		})}
}

// about returns the photos, remarks and conflicts of a record.
func (s *session) about(ctx context.Context, of client.View) ([]client.View, error) {
	var all []client.View
	for view, err := range s.List(ctx, of.Scope, "photo") {
		if err != nil {
			return nil, err
		}
		if view.Record.GetPhoto().GetSubject().GetId() == string(of.ID) {
			all = append(all, view)
		}
	}
	for view, err := range s.List(ctx, of.Scope, "comment") {
		if err != nil {
			return nil, err
		}
		if view.Record.GetComment().GetSubject().GetId() == string(of.ID) {
			all = append(all, view)
		}
	}
	for view, err := range s.List(ctx, of.Scope, "conflict") {
		if err != nil {
			return nil, err
		}
		c := view.Record.GetConflict()
		if c.GetSubject().GetId() == string(of.ID) && c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			all = append(all, view)
		}
	}
	return all, nil
}

func writesJSON(v client.View) []any {
	var list []any
	for _, w := range v.Change.GetWrites() {
		list = append(list, asJSON(w))
	}
	return list
}

func (d *deviceCommands) printTicket(v client.View, about []client.View, people names) error {
	t := v.Record.GetTicket()
	var b strings.Builder
	line := func(name, value string) {
		if value != "" && value != "-" {
			fmt.Fprintf(&b, "%-12s %s\n", name, value)
		}
	}
	line("ticket", string(v.ID))
	line("title", clean(t.GetTitle()))
	line("state", strings.TrimSpace(d.listed(t)+" "+d.pendingMark(v)))
	line("why", clean(t.GetStateReason()))
	line("priority", strings.ToLower(enumName(t.GetPriority().String(), "PRIORITY")))
	line("category", shortID(t.GetCategoryId()))
	line("needs", d.needs(t.GetRequirements()))
	line("place", place(t.GetLocation()))
	line("reported", fmt.Sprintf("%s by %s", when(t.GetReportedTimeUs()), people.of(t.GetReporterId())))
	line("words", clean(t.GetCustomerWords()))
	line("description", clean(t.GetDescription()))
	line("notes", clean(t.GetNotes()))
	line("phone", clean(t.GetContactPhone()))
	line("assignee", people.of(t.GetAssigneeId()))
	line("round", fmt.Sprint(max(1, t.GetRound())))
	line("tags", clean(strings.Join(t.GetTags(), ", ")))
	line("flags", clean(strings.Join(t.GetFlags(), ", ")))
	for _, number := range siblings(v) {
		field := t.ProtoReflect().Descriptor().Fields().ByNumber(number)
		if field != nil {
			line("two values", string(field.Name())+": more than one person wrote it; see --json")
		}
	}
	for _, one := range about {
		r := one.Record
		switch {
		case r.GetPhoto() != nil:
			p := r.GetPhoto()
			line("photo", strings.TrimSpace(fmt.Sprintf("%s %s, %s, %d x %d, by %s: %s %s", shortID(string(one.ID)),
				strings.ToLower(enumName(p.GetRole().String(), "PHOTO_ROLE")), bytesText(p.GetSizeBytes()), p.GetWidthPx(), p.GetHeightPx(),
				people.of(p.GetPersonId()), bytesState(p), d.pendingMark(one))))
			for _, words := range evidenceLines(p, people) {
				line("", words)
			}
		case r.GetComment() != nil:
			c := r.GetComment()
			line("remark", fmt.Sprintf("%s, %s: %s %s", people.of(c.GetPersonId()), when(c.GetSaid().GetWallUs()), clean(c.GetWords()), d.pendingMark(one)))
		case r.GetConflict() != nil:
			line("open", fmt.Sprintf("%s %s", shortID(string(one.ID)), clean(textOf(r.GetConflict().GetSentence()))))
		}
	}
	_, err := fmt.Fprint(d.Out, b.String())
	return err
}

// needs are what a ticket asks of the work.
func (d *deviceCommands) needs(r *roundsv1.Requirements) string {
	var parts []string
	if r.GetBeforePhoto() {
		parts = append(parts, d.in("a photo before", "处理前照片"))
	}
	if n := r.GetAfterPhotos(); n > 0 {
		parts = append(parts, fmt.Sprintf(d.in("%d after", "处理后照片%d张"), n))
	}
	if r.GetLiveCamera() {
		parts = append(parts, d.in("by the live camera", "须实时拍摄"))
	}
	if r.GetChecklistId() != "" {
		parts = append(parts, d.in("the checklist", "检查表"))
	}
	return strings.Join(parts, d.in(", ", ","))
}

// fieldNumber is the number of a field in its message.
type fieldNumber = protoreflect.FieldNumber

// siblings returns the fields of a record in which more than one value stands.
func siblings(v client.View) []fieldNumber {
	var all []fieldNumber
	for _, w := range v.Change.GetWrites() {
		for _, n := range w.GetSiblings() {
			if !slices.Contains(all, fieldNumber(n)) {
				all = append(all, fieldNumber(n))
			}
		}
	}
	return all
}
