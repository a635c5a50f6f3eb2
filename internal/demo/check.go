package demo

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// check collects what the devices recorded and hold, and a fresh device's pull; then stops the server, reads the journals from its disk, and holds one
// against the other.
func (d *demo) check(ctx context.Context) (*Report, error) {
	evidence := promises.Evidence{Seed: d.seed}
	keys := map[string]ed25519.PublicKey{}
	evidence.Key = func(device string) ed25519.PublicKey { return keys[device] }
	report := &Report{Seed: d.seed, Devices: len(d.workers), ServerKills: d.server.kills, DeviceKills: d.deviceKills, Promises: map[promises.Name]bool{}}
	auditor, err := d.hireAuditor(ctx)
	if err != nil {
		return nil, err
	}
	evidence.Devices, evidence.Acts = append(evidence.Devices, d.former...), d.acts
	maps.Copy(keys, d.formerKeys)
	for _, w := range append([]*worker{d.desk, auditor}, d.workers...) {
		of, err := d.witness(ctx, w, keys)
		if err != nil {
			return nil, err
		}
		evidence.Devices = append(evidence.Devices, of)
		report.missing += len(w.ledger.missing(of))
		c := w.link.Counts()
		report.BytesUp += c.Up
		report.BytesDown += c.Down
		report.RoundTrips += c.Replies
		report.LostReplies += c.Lost
		report.Cuts += c.Cuts
	}
	fresh, err := promises.Holdings(ctx, auditor.device)
	if err != nil {
		return nil, err
	}
	photos := &proof{photos: &report.Photos}
	if err := photos.read(ctx, d.desk, d.sites()); err != nil {
		return nil, err
	}
	if err := photos.hold(ctx, d); err != nil {
		return nil, err
	}
	if err := photos.chase(ctx, d); err != nil {
		return nil, err
	}
	photos.closures()
	if report.Day, err = d.sum(ctx); err != nil {
		return nil, err
	}
	for _, w := range d.everybody() {
		w.dropIdle()
	}
	http.DefaultClient.CloseIdleConnections() // one that was never used would hold up the end of the server
	if err := d.server.stop(); err != nil {
		return nil, err
	}
	if err := d.journals(ctx, &evidence, fresh); err != nil {
		return nil, err
	}
	d.rows(report.Day, evidence.Scopes, photos)
	report.Day.explainAnswers(d.Places, arrivals(evidence.Scopes))
	d.progress.step("hashing the storage again")
	if err := d.server.objects(ctx, photos.audit); err != nil {
		return nil, err
	}
	evidence.Trade = listsOf(evidence.Scopes)
	report.fill(promises.Check(evidence))
	report.prove(photos.wrong)
	return report, nil
}

// rows tells how often each row of the table of concurrent events came about.
func (d *demo) rows(day *Day, scopes []promises.Scope, photos *proof) {
	k := known{dismissed: d.dismissed, revoked: d.revoked, newest: map[string]uint32{}, records: map[string]*roundsv1.Record{},
		durable: func(id string) bool { return durable(photos.records[client.RecordID(id)]) }}
	if !d.day.published.IsZero() {
		k.published = d.day.published.UnixMicro()
	}
	for _, s := range scopes {
		for _, change := range s.Records {
			k.records[change.GetRecordId()] = change.GetRecord()
			if list := change.GetRecord().GetChecklist(); list != nil {
				k.newest[list.GetSeriesId()] = max(k.newest[list.GetSeriesId()], list.GetVersion())
			}
		}
	}
	found := map[int][]sighting{38: append(replayed(scopes, append([]*worker{d.desk}, d.workers...)), d.forks...)}
	for _, s := range scopes {
		for row, all := range tellRows(s, k) {
			found[row] = append(found[row], all...)
		}
	}
	day.fillRows(found, d.staged, d.asked)
}

// hireAuditor enrols a device that has nothing and lets it pull everything.
func (d *demo) hireAuditor(ctx context.Context) (*worker, error) {
	p, err := newPhone(d.dir, "auditor", d.server.listen, d.time, 999)
	if err != nil {
		return nil, err
	}
	p.Person, p.url = community.Person{ID: uuid.NewSHA1(uuid.Nil, []byte(d.Site.ID)).String(), Name: "审计员", Role: roundsv1.Role_ROLE_AUDITOR}, d.office.url
	w := &worker{phone: p, Community: d.Community, site: d.desk.site}
	d.workers = append(d.workers, w)
	code, err := d.office.hire(ctx, p.Person, d.Site.ID)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.enrol(ctx, code), p.on(ctx)); err != nil {
		return nil, err
	}
	_, err = p.device.Sync(ctx)
	d.workers = d.workers[:len(d.workers)-1]
	return w, err
}

// witness collects what one device recorded and holds.
func (d *demo) witness(ctx context.Context, w *worker, keys map[string]ed25519.PublicKey) (promises.Device, error) {
	of, err := promises.OfDevice(ctx, w.name, w.device)
	if err != nil {
		return of, err
	}
	identity, err := w.device.Identity()
	if err != nil {
		return of, err
	}
	keys[string(identity.Device)] = identity.Key.Public().(ed25519.PublicKey)
	of.Settled = !w.lost
	of.MayRead = func(scope store.Scope) bool {
		switch {
		case w.lost:
			return false
		case w.leaves:
			return scope == store.Scope("user/"+w.ID)
		}
		return w == d.desk || scope == w.site || scope[:4] != "site"
	}
	return of, nil
}

// missing returns what was queued by the demo's own memory and does not stand in the phone's record.
func (l *ledger) missing(of promises.Device) []client.Ref {
	recorded := map[client.Ref]bool{}
	for _, q := range of.Queued {
		recorded[client.Ref{Scope: q.Scope, Device: client.DeviceID(q.Device), Lane: q.Lane}] = true
	}
	var gone []client.Ref
	for ref := range l.queued {
		if !recorded[client.Ref{Scope: ref.Scope, Device: ref.Device, Lane: ref.Lane}] {
			gone = append(gone, ref)
		}
	}
	return gone
}

// journals reads every scope's journal from the disk of the server, which has ended.
func (d *demo) journals(ctx context.Context, evidence *promises.Evidence, fresh map[store.Scope]promises.Holding) (err error) {
	disk, err := d.server.disk()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	e, err := engine.Open(engine.Config{Store: disk, Rules: work.New(work.Config{}), Access: nobody{}})
	if err != nil {
		return err
	}
	scopes, err := disk.Scopes(ctx)
	if err != nil {
		return err
	}
	for _, name := range scopes {
		s := promises.Scope{Name: name}
		for entry, err := range e.Journal(ctx, name, 1) {
			if err != nil {
				return fmt.Errorf("demo: the journal of %s: %w", name, err)
			}
			s.Journal = append(s.Journal, entry)
		}
		if len(s.Journal) == 0 {
			continue // the server's own
		}
		s.Records = fresh[name].Records
		evidence.Scopes = append(evidence.Scopes, s)
	}
	return nil
}

// nobody is an Access for reading journals: nobody has any right.
type nobody struct{}

var _ engine.Access = nobody{}

func (nobody) Roles(engine.PersonID, store.Scope, time.Time) []roundsv1.Role { return nil }
func (nobody) MayRead(engine.PersonID, store.Scope, time.Time) bool          { return false }
func (nobody) EverHad(engine.PersonID, store.Scope) bool                     { return false }
func (nobody) Scopes(engine.PersonID, time.Time) []store.Scope               { return nil }
func (nobody) DeviceKey(engine.DeviceID) ed25519.PublicKey                   { return nil }
func (nobody) Revoked(engine.DeviceID) roundsv1.Revocation                   { return 0 }
