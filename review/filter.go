package review

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// oneOf is a set of texts that a field may have, as one board numbers them; nil lets everything through.
type oneOf map[ref]bool

// oneOf numbers texts. What no record of the board names is left out: nothing has it.
func (c *content) oneOf(texts []string) oneOf {
	if len(texts) == 0 {
		return nil
	}
	set := make(oneOf, len(texts))
	for _, text := range texts {
		if r, known := c.ids.get(text); known {
			set[r] = true
		}
	}
	return set
}

func (s oneOf) lets(r ref) bool { return s == nil || s[r] }

// bits is a set of small numbers; 0 lets everything through.
type bits uint64

func bitsOf[E ~int32](values []E) (set bits) {
	for _, v := range values {
		set |= 1 << (uint(v) & 63)
	}
	return set
}

func (b bits) lets(v uint8) bool { return b == 0 || b&(1<<(v&63)) != 0 }

// within: whether a time is in a span; an absent span has all times.
func within(span *roundsv1.TimeRange, us int64) bool {
	return us >= span.GetFromUs() && (span.GetToUs() == 0 || us < span.GetToUs())
}

func bounded(span *roundsv1.TimeRange) bool { return span.GetFromUs() != 0 || span.GetToUs() != 0 }

// search is a full text query on one board: for each word, in which places' names it occurs, and which rows may hold it in their text.
type search struct {
	words []string
	named []map[ref]bool
	may   []candidates
}

// search is a query on rows whose texts have signatures; nil: they have none.
func (c *content) search(query string, texts *grams) search {
	s := search{words: words(query)}
	for _, word := range s.words {
		s.named = append(s.named, c.named(word))
		var may candidates
		if texts != nil {
			may = texts.may(word)
		}
		s.may = append(s.may, may)
	}
	return s
}

// finds: whether each word is in the text or in the name of one of the places.
func (s *search) finds(row int, text string, places ...ref) bool {
words:
	for i, word := range s.words {
		if s.may[i].lets(row) && strings.Contains(text, word) {
			continue
		}
		for _, place := range places {
			if place != 0 && s.named[i][place] {
				continue words
			}
		}
		return false
	}
	return true
}

// ticketFilter is a TicketFilter on one board.
type ticketFilter struct {
	of                   *roundsv1.TicketFilter
	content              *content
	now                  int64
	states, priorities   bits
	category, assignee   oneOf
	reporter, place      oneOf
	parent               oneOf
	household, asset     oneOf
	ids                  map[uid]bool
	search               search
	reported, updated    *roundsv1.TimeRange
	due, closed          *roundsv1.TimeRange
	dueBound, closedOnly bool
}

func (c *content) ticketFilter(f *roundsv1.TicketFilter, now int64) *ticketFilter {
	t := &ticketFilter{of: f, content: c, now: now, states: bitsOf(f.GetStates()), priorities: bitsOf(f.GetPriorities()),
		category: c.oneOf(f.GetCategoryIds()), assignee: c.oneOf(f.GetAssigneeIds()), reporter: c.oneOf(f.GetReporterIds()),
		household: c.oneOf(f.GetHouseholdIds()), asset: c.oneOf(f.GetAssetIds()), ids: uidsOf(f.GetIds()), search: c.search(f.GetText(), c.words),
		reported: f.GetReported(), updated: f.GetUpdated(), due: f.GetDue(), closed: f.GetClosed(),
		dueBound: bounded(f.GetDue()), closedOnly: bounded(f.GetClosed())}
	if len(f.GetPlaceIds()) > 0 {
		t.place = c.below(f.GetPlaceIds())
	}
	if f.GetParentId() != "" {
		t.parent = c.oneOf([]string{f.GetParentId()})
	}
	return t
}

// uidsOf is a set of ids; nil of none.
func uidsOf(ids []string) map[uid]bool {
	if len(ids) == 0 {
		return nil
	}
	set := map[uid]bool{}
	for _, id := range ids {
		if u, ok := parseUID(id); ok {
			set[u] = true
		}
	}
	return set
}

// lets: whether the ticket in a row fits. What costs least is asked first.
func (f *ticketFilter) lets(row int, id uid, t *ticket) bool {
	switch {
	case !f.states.lets(t.state), !f.priorities.lets(t.priority), uint32(t.escalation) < f.of.GetEscalation(),
		f.of.GetOverdue() && (t.due == 0 || t.due >= f.now),
		!within(f.reported, t.reported), !within(f.updated, t.updated),
		f.dueBound && (t.due == 0 || !within(f.due, t.due)),
		f.closedOnly && (t.closed == 0 || !within(f.closed, t.closed)),
		!f.category.lets(t.category), !f.assignee.lets(t.assignee), !f.reporter.lets(t.reporter), !f.place.lets(t.place), !f.parent.lets(t.parent),
		!f.household.lets(t.household), !f.asset.lets(t.asset),
		f.ids != nil && !f.ids[id],
		len(f.of.GetFlags()) > 0 && !f.content.flagged(t.flags, f.of.GetFlags()),
		f.of.GetQuestioned() && f.content.openQuestions(id) == 0:
		return false
	}
	return f.search.finds(row, t.text, t.place)
}

// openQuestions counts those about a record and what was merged into it.
func (c *content) openQuestions(id uid) uint32 {
	var counted []uid // several of a family may be sides of one
	for i, of := range c.family(id) {
		for _, one := range c.under(of).questions {
			if c.questions.get(one).open && (i == 0 || !slices.Contains(counted, one)) {
				counted = append(counted, one)
			}
		}
	}
	return uint32(len(counted))
}

// inspectionFilter is an InspectionFilter on one board.
type inspectionFilter struct {
	of              *roundsv1.InspectionFilter
	content         *content
	now             int64
	states          bits
	checklist, plan oneOf
	person, place   oneOf
	ids             map[uid]bool
	search          search
}

func (c *content) inspectionFilter(f *roundsv1.InspectionFilter, now int64) *inspectionFilter {
	i := &inspectionFilter{of: f, content: c, now: now, states: bitsOf(f.GetStates()), checklist: c.oneOf(f.GetChecklistIds()),
		plan: c.oneOf(f.GetPlanIds()), person: c.oneOf(f.GetPersonIds()), ids: uidsOf(f.GetIds()), search: c.search(f.GetText(), nil)}
	if len(f.GetPlaceIds()) > 0 {
		i.place = c.below(f.GetPlaceIds())
	}
	return i
}

func (f *inspectionFilter) lets(row int, id uid, i *inspection) bool {
	switch {
	case !f.states.lets(i.state), f.of.GetFailed() && !i.failed,
		f.of.GetOverdue() && (i.due() == 0 || i.due() >= f.now),
		!within(f.of.GetWindow(), i.start), !within(f.of.GetUpdated(), i.updated),
		!f.checklist.lets(i.checklist), !f.plan.lets(i.plan), !f.walks(i), !f.visits(i),
		f.ids != nil && !f.ids[id],
		len(f.of.GetFlags()) > 0 && !f.content.flagged(i.flags, f.of.GetFlags()):
		return false
	}
	return f.search.finds(row, i.text, i.checkpoints...)
}

// walks: whether one of the people walks the round or is meant to. Nobody is asked for where neither is set.
func (f *inspectionFilter) walks(i *inspection) bool {
	switch {
	case f.person == nil:
		return true
	case i.inspector == 0 && i.assignee == 0:
		return f.person[0]
	}
	return i.inspector != 0 && f.person[i.inspector] || i.assignee != 0 && f.person[i.assignee]
}

func (f *inspectionFilter) visits(i *inspection) bool {
	if f.place == nil {
		return true
	}
	for _, checkpoint := range i.checkpoints {
		if f.place[checkpoint] {
			return true
		}
	}
	return false
}
