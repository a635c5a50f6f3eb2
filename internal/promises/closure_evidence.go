package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Numbers of a photo's fields that the model looks at.
const (
	photoHidden = 16
	photoState  = 40
	photoReport = 42
)

// proof is one photo.
type proof struct {
	id        string
	made      bool
	subject   string // the ticket or the inspection round
	role      roundsv1.PhotoRole
	round     uint32
	source    roundsv1.PhotoSource
	annotates string
	placed    bool // it shows where it was taken
	shared    bool
	sha256    string
	by        []string // who took it
	at        *entry   // that made it
	taken     int64    // microseconds since 1970, as the clocks of the capture say
	state     roundsv1.PhotoState
	report    *roundsv1.PhotoReport
	judged    *entry // that wrote the state last
	changed   *entry // that wrote anything of it last
	hidden    *roundsv1.Hidden
	hiddenBy  *entry
	unclear   bool // content of its entries was removed: what it was is no longer to be told
}

// photo follows one entry of a photo.
func (m *trade) photo(id string, e *entry) {
	said, fields := e.mutation.GetEdit().GetRecord().GetPhoto(), e.mutation.GetEdit().GetFields()
	if fact := e.mutation.GetFact().GetRecord().GetPhoto(); fact != nil {
		said, fields = fact, nil
	}
	p := m.photos[id]
	if p == nil {
		p = &proof{id: id}
		m.photos[id] = p
	}
	p.changed = e
	if said == nil {
		p.unclear = p.unclear || e.redacted || e.mutation == nil
		return
	}
	if e.rules && slices.Contains(fields, photoState) {
		p.state, p.judged = said.GetState(), e
	}
	if e.rules && slices.Contains(fields, photoReport) {
		p.report = said.GetReport()
	}
	if slices.Contains(fields, photoHidden) && (p.hiddenBy == nil || earlier(put{entry: e}, put{entry: p.hiddenBy}) > 0) {
		p.hidden, p.hiddenBy = said.GetHidden(), e
		if p.hidden != nil && p.hidden.GetReason() == "" {
			m.c.find(P9, m.h.scope.Name, "photo %s, entry %d: it is hidden without a reason", id, e.GetSeq())
		}
	}
	if e.rules || len(fields) > 0 || p.made {
		return
	}
	p.made, p.at, p.taken = true, e, takenAt(e, said.GetCaptured())
	p.subject, p.role, p.round, p.source = said.GetSubject().GetId(), said.GetRole(), said.GetRound(), said.GetSource()
	p.placed = placed(said.GetLocation())
	p.annotates, p.shared, p.sha256, p.by = said.GetAnnotationOfId(), said.GetShared(), string(said.GetSha256()), []string{e.GetPersonId(), said.GetPersonId()}
	if said.GetHidden() != nil {
		p.hidden, p.hiddenBy = said.GetHidden(), e
	}
	works := p.role == roundsv1.PhotoRole_PHOTO_ROLE_AFTER || p.role == roundsv1.PhotoRole_PHOTO_ROLE_ITEM
	if said.GetSubject().GetKind() == "inspection" {
		if w := m.round(p.subject); works || slices.Contains(w.photos(), id) {
			w.photographed(e, p.by)
		}
	}
	if !works {
		return
	}
	if said.GetSubject().GetKind() != "ticket" {
		return
	}
	// To photograph finished work is a part of it; of a ticket that was merged it is work on the one that it goes on in.
	t := m.ticket(p.subject) // which may come later
	for _, person := range p.by {
		t.did(e, person)
		if end := m.end(p.subject); end != nil && end != t {
			end.did(e, person)
		}
	}
}

// takenAt is when a photo was taken, microseconds since 1970: within one boot of the device as long before its record as the monotonic clock says, else when that was made.
func takenAt(made *entry, shutter *roundsv1.Clock) int64 {
	at, clock := made.GetOutcome().GetTimeUs(), made.mutation.GetClock()
	if elapsed := clock.GetMonotonicUs() - shutter.GetMonotonicUs(); shutter.GetBootId() != "" && clock.GetBootId() == shutter.GetBootId() &&
		shutter.GetMonotonicUs() >= 0 && elapsed >= 0 && elapsed < at {
		return at - elapsed
	}
	return at
}

// roughest is the greatest radius of a fix that says where a photo was taken, metres.
const roughest = 200

// placed: whether a location shows where something was taken.
func placed(at *roundsv1.Location) bool {
	fix := at.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_GPS
	return at.GetSource() >= roundsv1.LocationSource_LOCATION_SOURCE_GPS && !at.GetMocked() && (!fix || at.GetAccuracyM() <= roughest)
}

// requirement is what the category of a ticket asks.
type requirement struct {
	known  bool // the organisation has the category
	photos int
	live   bool
	before bool
	list   string
}

// asked is what the ticket's category asks. Where the organisation has none such, a closure rests on one photo at least. Where the organisation's lists are not at
// hand, it is what the record says at the end.
func (m *trade) asked(t *work) requirement {
	if m.c.evidence.Trade == nil {
		pinned := m.record(t.id).GetRequirements()
		if pinned.GetCategoryId() == "" {
			return requirement{photos: 1}
		}
		return requirement{known: true, photos: int(pinned.GetAfterPhotos()), live: pinned.GetLiveCamera(), before: pinned.GetBeforePhoto()}
	}
	if t.floored {
		return m.demands(t.pinned).with(t.floor)
	}
	return m.demands(t.pinned)
}

// demands are what a category asks for.
func (m *trade) demands(id string) requirement {
	category := m.c.evidence.Trade.Category(m.h.scope.Name, merge.RecordID(id))
	if category == nil {
		return requirement{photos: 1}
	}
	return requirement{known: true, photos: int(category.GetAfterPhotos()), live: category.GetLiveCamera(), before: category.GetBeforePhoto(), list: category.GetChecklistId()}
}

// proved: whether somebody said that the current round is done, every photo that was promised for it is in storage, sound, and of this round, and they are as many
// different ones of the finished work as was asked for. One that was taken out of sight neither counts nor stands in the way, nor does one that nobody has heard of and
// somebody decided is lost.
func (m *trade) proved(t *work) (bool, string) {
	asked := m.asked(t)
	sound := map[string]bool{}
	for _, id := range t.manifest() {
		p := m.photos[id]
		switch {
		case t.lost[id] && (p == nil || !p.made): // 36
			continue
		case p == nil || !p.made && !p.unclear:
			return false, "photo " + id + " was never promised"
		case p.hidden != nil && !p.unclear && p.state == roundsv1.PhotoState_PHOTO_STATE_HARD && m.hides(t, p):
			return false, "photo " + id + " cannot count, and was hidden by who did the work"
		case p.hidden != nil:
			continue
		case p.unclear:
			sound[id] = true
			continue
		case p.state != roundsv1.PhotoState_PHOTO_STATE_CLEAN && p.state != roundsv1.PhotoState_PHOTO_STATE_SOFT:
			return false, "photo " + id + " is " + p.state.String()
		}
		if why := m.misses(t, p); why != "" {
			return false, why
		}
		if p.annotates == "" && (!asked.known || p.role == roundsv1.PhotoRole_PHOTO_ROLE_AFTER) {
			sound[p.sha256] = true
		}
		if asked.live && p.subject == t.id && t.knewWhen(p.judged) && p.source != roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA {
			return false, "photo " + id + " is not from the camera"
		}
	}
	if !slices.ContainsFunc(t.said, func(c completion) bool { return c.round == t.round && !c.late }) {
		return false, "nobody said that the round is done"
	}
	if len(sound) < asked.photos {
		return false, "of " + itoa(uint64(asked.photos)) + " photos there are " + itoa(uint64(len(sound)))
	}
	if why := m.listed(t, asked.list); why != "" {
		return false, why
	}
	if asked.before && !m.pictured(t) {
		return false, "there is no photo from before the work"
	}
	if !m.retaken(t) {
		return false, "no photo was taken again that shows its place (36)"
	}
	return true, ""
}

// misses says why a photo is not of the current round of a ticket; "" where it is.
func (m *trade) misses(t *work, p *proof) string {
	round, of := t.round, t
	if p.subject != t.id {
		if of = m.tickets[p.subject]; of == nil || of.into == "" || m.end(p.subject) != t {
			return "photo " + p.id + " is of another record"
		}
		round = of.round
	}
	if p.round != round {
		return "photo " + p.id + " is of another round" // 8
	}
	return ""
}

// pictured: whether a photo from before the work of a ticket, or of one that was merged into it, is sound and in sight.
func (m *trade) pictured(t *work) bool {
	for _, p := range m.photos {
		proves := p.state == roundsv1.PhotoState_PHOTO_STATE_CLEAN || p.state == roundsv1.PhotoState_PHOTO_STATE_SOFT
		if p.unclear || p.role == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE && p.annotates == "" && p.hidden == nil && proves && m.end(p.subject) == t {
			return true
		}
	}
	return false
}

// lists wants a completion to list as many photos as its author knew to be asked for: of the finished work, of this round, from the camera where that is asked.
// Those that are not here yet count. It wants the checklist to be answered, too.
func (m *trade) lists(t *work, e *entry) {
	asked := m.asked(t)
	if !t.knew(e) || m.letIn(e) != nil || t.unclear || m.c.evidence.Trade == nil {
		return
	}
	m.begins(t, e)
	if why := m.listed(t, asked.list); why != "" {
		m.find(t, e, "work was reported as done, and %s", why)
	}
	shows := map[string]bool{}
	for _, id := range t.manifest() {
		p := m.photos[id]
		switch {
		case p == nil || !p.made:
			shows[id] = true
		case p.role != roundsv1.PhotoRole_PHOTO_ROLE_AFTER || p.annotates != "" || p.hidden != nil || asked.live && p.source != roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA:
		case p.subject == t.id && p.round == t.round || p.subject != t.id && m.end(p.subject) == t:
			shows[p.sha256] = true
		}
	}
	if asked.known && len(shows) < asked.photos {
		m.find(t, e, "work was reported as done with %d photos that count, of %d", len(shows), asked.photos)
	}
}
