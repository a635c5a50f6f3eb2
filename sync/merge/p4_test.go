package merge_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestP4EveryOrder lets concurrent mutations arrive in every order in which each device keeps its own, first on a common history
// and then on top of what came of it, and wants the same record, the same values beside it, and the same mutations refused.
func TestP4EveryOrder(t *testing.T) {
	seeds, per := uint64(ordersSeeds), 4
	if testing.Short() {
		seeds = min(seeds, 60)
	}
	compared := 0
	for seed := range seeds {
		compared += p4(t, seeded(seed), per)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for seed := range seeds / 20 {
		compared += p4(t, seeded(1_000_000+seed), 5)
		if t.Failed() {
			t.Fatalf("seed %d of five", 1_000_000+seed)
		}
	}
	t.Logf("%d orders compared", compared)
}

// p4 runs one history, and returns how many orders it compared.
func p4(t *testing.T, n choose, concurrent int) int {
	lanes, known := map[string]*lane{}, map[int]int64{}
	var history []step
	base := n(4) // 0: the record is created by several devices at once
	for i := range base {
		st := randomSteps(n, 1, []int{n(i + 1)}, known, lanes, i > 0)[0]
		history = append(history, st)
		known[i+1] = max(known[i], st.time)
		if i == 0 {
			history[0].act = edit(&roundsv1.Ticket{Title: "leak", CustomerWords: "it drips", Tags: []string{"a"}, Priority: 2})
		}
	}
	var bases []int
	for i := range base + 1 {
		if base == 0 || i > 0 || n(3) == 0 {
			bases = append(bases, i)
		}
	}
	first := randomSteps(n, concurrent, bases, known, lanes, base > 0)

	// What comes after all of them: one that saw everything, and some that did not.
	after := base + concurrent
	known[after] = known[base]
	for _, st := range first {
		known[after] = max(known[after], st.time)
	}
	lanesAfter := map[string]*lane{}
	for d, l := range lanes {
		lanesAfter[d] = &lane{l.base, l.time}
	}
	second := randomSteps(n, 3, append(slices.Clone(bases), after, after), known, lanesAfter, true)

	run := func(order, orderAfter []int, swift bool) *server {
		s := &server{t: t, swift: swift}
		for _, st := range history {
			s.arrive(st)
		}
		for _, i := range order {
			s.arrive(first[i])
		}
		for _, i := range orderAfter {
			s.arrive(second[i])
		}
		return s
	}
	all, allAfter := orders(first), orders(second)
	var want []string
	var wantProblems []roundsv1.ProblemCode
	compared := 0
	for i, order := range all {
		s := run(order, allAfter[i%len(allAfter)], i%8 > 0)
		problems := make([]roundsv1.ProblemCode, len(first)+len(second))
		for at, i := range order {
			problems[i] = s.problems[base+at]
		}
		for at, i := range allAfter[i%len(allAfter)] {
			problems[len(first)+i] = s.problems[after+at]
		}
		got := standing(t, s.now)
		compared++
		if i == 0 {
			want, wantProblems = got, problems
			continue
		}
		if !slices.Equal(got, want) || !slices.Equal(problems, wantProblems) {
			t.Errorf("orders %v %v and %v differ:\nhistory %v\nfirst %v\nthen %v\n%q\n%q\n%v\n%v", all[0], allAfter[0], order,
				history, first, second, want, got, wantProblems, problems)
			return compared
		}
	}
	return compared
}
