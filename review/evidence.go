package review

import (
	"cmp"
	"context"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// PhotosNamed are the ids of the photos that a ticket or an inspection round names, in order, each once: those that its reviewer is shown, and those of the
// manifests of all rounds. They need not belong to it: those of a ticket that was merged into it do not, nor those of the failed item that it was made of; nor need
// they be there. Nil for a record of another kind. The slice is the caller's; it is pure.
func PhotosNamed(current *roundsv1.Change) []string {
	ids := work.ShownPhotos(current)
	for _, done := range current.GetRecord().GetTicket().GetCompletions() {
		ids = append(ids, done.GetPhotoIds()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// reviewed is a record that waits for a confirmation, with what decides which photos its reviewer is shown.
type reviewed struct {
	id      uid
	record  *roundsv1.Record
	round   uint32
	began   int64    // when the round began, microseconds since 1970; 0: with the record
	covered []string // photos that the digest covers
	origin  []string // photos of the failed items that it, and what was merged into it, was made of
}

// reviewed looks up what a reviewer of a record has to see.
func (d *desk) reviewed(ctx context.Context, scope int, id uid, change *roundsv1.Change) (*reviewed, error) {
	record := change.GetRecord()
	t := record.GetTicket()
	r := &reviewed{id: id, record: record, round: max(t.GetRound(), record.GetInspection().GetRound()), covered: work.ShownPhotos(change),
		origin: t.GetOrigin().GetPhotoIds()}
	if r.round > 1 {
		for _, move := range t.GetMoves() {
			if move.GetRound() == r.round {
				r.began = move.GetTimeUs()
				break
			}
		}
	}
	merged, err := d.merged(ctx, scope, id)
	for _, one := range merged {
		r.origin = append(slices.Clip(r.origin), one.GetOrigin().GetPhotoIds()...)
	}
	return r, err
}

// merged reads the tickets that were merged into one.
func (d *desk) merged(ctx context.Context, scope int, id uid) ([]*roundsv1.Ticket, error) {
	var family []uid
	d.boards[scope].read(func(c *content) { family = c.family(id) })
	var all []*roundsv1.Ticket
	for _, one := range family[1:] {
		change, err := d.record(ctx, scope, kindTicket, one)
		if err != nil {
			return nil, err
		}
		if !change.GetDeleted() {
			all = append(all, change.GetRecord().GetTicket())
		}
	}
	return all, nil
}

// shown is a photo to be shown.
type shown struct {
	id string
	photo
	here    bool // it is on the board
	covered bool // by the digest
	origin  bool // it is of what the ticket was made from, and none of its work
}

// evidence returns what a reviewer of a round sees: all photos that the digest covers, also those that are hidden or not there yet; and of those that are not
// hidden the photos of the round, of the state found from every round, and of the failed items that the work goes back to. What was photographed for a ticket that was
// merged into this one is of the round in which it was taken.
func (c *content) evidence(r *reviewed) []shown {
	const before = uint8(roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)
	var all []shown
	seen := map[string]bool{}
	add := func(one shown) {
		if !seen[one.id] {
			seen[one.id] = true
			all = append(all, one)
		}
	}
	named := func(id string) (s shown) {
		s.id = id
		if u, ok := parseUID(id); ok {
			if p := c.photos.get(u); p != nil {
				s.photo, s.here = *p, true
			}
		}
		return s
	}
	for _, id := range r.covered {
		one := named(id)
		one.covered = true
		add(one)
	}
	for i, of := range c.family(r.id) {
		round := r.round
		if i > 0 {
			round = c.tickets.get(of).round
		}
		for _, one := range c.under(of).photos {
			p := c.photos.get(one)
			if !p.hidden && (p.role == before || p.round == round && (i == 0 || p.captured >= r.began)) {
				add(shown{id: one.String(), photo: *p, here: true})
			}
		}
	}
	for _, id := range r.origin {
		if one := named(id); one.here && !one.hidden {
			add(one)
		}
	}
	for i := range all {
		all[i].origin = slices.Contains(r.origin, all[i].id)
	}
	slices.SortFunc(all, func(a, b shown) int {
		return cmp.Or(cmp.Compare(a.role-1, b.role-1), cmp.Compare(a.captured, b.captured), cmp.Compare(a.id, b.id)) // a role that is not said comes last
	})
	return all
}

// upTo returns at most so many photos, in their order: what the digest covers goes first.
func upTo(most int, all []shown) (some []shown, more bool) {
	if len(all) <= most {
		return all, false
	}
	left := most
	keep := make([]bool, len(all))
	for _, wanted := range []bool{true, false} {
		for i := range all {
			if left > 0 && all[i].covered == wanted {
				keep[i], left = true, left-1
			}
		}
	}
	for i := range all {
		if keep[i] {
			some = append(some, all[i])
		}
	}
	return some, true
}

// obstacles says why a closure has to be looked at by itself, whose reviewer is shown these photos.
func (c *content) obstacles(r *reviewed, photos []shown) []roundsv1.BulkObstacle {
	var all []roundsv1.BulkObstacle
	add := func(is bool, what roundsv1.BulkObstacle) {
		if is {
			all = append(all, what)
		}
	}
	t, i := r.record.GetTicket(), r.record.GetInspection()
	failed := i.GetFailed() || i.GetTally().GetFailed() > 0
	for _, answers := range []map[string]*roundsv1.Answer{t.GetAnswers(), i.GetAnswers()} {
		for _, answer := range answers {
			failed = failed || answer.GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_FAIL
		}
	}
	var soft, missing, dissent bool
	for k := range photos {
		p := &photos[k]
		soft, missing = soft || p.soft, missing || (p.covered || p.round == r.round) && (!p.here || p.hidden || !p.looked())
	}
	for _, said := range append(slices.Clone(t.GetReviews()), i.GetReviews()...) {
		dissent = dissent || said.GetRound() == r.round && said.GetVerdict() != roundsv1.Verdict_VERDICT_APPROVED
	}
	add(len(t.GetFlags())+len(i.GetFlags()) > 0, roundsv1.BulkObstacle_BULK_OBSTACLE_FLAG)
	add(soft, roundsv1.BulkObstacle_BULK_OBSTACLE_FINDING)
	add(c.openQuestions(r.id) > 0, roundsv1.BulkObstacle_BULK_OBSTACLE_QUESTION)
	add(failed, roundsv1.BulkObstacle_BULK_OBSTACLE_FAILED_ITEM)
	add(dissent, roundsv1.BulkObstacle_BULK_OBSTACLE_DISSENT)
	add(missing || len(photos) > mostPhotos, roundsv1.BulkObstacle_BULK_OBSTACLE_PHOTO)
	return all
}

// belongs are the ids of the photos, remarks and questions of a record: its own, those of what was merged into it, and the photos that the record names besides. Each
// is there, and named once. It is the caller's.
func (c *content) belongs(id uid, current *roundsv1.Change) *attached {
	all := &attached{}
	family := c.family(id)
	for i, of := range family {
		under := c.under(of)
		all.photos, all.comments = append(all.photos, under.photos...), append(all.comments, under.comments...)
		for _, one := range under.questions {
			if i == 0 || !slices.Contains(all.questions, one) {
				all.questions = append(all.questions, one)
			}
		}
	}
	for _, name := range PhotosNamed(current) {
		if u, ok := parseUID(name); ok {
			if p := c.photos.get(u); p != nil && !slices.Contains(family, p.subject) {
				all.photos = append(all.photos, u)
			}
		}
	}
	return all
}

// family is a ticket with those that were merged into it, also by way of others: itself first. Of any other record it is the record alone.
func (c *content) family(id uid) []uid {
	all := []uid{id}
	if len(c.merged) == 0 {
		return all
	}
	known := map[uid]bool{id: true}
	for i := 0; i < len(all); i++ {
		for _, one := range c.merged[all[i]] {
			if !known[one] { // two that were merged into each other
				known[one] = true
				all = append(all, one)
			}
		}
	}
	return all
}

// join notes into which ticket one was merged, instead of the one before.
func (c *content) join(id uid, before, into ref) {
	if before == into {
		return
	}
	if was, ok := parseUID(c.ids.text(before)); ok {
		left := slices.DeleteFunc(c.merged[was], func(one uid) bool { return one == id })
		if c.merged[was] = left; len(left) == 0 {
			delete(c.merged, was)
		}
	}
	if is, ok := parseUID(c.ids.text(into)); ok {
		c.merged[is] = append(c.merged[is], id)
	}
}

// kindOf is the kind of a record that waits for review.
func (c *content) kindOf(id uid) merge.Kind {
	if c.tickets.get(id) != nil {
		return kindTicket
	}
	return kindInspection
}
