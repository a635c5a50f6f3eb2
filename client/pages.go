package client

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// share is what one answer says of one scope. It is taken in one transaction: outcomes, changes, cursor and sum together or
// not at all.
type share struct {
	lane    *roundsv1.LaneResult
	page    *roundsv1.ScopePage
	from    []byte // the cursor that the page goes on from
	repairs []*roundsv1.RangeRepair
	repair  []byte // the cursor that the repairs are for
	taken   bool   // set when the page was taken: it goes on from where the replica is
}

// absorb takes an answer in. more tells whether there is more to pull.
func (d *Device) absorb(ctx context.Context, x *request, answer *roundsv1.ExchangeResponse, report *Report) (more bool, err error) {
	shares := map[Scope]*share{}
	of := func(scope string) *share {
		s := shares[Scope(scope)]
		if s == nil {
			s = &share{}
			shares[Scope(scope)] = s
		}
		return s
	}
	for _, lane := range answer.GetLanes() {
		of(lane.GetScope()).lane = lane
	}
	pages := answer.GetPages()
	if answer.GetRevoked() != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		pages = nil // nothing more comes onto a device that is to be emptied
	}
	for _, page := range pages {
		of(page.GetScope()).page = page
		of(page.GetScope()).from = x.cursors[Scope(page.GetScope())]
	}
	for _, check := range x.message.GetChecks() {
		of(check.GetScope()).repair = check.GetCursor()
	}
	for _, repair := range answer.GetRepairs() {
		of(repair.GetScope()).repairs = append(of(repair.GetScope()).repairs, repair)
	}
	scopes := make([]Scope, 0, len(shares))
	for scope := range shares {
		scopes = append(scopes, scope)
	}
	slices.Sort(scopes)
	for _, scope := range scopes {
		if err := d.takeShare(ctx, x, scope, shares[scope], answer.GetServerTimeUs(), report); err != nil {
			return false, err
		}
		report.Sent += x.lanes[scope].count
	}
	if err := d.told(ctx, x.purged); err != nil {
		return false, err
	}
	if how := answer.GetRevoked(); how != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		if err := d.revoke(ctx, closingFor(how), report); err != nil {
			return false, err
		}
	}
	return answer.GetMore(), d.purgeClosing(ctx, report)
}

// takeShare takes in, in one transaction, what an answer says of one scope.
func (d *Device) takeShare(ctx context.Context, x *request, scope Scope, s *share, now int64, report *Report) error {
	if scope == deviceScope || len(scope) == 0 {
		return ErrProtocol
	}
	var did Report
	err := d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
		did = Report{}
		rep, err := openReplica(w)
		if err != nil || rep.state.Closing == purging {
			return err
		}
		l := &laneTx{w: w, scope: scope, report: &did}
		hasLane, err := load(w, single(tableLane), &l.state)
		if err != nil {
			return err
		}
		wasLane, wasReplica := l.state, rep.state
		ours := hasLane && l.state.Branch == x.me.branch && l.state.Old == nil
		if sent, ok := x.lanes[scope]; ok && s.lane != nil && ours && sent.branch == l.state.Branch {
			if err := l.settle(s.lane, sent, now); err != nil {
				return err
			}
		}
		if len(s.repairs) > 0 {
			if err := d.mend(ctx, scope, rep, s, &did); err != nil {
				return err
			}
		}
		if s.page != nil && bytes.Equal(s.from, rep.state.Cursor) {
			if err := d.turnPage(ctx, scope, rep, s.page, &did); err != nil {
				return err
			}
			s.taken = true
			if s.page.GetComplete() {
				rep.state.OwnBranch = x.me.branch
			}
			closing := rep.state.Closing == graceful && wasReplica.Closing == open
			told := s.lane != nil && x.lanes[scope].confirmed <= l.state.sure() // how far the server has the lane, and all that may have changed
			switch {
			case !ours || told:
			case closing:
				l.state.makeSure()
			case (did.Resets > 0 || len(wasReplica.Cursor) == 0) && l.state.Last > 0:
				// A reset may mean that the server lost something. So may a first page: in which epoch the lane was taken before it nobody knows.
				l.state.Ask = l.state.Ask || s.lane == nil
				l.state.doubt()
			}
		}
		did.Changed += rep.changed
		if ours {
			if err := d.settleTop(l, rep, s, now); err != nil {
				return err
			}
			if l.state.Forked {
				did.Forked = []Scope{scope}
			}
		}
		if hasLane && !reflect.DeepEqual(wasLane, l.state) {
			if err := l.save(); err != nil {
				return err
			}
		}
		if !reflect.DeepEqual(wasReplica, rep.state) {
			return rep.save()
		}
		return nil
	})
	if errors.Is(err, errStrange) {
		d.log.ErrorContext(ctx, "a page does not fit the replica, pulling from the beginning", "scope", scope, "err", err)
		return d.startOver(ctx, x, scope, report)
	}
	if err != nil {
		return in(scope, err)
	}
	report.add(did)
	if s.lane != nil {
		delete(d.link.bisect, scope)
	}
	return nil
}

// settleTop brings what is laid on top into line with the snapshot, and forgets what need not be kept.
func (d *Device) settleTop(l *laneTx, rep *replica, s *share, now int64) error {
	// What a server calls stable that was restored from a backup says nothing of the outcomes that it gave before.
	if s.page.GetComplete() && !s.page.GetReset_() && s.page.GetStable() > 0 {
		l.state.Stable = max(l.state.Stable, min(journal.LaneSeq(s.page.GetStable()), l.state.Taken))
	}
	if rep.state.OwnBranch == l.state.Branch {
		if err := l.show(rep.state.Own); err != nil {
			return err
		}
	}
	return l.trim(now, d.cfg.Limits, d.cfg.Timing)
}

// turnPage takes one page of changes.
func (d *Device) turnPage(ctx context.Context, scope Scope, rep *replica, page *roundsv1.ScopePage, did *Report) error {
	if how := page.GetRevoked(); how != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		rep.state.Closing = closingFor(how)
		return nil
	}
	rep.state.Closing = open // a right that was given back before the outbox was delivered
	if len(rep.state.Cursor) == 0 {
		if err := d.trayBack(rep.w, scope); err != nil {
			return err
		}
	}
	if page.GetReset_() {
		d.log.InfoContext(ctx, "snapshot begins anew", "scope", scope)
		rep.reset()
		did.Resets++
		if err := doubtPhotos(rep.w); err != nil {
			return err
		}
	}
	conflicts := map[string]*roundsv1.Change{}
	for _, change := range page.GetChanges() {
		if err := rep.put(change); err != nil {
			return about(refOf(change).kind, RecordID(change.GetRecordId()), err)
		}
		if refOf(change).kind == conflictKind {
			if ended, now := conflictEnded(rep, change); ended {
				conflicts[change.GetRecordId()] = now
			}
		}
	}
	if err := closeItems(rep.w, conflicts); err != nil {
		return err
	}
	rep.state.Cursor = append([]byte(nil), page.GetCursor()...)
	rep.state.Complete = page.GetComplete()
	if !page.GetComplete() {
		return nil
	}
	if rep.state.Resetting {
		if err := rep.sweep(); err != nil {
			return err
		}
	}
	if err := d.closeReturned(rep.w, scope); err != nil {
		return err
	}
	rep.state.Own = journal.LaneSeq(page.GetOwnLaneSeq())
	if err := rep.witness(page); err != nil {
		return err
	}
	return d.compare(ctx, scope, rep, page, did)
}

// conflictEnded tells whether a conflict record needs nobody any more; the whole record is returned, for the page may carry a
// part of it.
func conflictEnded(rep *replica, change *roundsv1.Change) (bool, *roundsv1.Change) {
	if change.GetDeleted() || change.GetEvicted() {
		return true, change
	}
	stored, err := loadRecord(rep.w, refOf(change))
	if err != nil || stored.change == nil {
		return false, nil
	}
	return stored.change.GetRecord().GetConflict().GetState() == roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, stored.change
}

func closingFor(how roundsv1.Revocation) closing {
	if how == roundsv1.Revocation_REVOCATION_GRACEFUL {
		return graceful
	}
	return purging // also for what a newer server may come to say
}
