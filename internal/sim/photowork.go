package sim

import (
	"bytes"
	"errors"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
)

// digest is the hash of the evidence that the phone shows of a ticket; now and then of some other.
func (p *phone) digest(scope store.Scope, id recordID, ticket client.View) []byte {
	if p.w.chance(8) {
		return bytes.Repeat([]byte{1}, 32)
	}
	sum, err := work.Digest(&roundsv1.Change{RecordId: string(id), Record: ticket.Record}, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		view, known := p.look(scope, kind, recordID(id))
		if !known {
			return nil, nil
		}
		return &roundsv1.Change{RecordId: string(id), Record: view.Record}, nil
	})
	if err != nil {
		p.w.fail("%s: the digest of %s: %v", p.name, p.w.name(id), err)
	}
	p.w.shows(sum, p.through(scope))
	return sum
}

// take lets a phone's person take a photo of some ticket.
func (ph *photography) take(p *phone) {
	w := ph.w
	scope := pick(w, w.sites)
	if p.gone || !w.plan.foreign && !w.access.EverHad(p.person, scope) {
		return
	}
	role := pick(w, []roundsv1.PhotoRole{roundsv1.PhotoRole_PHOTO_ROLE_AFTER, roundsv1.PhotoRole_PHOTO_ROLE_AFTER, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE})
	p.light()
	ph.shoot(p, scope, pick(w, w.tickets[scope]), role)
	p.after()
}

// shoot takes one photo, and returns its id; "" where it could not be taken.
func (ph *photography) shoot(p *phone, scope store.Scope, subject recordID, role roundsv1.PhotoRole) recordID {
	w := ph.w
	content, how := ph.image()
	s := &shot{scope: scope, subject: subject, size: int64(len(content)), how: how, phones: []*phone{p}, hash: sha(content)}
	_, id, err := p.device.AddPhoto(background(), scope, client.PhotoInput{Original: bytes.NewReader(content), Role: role,
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(subject)}, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA,
		Preview: []byte("a small picture of " + how), Location: w.place()})
	var refused *client.ProblemError
	mark := p.clock.mark()
	switch {
	case err == nil:
		w.seen.Photos++
		s.id, s.returned = id, true
		w.record(scope, id, "shot"+itoa(uint64(len(ph.shots)))+"x")
		ph.shots, ph.byID[id] = append(ph.shots, s), s
		w.note("%s: %s: photo %s of %s, %s, %d bytes, %s", p.name, w.short(scope), w.name(id), w.name(subject), how, s.size, s.hash.String()[:6])
		p.remember(mark, scope, "photo", true)
		p.returned[scope]++
		w.seen.Mutations++
	case errors.As(err, &refused), errors.Is(err, client.ErrRevoked):
		w.note("%s: %s: a photo is refused here: %v", p.name, w.short(scope), err)
	case p.fuse.struck != memstore.None:
		w.note("%s: %s: a photo: %v", p.name, w.short(scope), err)
		if w.queued[mark] == nil {
			p.remember(mark, scope, "photo", false)
		}
	default:
		w.fail("%s: AddPhoto: %v", p.name, err)
	}
	return s.id
}

// manifest are the photos of a round of a ticket that a phone sees.
func (ph *photography) manifest(p *phone, scope store.Scope, ticket recordID, round uint32) (ids []string) {
	for view, err := range p.device.List(background(), scope, "photo") {
		if err != nil {
			break
		}
		photo := view.Record.GetPhoto()
		own := slices.ContainsFunc(ph.shots, func(s *shot) bool { return s.id == view.ID })
		if own && photo.GetSubject().GetId() == string(ticket) && photo.GetRound() == round && photo.GetState() < roundsv1.PhotoState_PHOTO_STATE_HARD {
			ids = append(ids, string(view.ID))
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), 3)]
}

// gaveUp is asked when a phone deletes an original: it must have been stored, and its time must have come.
func (ph *photography) gaveUp(p *phone, h media.Hash) {
	w := ph.w
	for _, s := range ph.shots {
		if s.hash != h || !s.returned || !slices.Contains(s.phones, p) || ph.purged(p, s.scope) {
			continue
		}
		at, stored := ph.stored[s.id]
		switch {
		case ph.redacted[h]:
		case !stored && ph.isParked(s.scope, h) && ph.depot.holds(h, s.size): // they rest with the question whether the photo counts
		case !stored:
			ph.wrong("P9: %s: gives up the original of %s, which was never stored", p.name, w.name(s.id))
		case !ph.closed[string(s.subject)] && w.now-at < (keeps-6*60*60*1e9).Microseconds():
			ph.wrong("P9: %s: gives up the original of %s too early", p.name, w.name(s.id))
		}
	}
	w.seen.GivenUp++
}

// purged: whether a phone gives up a scope, or all.
func (ph *photography) purged(p *phone, scope store.Scope) bool {
	return p.wiped || !ph.w.access.EverHad(p.person, scope) || !p.mayRead(scope)
}
