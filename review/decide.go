package review

import (
	"bytes"
	"context"
	"errors"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Decide does the caller's acts, each whatever becomes of the others, and answers once they are on disk. Acts of one scope that stand together are one
// request to the engine. The error is an *engine.Error; then some may have been done, and sending all again is harmless.
func (s *Service) Decide(ctx context.Context, caller engine.Caller, req *roundsv1.DecideRequest) (*roundsv1.DecideResponse, error) {
	return s.DecideChecked(ctx, caller, req, nil)
}

// DecideChecked is Decide for acts that strangers sent: each that check tells a problem of has it as its result and is not done, and the others are done.
// An approval that is refused so counts among those that are made together. No check: all are taken as they are.
func (s *Service) DecideChecked(ctx context.Context, caller engine.Caller, req *roundsv1.DecideRequest, check func(*roundsv1.DeskAct) *roundsv1.Problem,
) (*roundsv1.DecideResponse, error) {
	results := make([]*roundsv1.DecideResult, len(req.GetActs()))
	approvals := 0
	for i, act := range req.GetActs() {
		results[i] = &roundsv1.DecideResult{ActId: act.GetActId()}
		if _, is := approval(act.GetCommand()); is {
			approvals++
		}
		if check != nil {
			if why := check(act); why != nil {
				results[i].Result = &roundsv1.DecideResult_Problem{Problem: why}
			}
		}
	}
	desks := map[string]*desk{}
	defer func() {
		for _, d := range desks {
			d.close()
		}
	}()
	for i, act := range req.GetActs() {
		if _, open := desks[act.GetScope()]; !open && results[i].GetResult() == nil {
			d, err := s.open(ctx, caller, act.GetScope())
			if own := (*engine.Error)(nil); errors.As(err, &own) && own.Kind == engine.Denied {
				results[i].Result = &roundsv1.DecideResult_Problem{Problem: own.Problem}
				continue
			} else if err != nil {
				return nil, err
			}
			desks[act.GetScope()] = d
		}
	}
	var run []int // places of acts that go to the engine together
	flush := func() error {
		err := s.act(ctx, caller, req.GetActs(), run, results)
		run = run[:0]
		return err
	}
	for i, act := range req.GetActs() {
		if results[i].GetResult() != nil {
			continue
		}
		d := desks[act.GetScope()]
		if len(run) > 0 && req.GetActs()[run[0]].GetScope() != act.GetScope() {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		if digest, is := approval(act.GetCommand()); is && approvals > 1 {
			why, obstacles, err := d.alone(ctx, act, digest)
			if err != nil {
				return nil, err
			}
			if why != nil {
				results[i].Result, results[i].Obstacles = &roundsv1.DecideResult_Problem{Problem: why}, obstacles
				continue
			}
		}
		run = append(run, i)
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return &roundsv1.DecideResponse{Results: results}, nil
}

// approval tells whether a command confirms a ticket or a round, and the digest that it carries.
func approval(c *roundsv1.Command) (digest []byte, is bool) {
	if approve := c.GetTicket().GetApprove(); approve != nil {
		return approve.GetReviewDigest(), true
	}
	if approve := c.GetInspection().GetApprove(); approve != nil {
		return approve.GetReviewDigest(), true
	}
	return nil, false
}

// alone says why an approval among others has to be made by itself; nil where it need not be. It looks at the record as it stands, and at the board, which is
// as of the beginning of the call; what comes between that and the act changes the digest, which the rules hold against the evidence once more.
func (d *desk) alone(ctx context.Context, act *roundsv1.DeskAct, digest []byte) (*roundsv1.Problem, []roundsv1.BulkObstacle, error) {
	id, ok := parseUID(act.GetRecordId())
	if !ok {
		return nil, nil, nil // the engine says what is wrong with it
	}
	kind := kindTicket
	if act.GetCommand().GetInspection() != nil {
		kind = kindInspection
	}
	change, err := d.cfg.Records.Record(ctx, d.scopes[0], kind, merge.RecordID(act.GetRecordId()))
	if err != nil || change == nil {
		return nil, nil, err
	}
	if change.GetRecord().GetTicket().GetState() != roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW &&
		change.GetRecord().GetInspection().GetState() != roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW {
		return nil, nil, nil // done before, perhaps by this very act: the engine knows
	}
	looks, err := d.reviewed(ctx, 0, id, change)
	if err != nil {
		return nil, nil, err
	}
	var obstacles []roundsv1.BulkObstacle
	d.boards[0].read(func(c *content) { obstacles = c.obstacles(looks, c.evidence(looks)) })
	now, err := d.digest(ctx, 0, change)
	if err != nil {
		return nil, nil, err
	}
	if now != nil {
		switch {
		case len(digest) == 0:
			obstacles = append(obstacles, roundsv1.BulkObstacle_BULK_OBSTACLE_NO_DIGEST)
		case !bytes.Equal(digest, now):
			why := problem(roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST, "command."+string(kind)+".approve.review_digest", "您查看之后证据有变化，请重新查看后再确认。",
				"The evidence changed after you looked. Look again, then confirm.")
			why.Scope = act.GetScope()
			return why, obstacles, nil
		}
	}
	if len(obstacles) == 0 {
		return nil, nil, nil
	}
	why := problem(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "", "此项有待核对的标记，不能批量确认，请单独打开查看。",
		"There is something to look at here: open it and confirm it by itself, not together with others.")
	why.Scope = act.GetScope()
	names := make([]string, len(obstacles))
	for i, obstacle := range obstacles {
		names[i] = strings.ToLower(strings.TrimPrefix(obstacle.String(), "BULK_OBSTACLE_"))
	}
	why.Facts = map[string]string{"obstacles": strings.Join(names, ",")}
	return why, obstacles, nil
}

// act sends the acts at some places to the engine, which are of one scope. Where it refuses all of them, each is tried by itself, so that one malformed act
// does not stand in the way of the others.
func (s *Service) act(
	ctx context.Context, caller engine.Caller, acts []*roundsv1.DeskAct, at []int, results []*roundsv1.DecideResult,
) error {
	if len(at) == 0 {
		return nil
	}
	list := make([]engine.DeskAct, len(at))
	for i, place := range at {
		act := acts[place]
		list[i] = engine.DeskAct{ID: engine.ActID(act.GetActId()), RecordID: merge.RecordID(act.GetRecordId()), Base: journal.Seq(act.GetBase()), Command: act.GetCommand(),
			Edit: act.GetEdit(), Fact: act.GetFact()}
	}
	outcomes, err := s.cfg.Records.Act(ctx, caller, store.Scope(acts[at[0]].GetScope()), list)
	var own *engine.Error
	switch {
	case err == nil:
		for i, place := range at {
			results[place].Result = &roundsv1.DecideResult_Outcome{Outcome: outcomes[i]}
		}
		return nil
	case !errors.As(err, &own) || own.Problem == nil || own.Kind == engine.Internal || own.Kind == engine.Unavailable:
		return err
	case len(at) == 1:
		results[at[0]].Result = &roundsv1.DecideResult_Problem{Problem: own.Problem}
		return nil
	}
	for _, place := range at {
		if err := s.act(ctx, caller, acts, []int{place}, results); err != nil {
			return err
		}
	}
	return nil
}

// kindOfRef is the kind that a reference names.
func kindOfRef(of *roundsv1.RecordRef) merge.Kind { return merge.Kind(of.GetKind()) }
