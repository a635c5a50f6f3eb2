package client

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// Status says how the device stands.
type Status struct {
	Scopes []ScopeStatus
	// Contact is the server's time at the last contact, as far as the device remembers it across a restart (to ten minutes);
	// zero: never.
	Contact time.Time
	// Offset is how far the device's wall clock is behind the server's.
	Offset time.Duration
	// Revoked: the device as a whole was revoked.
	Revoked bool
	// Untold counts purged scopes of which the server does not know yet.
	Untold int
	// Photos whose originals are kept.
	Photos PhotoStatus
}

// PhotoStatus counts the photos whose originals are kept.
type PhotoStatus struct {
	// Waiting photos are not on the server; these are their bytes, parts that are there already included.
	Waiting int
	Bytes   int64
	// Failed counts those of them that cannot be sent as things stand.
	Failed int
	// Kept originals are on the server, and stay here for a while.
	Kept int
	// Uploading now.
	Uploading []PhotoProgress
}

func (s *PhotoStatus) count(p PhotoProgress) {
	if p.Stage == PhotoStored || p.Fault == PhotoRedacted {
		s.Kept++
		return
	}
	s.Waiting++
	s.Bytes += p.Size
	switch p.Stage {
	case PhotoFailed:
		s.Failed++
	case PhotoSending, PhotoFinishing:
		s.Uploading = append(s.Uploading, p)
	}
}

// ScopeStatus says how one scope stands.
type ScopeStatus struct {
	Scope Scope
	// Queued mutations wait for the server to take them; Waiting ones were taken, and their outcome is not stored here yet;
	// Unstable ones have their outcome and are kept until the server has them in a backup.
	Queued, Waiting, Unstable int
	// Bytes of mutations held.
	Bytes int64
	// Taken is the last lane seq that the server is known to have, Last the last one given out.
	Taken, Last journal.LaneSeq
	// Complete: the replica was an exact snapshot at the last page.
	Complete bool
	// Journal is the head of the scope's journal in that snapshot.
	Journal Witness
	// StateHash of the records; see merge.StateHash.
	StateHash journal.Hash
	// Repairs counts the records that were ever put right because the replica differed from the server.
	Repairs int
	// Diverged: it differs now.
	Diverged bool
	// Forked: the lane needs a new identity. Parked: the server refuses the lane for now. Closing: the scope is given up once
	// its outbox is delivered.
	Forked, Parked, Closing bool
	// Tray counts what the person should look at.
	Tray int
}

// Status reads how the device stands. Each scope is consistent in itself.
func (d *Device) Status(ctx context.Context) (Status, error) {
	var status Status
	d.mu.Lock()
	a := d.state.Anchor
	status.Revoked = d.state.Revoked != open
	for _, p := range d.purged {
		if !p.Told {
			status.Untold++
		}
	}
	d.mu.Unlock()
	if a.ServerUS != 0 {
		status.Contact, status.Offset = time.UnixMicro(a.ServerUS), a.offset()
	}
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return status, err
	}
	for _, scope := range scopes {
		s := ScopeStatus{Scope: scope}
		err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error { return s.read(r) })
		if err != nil {
			return status, in(scope, err)
		}
		status.Scopes = append(status.Scopes, s)
	}
	photos, err := d.Photos(ctx)
	for _, p := range photos {
		status.Photos.count(p)
	}
	return status, err
}

func (s *ScopeStatus) read(r store.Reader) error {
	var lane laneState
	var replica replicaState
	if _, err := load(r, single(tableLane), &lane); err != nil {
		return err
	}
	if _, err := load(r, single(tableReplica), &replica); err != nil {
		return err
	}
	s.Queued = lane.unsent()
	if lane.Old != nil {
		s.Queued += int(lane.Old.Last - lane.Old.Next + 1)
	}
	s.Waiting = int(lane.Taken - lane.Acked)
	s.Unstable = int(lane.Acked - min(lane.Acked, max(lane.Stable, lane.Floor-min(lane.Floor, 1))))
	s.Bytes, s.Taken, s.Last = lane.Bytes, lane.Taken, lane.Last
	s.Complete = replica.Complete
	s.Journal = Witness{Seq: replica.JournalSeq, Hash: journal.Hash(replica.JournalHash)}
	s.StateHash = journal.Hash(replica.Sum)
	s.Repairs, s.Diverged = replica.Repairs, replica.Diverged > 0
	s.Forked, s.Parked, s.Closing = lane.Forked, len(lane.Problem) > 0, replica.Closing != open
	items, err := trayOf(r, s.Scope)
	s.Tray = len(items)
	return err
}

// QueuedEntry is one line of the device's own record of what was queued.
type QueuedEntry struct {
	Scope Scope
	// Device by which the server knows the lane: an earlier one, for what it took before the device was enrolled anew.
	Device DeviceID
	Lane   journal.LaneSeq
	// Content is the hash of the encoded mutation.
	Content journal.Hash
	// Status of its outcome, once that is stored here, and Seq of its journal entry.
	Status roundsv1.OutcomeStatus
	Seq    journal.Seq
}

// queuedBatch is how many entries Queued reads in one transaction.
const queuedBatch = 1000

// Queued visits the device's own record of everything that was ever queued and stayed its own: by scope and in lane order,
// long after the server took it, and also of scopes that were purged. An auditor holds it against the journals. An error ends
// the iteration and comes as its last pair.
func (d *Device) Queued(ctx context.Context) iter.Seq2[QueuedEntry, error] {
	return func(yield func(QueuedEntry, error) bool) {
		devices, err := d.pastDevices(ctx)
		if err != nil {
			yield(QueuedEntry{}, err)
			return
		}
		scopes, err := d.Scopes(ctx)
		if err != nil {
			yield(QueuedEntry{}, err)
			return
		}
		for _, scope := range append([]Scope{deviceScope}, scopes...) {
			span := store.Prefix(single(tableLedger))
			for span.From != nil {
				batch, next, err := d.ledgerBatch(ctx, scope, span, devices)
				if err != nil {
					yield(QueuedEntry{}, in(scope, err))
					return
				}
				for _, entry := range batch {
					if !yield(entry, nil) {
						return
					}
				}
				span.From = next
			}
		}
	}
}

func (d *Device) ledgerBatch(
	ctx context.Context, scope Scope, span store.Span, devices map[branch]DeviceID,
) (batch []QueuedEntry, next []byte, err error) {
	err = d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		for entry, err := range r.Scan(span) {
			if err != nil {
				return err
			}
			if len(batch) == queuedBatch {
				next = bytes.Clone(entry.Key)
				return nil
			}
			of, seq, err := laneTail(entry.Key)
			if err != nil {
				return err
			}
			e, err := decodeLedger(entry.Value)
			if err != nil {
				return err
			}
			from := scope
			if scope == deviceScope {
				at := bytes.IndexByte(entry.Key, 0)
				if at < 1 {
					return fmt.Errorf("%w: key %x", errGarbled, entry.Key)
				}
				from = Scope(entry.Key[1:at])
			}
			batch = append(batch, QueuedEntry{Scope: from, Device: devices[of], Lane: seq, Content: e.content, Status: e.status, Seq: e.seq})
		}
		return nil
	})
	return batch, next, err
}
