package promises

// with is a requirement that asks for the photos and the checklist of another, too.
func (r requirement) with(also requirement) requirement {
	if !also.known {
		return r
	}
	r.photos, r.live, r.before = max(r.photos, also.photos), r.live || also.live, r.before || also.before
	if also.list != "" {
		r.list = also.list
	}
	return r
}

// eases notes who says that the ticket is of a category that asks for less than was asked before.
func (t *work) eases(category, by string) {
	if t.of.c.evidence.Trade == nil {
		return
	}
	before := t.of.demands(t.pinned)
	if t.floored || t.easedBy == by {
		before = before.with(t.floor)
	}
	if t.easedBy, t.floor, t.floored = "", (requirement{}), false; by != "" && !t.of.demands(category).covers(before) {
		t.easedBy, t.floor = by, before
	}
}

// floors asks for what was asked before, where who made it less has the ticket, or did some of the work.
func (t *work) floors(e *entry) {
	if t.easedBy != "" && !t.floored && (t.assignee == t.easedBy || t.worked(t.easedBy)) {
		t.floored, t.pinnedBy = true, e
		t.asks = append(t.asks, e)
	}
}

// settles: somebody else says that the ticket is of the category that asks for less.
func (t *work) settles(e *entry, before, says string) {
	if t.asksStill() && t.category() == before && says == before && t.easedBy != "" && t.easedBy != e.GetPersonId() {
		t.pins(e, before, e.GetPersonId())
	}
}
