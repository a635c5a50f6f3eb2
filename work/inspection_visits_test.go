package work

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// said is a visit in short: "who@time scan (marks) + who confirms".
func said(v *roundsv1.Visit) string {
	return fmt.Sprintf("%s %s@%d %v+%v", v.GetCheckpointId(), v.GetPersonId(), v.GetTimeUs(), v.GetFlags(), v.GetConfirmedByIds())
}

// TestOfficialVisits: what counts of the scans of a route, and what marks it earns.
func TestOfficialVisits(t *testing.T) {
	ordered := &roundsv1.Inspection{CheckpointIds: []string{"A", "B", "C"}, Route: &roundsv1.Route{Ordered: true, MinGapUs: 10, MaxGapUs: 100}}
	free := &roundsv1.Inspection{CheckpointIds: []string{"A", "B", "C"}}
	scan := func(id, checkpoint, person string, us int64, mark string) arrived {
		return arrived{id: id, checkpoint: checkpoint, person: person, timeUs: us, round: 1, mark: mark}
	}
	for _, test := range []struct {
		name  string
		route *roundsv1.Inspection
		scans []arrived
		want  []string
	}{
		{"in order", ordered, []arrived{scan("1", "A", "x", 0, ""), scan("2", "B", "x", 50, ""), scan("3", "C", "x", 90, "")},
			[]string{"A x@0 []+[]", "B x@50 []+[]", "C x@90 []+[]"}},
		{"out of order", ordered, []arrived{scan("1", "A", "x", 0, ""), scan("2", "C", "x", 50, ""), scan("3", "B", "x", 90, "")},
			[]string{"A x@0 []+[]", "C x@50 []+[]", "B x@90 [out_of_order]+[]"}},
		{"any order", free, []arrived{scan("2", "C", "x", 50, ""), scan("3", "B", "x", 90, "")}, []string{"C x@50 []+[]", "B x@90 []+[]"}},
		{"too soon and too late", ordered, []arrived{scan("1", "A", "x", 0, ""), scan("2", "B", "x", 9, ""), scan("3", "C", "x", 110, "")},
			[]string{"A x@0 []+[]", "B x@9 [too_soon]+[]", "C x@110 [too_late]+[]"}},
		{"at the limits", ordered, []arrived{scan("1", "A", "x", 0, ""), scan("2", "B", "x", 10, ""), scan("3", "C", "x", 110, "")},
			[]string{"A x@0 []+[]", "B x@10 []+[]", "C x@110 []+[]"}},
		{"the earliest counts, others confirm", free, []arrived{scan("1", "A", "y", 20, ""), scan("2", "A", "x", 10, ""), scan("3", "A", "z", 30, "")}, []string{"A x@10 []+[y z]"}},
		{"nobody confirms themselves", free, []arrived{scan("1", "A", "x", 20, ""), scan("2", "A", "x", 10, "")}, []string{"A x@10 []+[]"}},
		{"a forged tag does not count before a genuine one", free, []arrived{scan("1", "A", "y", 20, ""), scan("2", "A", "x", 10, visitFalseTag)}, []string{"A y@20 []+[]"}},
		{"nor does another's", free, []arrived{scan("1", "A", "y", 10, visitOtherTag), scan("2", "A", "x", 20, "")}, []string{"A x@20 []+[]"}},
		{"a forged tag alone is shown", free, []arrived{scan("1", "A", "x", 10, visitFalseTag)}, []string{"A x@10 [false_tag]+[]"}},
		{"a broken tag is taken at one's word", free, []arrived{scan("1", "A", "x", 10, visitTagBroken), scan("2", "A", "y", 20, "")}, []string{"A x@10 [tag_broken]+[y]"}},
		{"a checkpoint off the route", ordered, []arrived{scan("1", "C", "x", 0, ""), scan("2", "Z", "x", 50, "")}, []string{"C x@0 []+[]", "Z x@50 []+[]"}},
		{"rounds apart", ordered, []arrived{scan("1", "C", "x", 0, ""), {id: "2", checkpoint: "A", person: "x", timeUs: 500, round: 2}}, []string{"C x@0 []+[]", "A x@500 []+[]"}},
	} {
		var got []string
		for _, v := range officialVisits(nil, test.scans, test.route, 0) {
			got = append(got, said(v))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestVisitsInAnyOrder: scans of several people come to the same in whatever order, and in whatever portions, they arrive, and however often.
func TestVisitsInAnyOrder(t *testing.T) {
	const seed = 20260702
	random := rand.New(rand.NewPCG(seed, 2))
	marks := []string{"", "", "", visitTagBroken, visitFalseTag, visitOtherTag}
	for n := range 200 {
		route := &roundsv1.Inspection{CheckpointIds: []string{"A", "B", "C", "D"}, Route: &roundsv1.Route{Ordered: random.IntN(2) == 0,
			MinGapUs: int64(random.IntN(5)), MaxGapUs: int64(random.IntN(40))}}
		var scans []arrived
		for i := range 1 + random.IntN(12) {
			scans = append(scans, arrived{id: fmt.Sprint("scan", i), checkpoint: string(rune('A' + random.IntN(5))), person: string(rune('x' + random.IntN(3))),
				timeUs: int64(random.IntN(20)), round: uint32(1 + random.IntN(2)), mark: marks[random.IntN(len(marks))]})
		}
		want := officialVisits(nil, scans, route, 5)
		for range 4 {
			random.Shuffle(len(scans), func(i, k int) { scans[i], scans[k] = scans[k], scans[i] })
			var got []*roundsv1.Visit
			for rest := scans; len(rest) > 0; {
				some := 1 + random.IntN(len(rest))
				before := proto.CloneOf(&roundsv1.Inspection{OfficialVisits: got})
				next := officialVisits(got, rest[:some], route, 5)
				if !proto.Equal(before, &roundsv1.Inspection{OfficialVisits: got}) {
					t.Fatalf("seed %d, %d: what was counted is changed", seed, n)
				}
				got, rest = next, rest[some:]
			}
			if !proto.Equal(&roundsv1.Inspection{OfficialVisits: got}, &roundsv1.Inspection{OfficialVisits: want}) {
				t.Fatalf("seed %d, %d: %v, and in another order %v; of %v", seed, n, got, want, scans)
			}
		}
		for _, v := range want {
			earliest := func(s arrived) bool {
				return s.checkpoint == v.GetCheckpointId() && s.round == v.GetRound() && proves(s.mark) && s.timeUs < v.GetTimeUs()
			}
			if slices.ContainsFunc(scans, earliest) {
				t.Fatalf("seed %d, %d: %v is not the earliest of %v", seed, n, v, scans)
			}
		}
	}
}
