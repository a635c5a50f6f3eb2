package engine

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// Exchange takes what a device queued and answers what it lacks. When it returns, every outcome in the answer is on disk. An error is an *Error.
//
// Changes in the answer's pages are kept encoded, as the message's unknown fields: encoding the answer to protobuf yields the same bytes as if they
// were set, without decoding each record. Whoever wants to read them calls Decoded first.
func (e *Engine) Exchange(ctx context.Context, caller Caller, req *roundsv1.ExchangeRequest) (*roundsv1.ExchangeResponse, error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	now := e.cfg.Now().UnixMicro()
	resp := &roundsv1.ExchangeResponse{ServerTimeUs: now, Revoked: e.cfg.Access.Revoked(caller.Device)}
	pushes, err := e.preparePushes(caller, req, now)
	if err != nil {
		return nil, err
	}
	targets, err := e.targets(caller, req.GetCursors(), req.GetDiscover())
	if err != nil {
		return nil, err
	}
	if err := e.push(ctx, pushes); err != nil {
		return nil, err
	}
	if resp.Revoked == roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		resp.Revoked = e.cfg.Access.Revoked(caller.Device) // perhaps while the push waited for its turn
	}
	for _, p := range pushes {
		if resp.Revoked != roundsv1.Revocation_REVOCATION_UNSPECIFIED || !e.cfg.Access.MayRead(caller.Person, p.scope, e.cfg.Now()) {
			withoutContent(p.result)
		}
		resp.Lanes = append(resp.Lanes, p.result)
	}
	for _, scope := range req.GetPurged() {
		if err := e.forget(ctx, caller, store.Scope(scope)); err != nil {
			return nil, wrap(err)
		}
	}
	if resp.Revoked != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		return resp, nil
	}
	if resp.Pages, resp.More, err = e.pages(ctx, caller, targets, e.pageBytes(req.GetMaxBytes())); err != nil {
		return nil, wrap(err)
	}
	if resp.Repairs, err = e.repairs(ctx, caller, req.GetChecks(), e.pageBytes(req.GetMaxBytes())); err != nil {
		return nil, wrap(err)
	}
	return resp, nil
}

// withoutContent takes out of outcomes what others wrote in the scope: who may no longer read it is told only that a value lost, and to whom.
func withoutContent(result *roundsv1.LaneResult) {
	for i, outcome := range result.GetOutcomes() {
		if len(outcome.GetLosses()) == 0 {
			continue
		}
		outcome = proto.CloneOf(outcome)
		for _, loss := range outcome.GetLosses() {
			loss.Other = nil
		}
		result.Outcomes[i] = outcome
	}
}

func (e *Engine) pageBytes(asked uint32) int {
	if asked == 0 {
		return e.cfg.Limits.PageBytes
	}
	return int(min(uint32(e.cfg.Limits.MaxPageBytes), asked))
}

// push commits the lanes of a request, scope by scope. All are compared with what stands before any is written, so that a gap or a fork in one
// refuses the request whole.
func (e *Engine) push(ctx context.Context, pushes []*push) error {
	if len(pushes) > 1 {
		for _, p := range pushes {
			if err := e.cfg.Store.View(ctx, p.scope, func(r store.Reader) error {
				lane, err := readLane(r, p.caller.Device, p.scope)
				if err == nil {
					_, err = fits(r, p, lane)
				}
				return err
			}); err != nil {
				return wrap(err)
			}
		}
	}
	waits := make(chan error, len(pushes))
	for _, p := range pushes {
		take := func() { waits <- e.takeAll(ctx, p) }
		if len(pushes) == 1 {
			take()
			continue
		}
		go take()
	}
	var failed error
	for range pushes {
		if err := <-waits; err != nil {
			failed = err
		}
	}
	return failed
}

// takeAll commits one lane of a request: in one transaction, or in several where the store cannot hold what it writes in one.
func (e *Engine) takeAll(ctx context.Context, p *push) error {
	for {
		err := e.scope(p.scope).submit(ctx, p.bytes, func(tx *transaction) error { return tx.take(p) })
		switch half := or(p.most, len(p.items)) / 2; {
		case errors.Is(err, store.ErrTooLarge) && half > 0:
			p.most = half
		case err != nil || p.left == 0:
			return err
		}
	}
}

// target is one scope to be pulled.
type target struct {
	scope   store.Scope
	cursor  cursor
	revoked bool
}

// targets checks what a device asks to pull.
func (e *Engine) targets(caller Caller, cursors []*roundsv1.ScopeCursor, discover bool) ([]target, error) {
	now := e.cfg.Now()
	targets := make([]target, 0, len(cursors))
	named := make(map[store.Scope]bool, len(cursors))
	for _, c := range cursors {
		t := target{scope: store.Scope(c.GetScope())}
		if !validScope(t.scope) || named[t.scope] {
			return nil, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "cursors.scope",
				"范围名称无效或重复。", "A scope is site/<id>, desk/<id>, user/<id> or org/<id>, and is named once.").in(t.scope)
		}
		named[t.scope] = true
		if len(c.GetCursor()) > 0 {
			var err error
			if t.cursor, err = decodeCursor(c.GetCursor()); err != nil {
				return nil, err
			}
		}
		if !e.cfg.Access.MayRead(caller.Person, t.scope, now) {
			if !e.cfg.Access.EverHad(caller.Person, t.scope) {
				return nil, refuse(Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "cursors.scope",
					"您没有该范围的查看权限。", "You have no right to read this scope.").in(t.scope)
			}
			t.revoked = true
		}
		targets = append(targets, t)
	}
	if discover {
		for _, scope := range e.cfg.Access.Scopes(caller.Person, now) {
			if !named[scope] && e.cfg.Access.MayRead(caller.Person, scope, now) {
				targets = append(targets, target{scope: scope})
			}
		}
	}
	return targets, nil
}

// Decoded decodes the changes that Exchange and Watch keep encoded in a message, for whoever is not going to send it as protobuf.
func Decoded[M proto.Message](m M) (M, error) {
	encoded, err := proto.Marshal(m)
	if err != nil {
		return m, err
	}
	decoded := m.ProtoReflect().New().Interface().(M)
	return decoded, proto.Unmarshal(encoded, decoded)
}
