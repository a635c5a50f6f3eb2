package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// refused is one act that was not taken, or that waits for a person.
type refused struct {
	// Status is that of the tray, or "here" for what the device itself refused.
	Status string `json:"status"`
	// Code, Facts and Field are the problem's; see Problem in the schema.
	Code  string            `json:"code"`
	Field string            `json:"field,omitempty"`
	Facts map[string]string `json:"facts,omitempty"`
	// Sentence in both languages.
	Zh string `json:"zh"`
	En string `json:"en"`
}

func refusedBy(status string, p *roundsv1.Problem) refused {
	return refused{Status: status, Code: enumName(p.GetCode().String(), "PROBLEM_CODE"), Field: p.GetField(), Facts: p.GetFacts(),
		Zh: p.GetSentence().GetZh(), En: p.GetSentence().GetEn()}
}

// marks are the code and the facts of a problem on one line: "MISSING have=1 required=2".
func marks(p *roundsv1.Problem) string {
	parts := []string{enumName(p.GetCode().String(), "PROBLEM_CODE")}
	for _, name := range slices.Sorted(maps.Keys(p.GetFacts())) {
		parts = append(parts, name+"="+cut(p.GetFacts()[name], 60))
	}
	return clean(strings.Join(parts, " "))
}

// told is the sentence of a problem in the person's language, with its code and facts.
func (d *deviceCommands) told(p *roundsv1.Problem) string {
	return strings.TrimSpace(clean(d.text(p.GetSentence())) + " [" + marks(p) + "]")
}

// delivered is what became of the try to deliver what was just queued.
type delivered struct {
	// Sent: the server has it.
	Sent bool `json:"sent"`
	// Why it was not sent, for a person.
	Why string `json:"why,omitempty"`
	// Refused is what the server says of what it would not take, or of what waits for a person.
	Refused []string `json:"refused,omitempty"`
	// Problems are the same for programs.
	Problems []refused `json:"problems,omitempty"`
}

// deliver tries to sync after something was queued. That the server cannot be reached is no failure: the device keeps it.
func (d *deviceCommands) deliver(ctx context.Context, s *session, refs ...client.Ref) (delivered, error) {
	if d.offline {
		return delivered{Why: d.in("offline as asked", "按要求未联网")}, nil
	}
	before, err := s.trayed(ctx)
	if err != nil {
		return delivered{}, err
	}
	within, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	if _, err := s.Sync(within, client.WithoutPhotos()); err != nil {
		if unreachable(err) {
			return delivered{Why: absence(d.lang, err)}, nil
		}
		line, _ := d.explain(err)
		return delivered{Why: line}, nil
	}
	result := delivered{Sent: true}
	items, err := s.Tray(ctx)
	if err != nil {
		return result, err
	}
	var others []client.TrayItem
	for _, item := range items {
		mine := slices.ContainsFunc(refs, func(ref client.Ref) bool { return item.Key.Scope == ref.Scope && item.Key.Lane == ref.Lane })
		switch {
		case item.Status == client.TrayNotice:
		case mine:
			problem := item.Outcome.GetProblem()
			result.Refused = append(result.Refused, d.trayStatus(item.Status)+": "+d.told(problem))
			result.Problems = append(result.Problems, refusedBy(string(item.Status), problem))
		case !before[item.Key]:
			others = append(others, item)
		}
	}
	if !d.json {
		d.tellRefused(ctx, s, others)
	}
	return result, nil
}

// trayed are the items of the tray as it is.
func (s *session) trayed(ctx context.Context) (map[client.TrayKey]bool, error) {
	items, err := s.Tray(ctx)
	keys := map[client.TrayKey]bool{}
	for _, item := range items {
		keys[item.Key] = true
	}
	return keys, err
}

// tellRefused says what the server would not take of what was queued before, or keeps for a person to decide.
func (d *deviceCommands) tellRefused(ctx context.Context, s *session, items []client.TrayItem) {
	for _, item := range items {
		about := d.subjectTitle(ctx, s, item.Key.Scope, &roundsv1.RecordRef{Kind: string(item.Kind), Id: string(item.ID)})
		fmt.Fprintf(d.Err, d.in("%s: %s, %s: %s\n", "%s：%s，%s：%s\n"), d.trayStatus(item.Status), d.actName(item.Mutation), about, d.told(item.Outcome.GetProblem()))
	}
}

// tell prints how the delivery of something went, and returns the error of a refusal.
func (d *deviceCommands) tell(what string, id client.RecordID, how delivered) error {
	if d.json {
		if err := printJSON(d.Out, struct {
			Done string          `json:"done"`
			ID   client.RecordID `json:"id"`
			delivered
		}{what, id, how}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(d.Out, d.in("%s %s: %s\n", "%s %s：%s\n"), d.did(what), id, d.way(how))
	}
	return d.refusal(how)
}

// way says how far something came.
func (d *deviceCommands) way(how delivered) string {
	waits := func(p refused) bool { return p.Status == string(client.TrayWaiting) }
	switch {
	case len(how.Problems) > 0 && !slices.ContainsFunc(how.Problems, func(p refused) bool { return !waits(p) }):
		return d.in("kept, waits for a decision", "已保存，等待裁决")
	case len(how.Refused) > 0:
		return d.in("not taken", "未被采纳")
	case !how.Sent:
		return d.in("queued, will be sent ("+how.Why+")", "已保存，联网后发送（"+how.Why+"）")
	}
	return d.in("sent", "已发送")
}

// refusal is the error of what was not taken; nil where all was.
func (d *deviceCommands) refusal(how delivered) error {
	if len(how.Refused) == 0 {
		return nil
	}
	return say(Refused, "%s (rounds device tray)", "%s（详见 rounds device tray）", strings.Join(how.Refused, d.in("; ", "；")))
}

// sentence is the reason for which something is in the tray.
func (d *deviceCommands) sentence(item client.TrayItem) string {
	return d.text(item.Outcome.GetProblem().GetSentence())
}
