package merge_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestP5NothingVanishes: every value that was taken is shown, stands beside, was replaced by who saw it, or was named as lost to the
// one or the other side. Facts are all there, and sums are sums.
func TestP5NothingVanishes(t *testing.T) {
	for seed := range uint64(lossesSeeds) {
		n := seeded(seed)
		s := &server{t: t}
		lanes, known := map[string]*lane{}, map[int]int64{}
		var steps []step
		for i := range 12 {
			st := randomSteps(n, 1, []int{n(i + 1)}, known, lanes, i > 0)[0]
			if i == 0 {
				st.act = edit(&roundsv1.Ticket{Title: "leak", Tags: []string{"a"}})
			}
			s.arrive(st)
			steps = append(steps, st)
			known[i+1] = max(known[i], st.time)
		}
		nothingVanished(t, s, steps)
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, steps)
		}
	}
}

// written is one value that a step wrote.
type written struct {
	field merge.FieldNumber
	key   string
	value string
}

// registersOf returns the values of registers that a step writes, by the tests' own reading of the mask.
func registersOf(t *testing.T, st step) []written {
	var record *roundsv1.Record
	named := map[merge.FieldNumber]bool{}
	if e := st.act.GetEdit(); e != nil {
		record = e.GetRecord()
		for _, f := range e.GetFields() {
			named[merge.FieldNumber(f)] = true
		}
		if len(e.GetFields()) == 0 {
			named = fieldsOf(record.GetTicket())
		}
	} else {
		record = st.act.GetFact().GetRecord()
		named = fieldsOf(record.GetTicket())
	}
	var out []written
	for _, f := range []merge.FieldNumber{title, category, priority, location, words, phone, newer} {
		if named[f] {
			out = append(out, written{f, "", valueOf(t, record, f, "")})
		}
	}
	if named[settings] {
		for k := range record.GetTicket().GetAttributes() {
			out = append(out, written{settings, k, valueOf(t, record, settings, k)})
		}
		for k := range st.act.GetEdit().GetRemoved().GetTicket().GetAttributes() {
			if _, put := record.GetTicket().GetAttributes()[k]; !put {
				out = append(out, written{settings, k, ""})
			}
		}
	}
	if named[answers] {
		for k := range record.GetTicket().GetAnswers() {
			out = append(out, written{answers, k, valueOf(t, record, answers, k)})
		}
	}
	return out
}

func nothingVanished(t *testing.T, s *server, steps []step) {
	t.Helper()
	regs := make([][]written, len(steps))
	for i, st := range steps {
		regs[i] = registersOf(t, st)
	}
	taken := func(i int) bool { return s.problems[i] == 0 }
	saw := func(later, earlier int) bool {
		return steps[later].base > earlier || steps[later].device == steps[earlier].device
	}
	for i, st := range steps {
		if !taken(i) {
			continue
		}
		for _, w := range regs[i] {
			if w.field == words && w.value == "" {
				continue // fixes nothing
			}
			found := standsIn(t, s.now, w)
			for _, l := range s.results[i].Losses {
				found = found || l.GetLost() && merge.FieldNumber(l.GetField()) == w.field && l.GetKey() == w.key
			}
			for j := i + 1; j < len(steps) && !found; j++ {
				if !taken(j) {
					continue
				}
				writes := slices.ContainsFunc(regs[j], func(x written) bool { return x.field == w.field && x.key == w.key })
				_, removed := steps[j].act.GetEdit().GetRemoved().GetTicket().GetAnswers()[w.key]
				for k := range j {
					// Who saw an equal value of somebody else saw this one.
					found = found || taken(k) && saw(j, k) && (k == i || slices.Contains(regs[k], w)) &&
						(writes || removed && w.field == answers)
				}
				for _, l := range s.results[j].Losses {
					found = found || !l.GetLost() && merge.FieldNumber(l.GetField()) == w.field && l.GetKey() == w.key &&
						valueOf(t, l.GetOther(), w.field, w.key) == w.value // of several equal ones, one is named
				}
			}
			if !found {
				t.Errorf("step %d (%v): its value of %d %q vanished: %v", i, st, w.field, w.key, s.now)
			}
		}
	}
	readings, visited, used := map[string]bool{}, int64(0), map[string]int64{}
	for i, st := range steps {
		if !taken(i) {
			continue
		}
		of := st.act.GetFact().GetRecord().GetTicket()
		for _, r := range of.GetReadings() {
			readings[r.GetId()] = true
		}
		if e := st.act.GetEdit(); e != nil {
			of = e.GetRecord().GetTicket()
		}
		visited += of.GetVisits()
		for k, v := range of.GetPartsUsed() {
			used[k] += v
		}
	}
	now := s.now.GetRecord().GetTicket()
	if len(now.GetReadings()) != len(readings) || now.GetVisits() != visited {
		t.Errorf("readings %d of %d, visits %d of %d", len(now.GetReadings()), len(readings), now.GetVisits(), visited)
	}
	for k, v := range used {
		if now.GetPartsUsed()[k] != v {
			t.Errorf("part %s: %d of %d", k, now.GetPartsUsed()[k], v)
		}
	}
}

// standsIn tells whether a value is shown, or stands beside the shown one.
func standsIn(t *testing.T, c *roundsv1.Change, w written) bool {
	if valueOf(t, c.GetRecord(), w.field, w.key) == w.value {
		return true
	}
	for _, by := range c.GetWrites() {
		beside := slices.Contains(by.GetSiblings(), uint32(w.field)) || slices.ContainsFunc(by.GetSiblingElements(),
			func(k *roundsv1.ElementKey) bool { return k.GetField() == uint32(w.field) && k.GetKey() == w.key })
		if beside && valueOf(t, by.GetSiblingValues(), w.field, w.key) == w.value {
			return true
		}
	}
	return false
}
