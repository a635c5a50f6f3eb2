package demo

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// stride is how long it takes from one checkpoint to the next.
const stride = 150 * time.Second

// oneFails of so many items is not as it should be.
const oneFails = 14

// walk walks a planned round that can be walked now: from tag to tag, an answer to each item, and the word that it is done. False: there is none.
func (w *worker) walk(ctx context.Context) (did bool, err error) {
	if w.here().silent() { // a route is walked from above
		return false, nil
	}
	now := w.clocks.time.Now().UnixMicro()
	var open []client.View
	for v, err := range w.device.List(ctx, w.site, "inspection") {
		if err != nil {
			return false, err
		}
		i := v.Record.GetInspection()
		again := i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_RETURNED
		fresh := i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_RELEASED && i.GetWindowStartUs() <= now && now < i.GetWindowEndUs()
		late := i.GetWindowEndUs()-now < (i.GetWindowEndUs()-i.GetWindowStartUs())/2
		if (again || fresh && w.isOn(v.ID, late)) && !w.day.taken[v.ID] {
			open = append(open, v)
		}
	}
	if len(open) == 0 {
		return false, nil
	}
	// What ends first is walked first, mostly.
	slices.SortFunc(open, func(a, b client.View) int {
		return int((a.Record.GetInspection().GetWindowEndUs() - b.Record.GetInspection().GetWindowEndUs()) / 1e6)
	})
	v := open[w.random.IntN(min(3, len(open)))]
	w.descends(v.Record.GetInspection().GetCheckpointIds())
	return true, errors.Join(w.startRound(ctx, v), w.visitAll(ctx, v), w.answerAll(ctx, v, oneFails), w.submitRound(ctx, v))
}

// isOn: whether it is the person's turn to walk a round: each is somebody's, by the roster of the day, and late in its window a deputy's as well.
func (w *worker) isOn(round client.RecordID, late bool) bool {
	sum := sha256.Sum256([]byte(round))
	at := slices.IndexFunc(w.hands, func(p community.Person) bool { return p.ID == w.ID })
	if at < 0 {
		return false
	}
	turn := int(sum[0]) % len(w.hands)
	return at == turn || late && at == (turn+1)%len(w.hands)
}

func (w *worker) roundCommand(ctx context.Context, id client.RecordID, c *roundsv1.InspectionCommand) error {
	ref, err := w.device.Command(ctx, w.site, id, &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: c}})
	return w.note(ref, err)
}

// startRound begins a round at the tag of its first checkpoint.
func (w *worker) startRound(ctx context.Context, v client.View) error {
	start := &roundsv1.InspectionStart{}
	if ids := v.Record.GetInspection().GetCheckpointIds(); len(ids) > 0 {
		start.ScanPayload = w.tagAt(ids[0])
	}
	return w.roundCommand(ctx, v.ID, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: start}})
}

func (w *worker) submitRound(ctx context.Context, v client.View) error {
	return w.roundCommand(ctx, v.ID, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{
		Submit: &roundsv1.InspectionSubmit{Round: max(1, v.Record.GetInspection().GetRound())}}})
}

// tagAt is what the tag at a place says.
func (w *worker) tagAt(place string) string {
	if i := slices.IndexFunc(w.Places, func(p community.Place) bool { return p.ID == place }); i >= 0 {
		return w.Places[i].GetTag()
	}
	return ""
}

// visitAll scans the tags of a round's checkpoints, one after the other, the last one now.
func (w *worker) visitAll(ctx context.Context, v client.View) error {
	ids := v.Record.GetInspection().GetCheckpointIds()
	for n, place := range ids {
		id, err := w.device.NewID()
		if err != nil {
			return err
		}
		scanned := w.clock()
		ago := (time.Duration(len(ids)-1-n) * stride).Microseconds()
		if scanned.GetMonotonicUs() > ago {
			scanned.MonotonicUs -= ago
			scanned.WallUs -= ago
		}
		ref, err := w.device.Fact(ctx, w.site, v.ID, &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
			Visits: []*roundsv1.Scan{{Id: string(id), Payload: w.tagAt(place), CheckpointId: place, Scanned: scanned}}}}})
		if err := w.note(ref, err); err != nil {
			return err
		}
	}
	return nil
}

// checklist is the list that a round is walked with, as the phone has it.
func (w *worker) checklist(ctx context.Context, i *roundsv1.Inspection) (*roundsv1.Checklist, error) {
	status, err := w.device.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range status.Scopes {
		if s.Scope[:4] != "org/" {
			continue
		}
		for v, err := range w.device.List(ctx, s.Scope, "checklist") {
			if err != nil {
				return nil, err
			}
			list := v.Record.GetChecklist()
			if list.GetSeriesId() == i.GetChecklistId() && list.GetVersion() == i.GetChecklistVersion() {
				return list, nil
			}
		}
	}
	return nil, nil
}

// newest is the newest version of a checklist, by its code, as the phone has it.
func (w *worker) newest(ctx context.Context, code string) (best *roundsv1.Checklist, err error) {
	status, err := w.device.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range status.Scopes {
		if !strings.HasPrefix(string(s.Scope), "org/") {
			continue
		}
		for v, err := range w.device.List(ctx, s.Scope, "checklist") {
			if err != nil {
				return nil, err
			}
			if list := v.Record.GetChecklist(); list.GetCode() == code && list.GetVersion() > best.GetVersion() {
				best = list
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("demo: %s has no checklist %s", w.name, code)
	}
	return best, nil
}

// answerAll answers every item of a round, as facts; one of so many is not as it should be: that has a photo and a note, and makes a ticket.
func (w *worker) answerAll(ctx context.Context, v client.View, fails int) error {
	list, err := w.checklist(ctx, v.Record.GetInspection())
	if err != nil {
		return err
	}
	for _, item := range list.GetItems() {
		result := roundsv1.AnswerResult_ANSWER_RESULT_PASS
		if fails > 0 && w.random.IntN(fails) == 0 {
			result = roundsv1.AnswerResult_ANSWER_RESULT_FAIL
		}
		if err := w.answerItem(ctx, v, item, result); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) answerItem(ctx context.Context, v client.View, item *roundsv1.ChecklistItem, result roundsv1.AnswerResult) error {
	answer := &roundsv1.Answer{Result: result, Answered: w.clock()}
	if item.GetUnit() != "" {
		reading := item.GetLow() + w.random.Float64()*(item.GetHigh()-item.GetLow())
		if result == roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
			reading = item.GetHigh() * 1.1
		}
		answer.Reading = &reading
	}
	if result == roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
		answer.Note = pick(w.random, findings)
		photo, err := w.photograph(ctx, subject{kind: "inspection", id: v.ID, item: item.GetId(), role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM,
			round: max(1, v.Record.GetInspection().GetRound())})
		if err != nil || photo == "" {
			return err
		}
		answer.PhotoIds = []string{string(photo)}
		w.comesUp()
	}
	ref, err := w.device.Fact(ctx, w.site, v.ID, &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		Answers: map[string]*roundsv1.Answer{item.GetId(): answer}}}})
	return w.note(ref, err)
}

// inspectElsewhere walks a round that nobody planned, at a site that has no plans.
func (w *worker) inspectElsewhere(ctx context.Context) error {
	round := &roundsv1.Inspection{Title: "临时巡查 / unplanned", WindowStartUs: w.clocks.time.Now().UnixMicro()}
	for place, err := range w.device.List(ctx, w.site, "place") {
		if err != nil {
			return err
		}
		round.CheckpointIds = []string{string(place.ID)}
		break
	}
	if len(round.CheckpointIds) == 0 {
		return nil // the phone does not have the site's places yet
	}
	ref, err := w.device.Create(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: round}})
	if err := w.note(ref, err); err != nil || ref.ID == "" {
		return err
	}
	fact, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
		Subject: &roundsv1.RecordRef{Kind: "inspection", Id: string(ref.ID)}, Words: pick(w.random, findings), PersonId: w.ID, Said: w.clock()}}})
	return w.note(fact, err)
}

// oneReturned of so many rounds is sent back.
const oneReturned = 8

// reviewRounds decides on up to so many rounds whose photos are verified.
func (w *worker) reviewRounds(ctx context.Context, most int) (did bool, err error) {
	for v, err := range w.device.List(ctx, w.site, "inspection") {
		if err != nil {
			return did, err
		}
		i := v.Record.GetInspection()
		if i.GetState() != roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW || v.Pending > 0 || most == 0 || w.day.taken[v.ID] {
			continue
		}
		most--
		act := &roundsv1.InspectionCommand{}
		if i.GetRound() == 1 && w.random.IntN(oneReturned) == 0 && !w.camera.honest {
			act.Command = &roundsv1.InspectionCommand_Return{Return: &roundsv1.InspectionReturn{Round: i.GetRound(), Reason: "照片看不清，请补拍 / not clear, walk it again"}}
		} else {
			digest, err := work.InspectionDigest(&roundsv1.Change{RecordId: string(v.ID), Record: v.Record}, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
				p, err := w.device.Get(ctx, w.site, kind, client.RecordID(id))
				if errors.Is(err, client.ErrNoRecord) {
					return nil, nil
				}
				return p.Change, err
			})
			if err != nil {
				return did, err
			}
			act.Command = &roundsv1.InspectionCommand_Approve{Approve: &roundsv1.InspectionApprove{Round: i.GetRound(), ReviewDigest: digest}}
		}
		did = true
		if err := w.roundCommand(ctx, v.ID, act); err != nil {
			return did, err
		}
	}
	return did, nil
}
