package cli

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// foresee tells what a command will do to its record if the server lets it.
func (s *session) foresee(current *roundsv1.Change, m *roundsv1.Mutation) *roundsv1.Edit {
	effect, ok := s.rules.Foresee(current, m, engine.PersonID(s.me))
	if !ok {
		return nil
	}
	return effect
}

// everyRole is what a person is taken for whose roles in a scope the device does not know: a right that may be there is not denied here.
func everyRole() []roundsv1.Role {
	var all []roundsv1.Role
	for role := range roundsv1.Role_name {
		if role != 0 && roundsv1.Role(role) != roundsv1.Role_ROLE_SYSTEM {
			all = append(all, roundsv1.Role(role))
		}
	}
	return all
}

// objection is what the rules, as the device knows the record, the organisation and the person's roles, have against a command; nil: nothing. Rosters and what
// others did meanwhile are the server's to judge.
func (s *session) objection(ctx context.Context, v client.View, command *roundsv1.Command, clock *roundsv1.Clock) (*roundsv1.Problem, error) {
	if v.Version == 0 {
		return nil, nil // the server does not have it: nothing is known of where it will stand
	}
	verdict, known, err := s.verdict(ctx, v, &roundsv1.Mutation{Clock: clock, Act: &roundsv1.Mutation_Command{Command: command}})
	if err != nil {
		return nil, err
	}
	if verdict.Park != roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED || !certain(verdict.Problem.GetCode(), known) {
		return nil, nil
	}
	if code := verdict.Problem.GetCode(); v.Kind == kindOf("conflict") && code != roundsv1.ProblemCode_PROBLEM_CODE_STATE && code != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
		return nil, nil // what waits is in the server's journal
	}
	return verdict.Problem, nil
}

// verdict is what the rules make of an act by the person on a record, as the device knows the record, the organisation and the person's roles; known: it knows these.
// What the act says of its record is filled in.
func (s *session) verdict(ctx context.Context, v client.View, act *roundsv1.Mutation) (_ engine.Verdict, known bool, err error) {
	reference, err := s.reference(ctx)
	if err != nil {
		return engine.Verdict{}, false, err
	}
	identity, err := s.Identity()
	if err != nil {
		return engine.Verdict{}, false, err
	}
	current := proto.CloneOf(v.Change)
	if err := s.withQueued(ctx, v, current.GetRecord().GetTicket()); err != nil {
		return engine.Verdict{}, false, err
	}
	act.RecordId, act.Base = string(v.ID), v.Version
	status, err := s.Status(ctx)
	if err != nil {
		return engine.Verdict{}, false, err
	}
	roles, known, err := s.roles(ctx, v.Scope)
	if err != nil {
		return engine.Verdict{}, false, err
	}
	if !known {
		roles = everyRole()
	}
	at := time.UnixMicro(act.GetClock().GetWallUs()).Add(status.Offset).UTC()
	return work.New(work.Config{Reference: reference}).Judge(engine.Case{Scope: v.Scope, Kind: v.Kind, Current: current, Person: engine.PersonID(s.me),
		Device: engine.DeviceID(identity.Device), Roles: roles, Time: at, Trust: roundsv1.Trust_TRUST_A, Saw: true, Lookup: s.lookup(ctx, v.Scope),
		Mutation: act}), known, nil
}

// certain tells the refusals that a device can be sure of, as far as its record is the newest; known: it knows the person's roles.
func certain(code roundsv1.ProblemCode, known bool) bool {
	switch code {
	case roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT:
		return known
	case roundsv1.ProblemCode_PROBLEM_CODE_MISSING, roundsv1.ProblemCode_PROBLEM_CODE_STATE, roundsv1.ProblemCode_PROBLEM_CODE_IMPOSSIBLE,
		roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD:
		return true
	}
	return false
}

// withQueued adds to a ticket what the server will have marked on it when the command arrives: the device's photos go before it.
func (s *session) withQueued(ctx context.Context, v client.View, t *roundsv1.Ticket) error {
	if t == nil || t.GetBeforePhoto() || !t.GetRequirements().GetBeforePhoto() {
		return nil
	}
	for photo, err := range s.List(ctx, v.Scope, "photo") {
		if err != nil {
			return err
		}
		p := photo.Record.GetPhoto()
		t.BeforePhoto = t.BeforePhoto || p.GetSubject().GetId() == string(v.ID) && p.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE
	}
	return nil
}

// lookup reads records as the device shows them.
func (s *session) lookup(ctx context.Context, scope client.Scope) func(merge.Kind, merge.RecordID) (*roundsv1.Change, error) {
	return func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		v, err := s.Get(ctx, scope, kind, client.RecordID(id))
		if errors.Is(err, client.ErrNoRecord) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if v.Deleted {
			v.Change.Deleted = true
		}
		return v.Change, nil
	}
}

// digest is the hash of the evidence that the device shows of a ticket or an inspection round.
func (s *session) digest(ctx context.Context, v client.View) ([]byte, error) {
	if v.Record.GetInspection() != nil {
		return work.InspectionDigest(v.Change, s.lookup(ctx, v.Scope))
	}
	return work.Digest(v.Change, s.lookup(ctx, v.Scope))
}
