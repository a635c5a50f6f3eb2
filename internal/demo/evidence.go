package demo

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/media"
)

// proof gathers what became of the photos of a shift: what the phones took, by the demo's own memory; what the server says of each; and what it gives back.
type proof struct {
	photos  *Photos
	records map[client.RecordID]*roundsv1.Photo // as the server has them
	scopes  map[client.RecordID]client.Scope
	places  map[client.RecordID]string // of tickets
	tickets []*roundsv1.Change
	kept    map[client.RecordID]bool // taken after the right had ended, or so it seemed: their facts are for a supervisor, and the phone was emptied
	wrong   []string
}

func (p *proof) find(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// settled: the server has looked at the photo.
func settled(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
		return true
	}
	return false
}

// durable: the server says that it has the bytes.
func durable(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_STORED, roundsv1.PhotoState_PHOTO_STATE_ANALYSED:
		return true
	}
	return settled(photo) && photo.GetReport().GetStoredUs() > 0
}

// read takes the photos and tickets from the office's phone, which may read every site.
func (p *proof) read(ctx context.Context, office *worker, scopes []client.Scope) error {
	p.records, p.scopes = map[client.RecordID]*roundsv1.Photo{}, map[client.RecordID]client.Scope{}
	p.tickets, p.places = nil, map[client.RecordID]string{}
	for _, scope := range scopes {
		for v, err := range office.device.List(ctx, scope, "photo") {
			if err != nil {
				return err
			}
			p.records[v.ID], p.scopes[v.ID] = v.Record.GetPhoto(), scope
		}
		for v, err := range office.device.List(ctx, scope, "ticket") {
			if err != nil {
				return err
			}
			p.tickets = append(p.tickets, v.Change)
			p.places[v.ID] = v.Record.GetTicket().GetLocation().GetPlaceId()
		}
	}
	return nil
}

// hold holds what the phones took against what the server has and gives back.
func (p *proof) hold(ctx context.Context, d *demo) error {
	given, err := d.download(ctx, p)
	if err != nil {
		return err
	}
	p.kept = map[client.RecordID]bool{}
	seen := map[media.Hash]bool{}
	for _, w := range d.workers {
		record, err := ownRecord(ctx, w)
		if err != nil {
			return err
		}
		outcome, err := outcomes(ctx, w)
		if err != nil {
			return err
		}
		for _, s := range w.camera.shots {
			p.photos.Promised++
			photo := p.records[s.ref.ID]
			own, known := record[s.ref.ID]
			if known && own != s.hash {
				p.find("%s: photo %s is not in the phone's record as it was taken", w.name, s.ref.ID)
			}
			switch {
			case w.lost && !durable(photo):
				p.photos.OnLostPhone++
				continue
			case outcome[s.ref.ID] == roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED && !durable(photo) && (known || w.leaves):
				p.photos.Quarantined++
				p.kept[s.ref.ID] = w.leaves
				continue
			case s.size == 0:
				p.photos.Refused++ // there is nothing to be stored
				continue
			case photo == nil:
				p.photos.Lost++
				p.find("%s: photo %s was taken, and is no record; of its fact became %s", w.name, s.ref.ID, outcome[s.ref.ID])
				continue
			case !durable(photo):
				p.photos.Waiting++
				p.photos.Lost++
				p.find("%s: photo %s was taken, and is not stored but %s", w.name, s.ref.ID, stateWord(photo.GetState()))
				continue
			}
			if back := given[s.ref.ID]; back.err != nil || back.hash != s.hash || back.size != s.size {
				p.photos.Lost++
				p.find("%s: photo %s does not come back as it was taken: %d bytes of %d, %v", w.name, s.ref.ID, back.size, s.size, back.err)
				continue
			}
			p.photos.Stored++
			p.photos.StoredBytes += s.size
			if seen[s.hash] {
				p.photos.Deduplicated++
			}
			seen[s.hash] = true
			if settled(photo) {
				p.photos.Verified++
			}
		}
		p.photos.add(w)
	}
	p.photos.Checks = d.flagged(p)
	return nil
}

func stateWord(s roundsv1.PhotoState) string { return strings.TrimPrefix(s.String(), "PHOTO_STATE_") }

// ownRecord is what a phone itself says that it took, for as long as it keeps the bytes.
func ownRecord(ctx context.Context, w *worker) (map[client.RecordID]media.Hash, error) {
	list, err := w.device.Photos(ctx)
	if err != nil {
		return nil, fmt.Errorf("demo: the photos of %s: %w", w.name, err)
	}
	all := make(map[client.RecordID]media.Hash, len(list))
	for _, one := range list {
		all[one.ID] = media.Hash(one.Hash)
	}
	return all, nil
}

// outcomes are what the server made of the facts of a phone's photos.
func outcomes(ctx context.Context, w *worker) (map[client.RecordID]roundsv1.OutcomeStatus, error) {
	of := map[client.Ref]roundsv1.OutcomeStatus{}
	for entry, err := range w.device.Queued(ctx) {
		if err != nil {
			return nil, err
		}
		of[client.Ref{Scope: entry.Scope, Device: entry.Device, Lane: entry.Lane}] = entry.Status
	}
	all := map[client.RecordID]roundsv1.OutcomeStatus{}
	for _, s := range w.camera.shots {
		all[s.ref.ID] = of[client.Ref{Scope: s.ref.Scope, Device: s.ref.Device, Lane: s.ref.Lane}]
	}
	return all, nil
}

// returned is a photo as the server gave it back.
type returned struct {
	hash media.Hash
	size int64
	err  error
}

// Links asked for at once, and downloads beside each other.
const (
	linksAtOnce     = 100
	downloadsAtOnce = 4
)

// download fetches the original of every photo that the server says it has, by the links that it gives.
func (d *demo) download(ctx context.Context, p *proof) (map[client.RecordID]returned, error) {
	by := map[client.Scope][]string{}
	for id, photo := range p.records {
		if durable(photo) {
			by[p.scopes[id]] = append(by[p.scopes[id]], string(id))
		}
	}
	var mu sync.Mutex // guards all
	all := map[client.RecordID]returned{}
	for scope, ids := range by {
		slices.Sort(ids)
		for some := range slices.Chunk(ids, linksAtOnce) {
			resp, err := d.office.media.Link(ctx, connect.NewRequest(&roundsv1.LinkRequest{Scope: string(scope), PhotoIds: some,
				Size: roundsv1.PhotoSize_PHOTO_SIZE_ORIGINAL}))
			if err != nil {
				return nil, fmt.Errorf("demo: links in %s: %w", scope, err)
			}
			turn := make(chan struct{}, downloadsAtOnce)
			var busy sync.WaitGroup
			for _, link := range resp.Msg.GetLinks() {
				turn <- struct{}{}
				busy.Go(func() {
					back := fetch(ctx, link)
					mu.Lock()
					all[client.RecordID(link.GetPhotoId())] = back
					mu.Unlock()
					<-turn
				})
			}
			busy.Wait()
		}
	}
	return all, ctx.Err()
}

func fetch(ctx context.Context, link *roundsv1.PhotoLink) (back returned) {
	if link.GetUrl() == "" {
		back.err = fmt.Errorf("no link: %s", link.GetProblem().GetSentence().GetEn())
		return back
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link.GetUrl(), nil)
	if err != nil {
		back.err = errors.New("no address") // an error would tell it, and it is a secret
		return back
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		back.err = errors.New("the server does not answer")
		return back
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		back.err = fmt.Errorf("answered %d", resp.StatusCode)
		return back
	}
	sum := sha256.New()
	back.size, back.err = io.Copy(sum, resp.Body)
	back.hash = media.Hash(sum.Sum(nil))
	return back
}

// chase asks for the list of what is missing: photos of the lost phone stand there, and such as a supervisor let in after their phone was emptied.
// Nothing else does.
func (p *proof) chase(ctx context.Context, d *demo) error {
	for _, scope := range d.sites() {
		for token := ""; ; {
			resp, err := d.office.media.Chase(ctx, connect.NewRequest(&roundsv1.ChaseRequest{Scope: string(scope), PageToken: token}))
			if err != nil {
				return fmt.Errorf("demo: the chase list of %s: %w", scope, err)
			}
			for _, m := range resp.Msg.GetPhotos() {
				p.photos.Chased++
				// The lost phone may have promised one that nobody knows of, when it was killed before it could say so.
				if id := client.RecordID(m.GetPhotoId()); !p.kept[id] && !d.wentWithLostPhone(p, id) && d.revoked[m.GetDeviceId()] == 0 {
					p.find("photo %s is on the chase list, and its phone is at work", id)
				}
			}
			if token = resp.Msg.GetNextPageToken(); token == "" {
				break
			}
		}
	}
	return nil
}

// audit hashes the whole storage again, when the server has ended, and holds it against the records: what a photo says is stored has to be there.
func (p *proof) audit(ctx context.Context, objects media.Objects) error {
	want := func(yield func(media.Hash, error) bool) {
		for _, photo := range p.records {
			if durable(photo) && !yield(media.Hash(photo.GetSha256()), nil) {
				return
			}
		}
	}
	for fault, err := range media.Audit(ctx, objects, media.AuditConfig{Want: iter.Seq2[media.Hash, error](want)}) {
		if err != nil {
			return fmt.Errorf("demo: the storage: %w", err)
		}
		switch fault.Kind {
		case media.FaultOrphaned:
			p.photos.Orphans++ // stored in the moment of a kill: harmless, and collected later
		default:
			p.find("in the storage: %s is %s", fault.Address, fault.Kind)
		}
	}
	return nil
}

// closures holds every ticket that is closed against the photos that prove it.
func (p *proof) closures() {
	for _, change := range p.tickets {
		t := change.GetRecord().GetTicket()
		switch {
		case t.GetState() == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW:
			p.photos.InReview++
		case t.GetState() == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE:
			p.photos.HeldBack++
		}
		if t.GetState() != roundsv1.TicketState_TICKET_STATE_CLOSED {
			continue
		}
		if slices.Contains(t.GetFlags(), "forced") {
			p.photos.Forced++
			if len(slices.Compact(slices.Sorted(slices.Values(t.GetApproverIds())))) < 2 {
				p.find("ticket %s was closed by force, and not by two people", change.GetRecordId())
			}
			continue
		}
		if slices.Contains(t.GetFlags(), "closed_by_tasks") { // closed with its tasks, each of which has its own photos
			for _, other := range p.tickets {
				if other.GetRecord().GetTicket().GetParentId() == change.GetRecordId() && other.GetRecord().GetTicket().GetState() < roundsv1.TicketState_TICKET_STATE_CLOSED {
					p.find("ticket %s is closed, and its task %s is not", change.GetRecordId(), other.GetRecordId())
				}
			}
			continue
		}
		p.photos.Closed++
		ids := proofs(t)
		for _, id := range ids {
			photo := p.records[client.RecordID(id)]
			if photo.GetHidden() == nil && (!durable(photo) || photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_HARD) {
				p.find("ticket %s is closed, and its photo %s is %s: %v", change.GetRecordId(), id, stateWord(photo.GetState()), photo.GetReport().GetFindings())
			}
		}
		if len(ids) == 0 {
			p.find("ticket %s is closed without a photo", change.GetRecordId())
		}
		for _, approver := range t.GetApproverIds() {
			if slices.Contains(performers(t), approver) {
				p.find("ticket %s was approved by somebody who worked on it", change.GetRecordId())
			}
		}
	}
}

// proofs are the photos on which the closure of a ticket rests. What came when it had been closed on others' work is late evidence: kept, and told of.
func proofs(t *roundsv1.Ticket) []string {
	in := slices.DeleteFunc(slices.Clone(t.GetCompletions()), (*roundsv1.Completion).GetLate)
	return manifest(&roundsv1.Ticket{Round: t.GetRound(), Completions: in})
}

// patience is how long the server may take, by the clock of the machine, to look at photos and for what else it does in its own time, on a machine that has much
// else to do.
const patience = 5 * time.Minute

// analysed waits until the server has looked at every photo that it has.
func (d *demo) analysed(ctx context.Context, p *proof) error {
	late := time.Now().Add(patience)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		if _, err := d.desk.device.Sync(ctx); err != nil {
			return err
		}
		if err := p.read(ctx, d.desk, d.sites()); err != nil {
			return err
		}
		waiting := 0
		for _, w := range d.workers {
			for _, s := range w.camera.shots {
				if photo := p.records[s.ref.ID]; durable(photo) && !settled(photo) {
					waiting++
				}
			}
		}
		if waiting == 0 {
			return nil
		}
		if time.Now().After(late) {
			d.progress.say("%d photos are not looked at", waiting)
			return nil // the report tells which
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sites are the scopes in which photos are taken.
func (d *demo) sites() []client.Scope {
	return []client.Scope{d.desk.site, client.Scope("site/" + d.Nodes[len(d.Nodes)-1].ID)}
}
