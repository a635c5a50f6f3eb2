package promises

import (
	"context"
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// OfDevice collects what a device recorded and what it holds. Settled, MayRead and the Made of its mutations are for the caller to add.
func OfDevice(ctx context.Context, name string, d *client.Device) (Device, error) {
	of := Device{Name: name}
	for entry, err := range d.Queued(ctx) {
		if err != nil {
			return of, fmt.Errorf("promises: what %s queued: %w", name, err)
		}
		of.Queued = append(of.Queued, Queued{Scope: entry.Scope, Device: string(entry.Device), Lane: entry.Lane, Content: entry.Content,
			Status: entry.Status, Seq: entry.Seq})
	}
	var err error
	of.Holds, err = Holdings(ctx, d)
	return of, err
}

// Holdings collects what a device holds, by scope.
func Holdings(ctx context.Context, d *client.Device) (map[store.Scope]Holding, error) {
	status, err := d.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("promises: status: %w", err)
	}
	all := map[store.Scope]Holding{}
	for _, s := range status.Scopes {
		h := Holding{Complete: s.Complete, Head: journal.Witness{Seq: s.Journal.Seq, Hash: s.Journal.Hash},
			StateHash: s.StateHash, Repaired: s.Repairs}
		if h.Records, h.Pending, err = records(ctx, d, s.Scope); err != nil {
			return nil, err
		}
		witnesses, err := d.Witnesses(ctx, s.Scope)
		if err != nil {
			return nil, fmt.Errorf("promises: witnesses: %w", err)
		}
		for _, w := range witnesses {
			h.Witnesses = append(h.Witnesses, journal.Witness{Seq: w.Seq, Hash: w.Hash})
		}
		all[s.Scope] = h
	}
	return all, nil
}

// records reads the records of a scope. Where something is laid on top of one, it is the record with it that is returned, and pending counts it.
func records(ctx context.Context, d *client.Device, scope store.Scope) (all []*roundsv1.Change, pending int, err error) {
	for _, kind := range merge.Kinds() {
		for view, err := range d.List(ctx, scope, kind) {
			if err != nil {
				return nil, 0, fmt.Errorf("promises: records of %s: %w", scope, err)
			}
			pending += view.Pending
			all = append(all, view.Change)
		}
	}
	return all, pending, nil
}
