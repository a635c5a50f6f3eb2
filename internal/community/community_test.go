package community_test

import (
	"maps"
	"path"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/community"
	outline "github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/work/checklist"
	"github.com/rounds-sync/rounds/work/recurrence"
)

func TestTheCommunityIsAsDescribed(t *testing.T) {
	c := community.New(1)
	count := func(t roundsv1.NodeType) (n int) {
		for _, node := range c.Nodes {
			if node.Type == t {
				n++
			}
		}
		return n
	}
	for _, check := range []struct {
		what      string
		got, want int
	}{
		{"regions and cities", count(roundsv1.NodeType_NODE_TYPE_REGION), 3 + 6},
		{"districts", count(roundsv1.NodeType_NODE_TYPE_DISTRICT), 12},
		{"sites", count(roundsv1.NodeType_NODE_TYPE_SITE), 24},
		{"homes", c.Homes(), 1008},
		{"bays", c.Bays(), 1200},
		{"assets", len(c.Assets), 420},
		{"crew", len(c.Crew), 62},
		{"butlers", len(c.In(roundsv1.Role_ROLE_BUTLER)), 2},
		{"workers", len(c.In(roundsv1.Role_ROLE_WORKER)), 52},
		{"categories", len(c.Categories), 60},
		{"checklists", len(c.Checklists), 8},
	} {
		if check.got != check.want {
			t.Errorf("%d %s, want %d", check.got, check.what, check.want)
		}
	}
	for _, check := range []struct {
		prefix string
		want   int
		signal roundsv1.Signal
	}{
		{"T?", 8, roundsv1.Signal_SIGNAL_OK}, {"T?-F??", 252, roundsv1.Signal_SIGNAL_OK}, {"T?-ST?", 16, roundsv1.Signal_SIGNAL_WEAK}, {"T?-L?", 16, roundsv1.Signal_SIGNAL_NONE},
		{"B1", 1, roundsv1.Signal_SIGNAL_WEAK}, {"B2", 1, roundsv1.Signal_SIGNAL_NONE}, {"FZ0?", 9, roundsv1.Signal_SIGNAL_WEAK}, {"FZ1?", 9, roundsv1.Signal_SIGNAL_NONE},
		{"PR??", 12, roundsv1.Signal_SIGNAL_NONE}, {"SP??", 14, roundsv1.Signal_SIGNAL_NONE}, {"GZ?", 6, roundsv1.Signal_SIGNAL_OK}, {"GT?", 3, roundsv1.Signal_SIGNAL_OK},
		{"KG", 1, roundsv1.Signal_SIGNAL_OK}, {"CH", 1, roundsv1.Signal_SIGNAL_OK},
	} {
		n := 0
		for _, p := range c.Places {
			if like, err := path.Match(check.prefix, p.GetCode()); err != nil || !like {
				continue
			}
			n++
			if p.GetSignal() != check.signal {
				t.Errorf("%s receives %v, want %v", p.GetCode(), p.GetSignal(), check.signal)
			}
		}
		if n != check.want {
			t.Errorf("%d places %s, want %d", n, check.prefix, check.want)
		}
	}
	kinds := map[string]int{}
	for _, a := range c.Assets {
		kinds[a.GetType()]++
	}
	if want := map[string]int{"lift": 16, "pump": 9, "transformer": 4, "box": 38, "extinguisher": 160, "camera": 52, "barrier": 6, "lamp": 120, "part": 15}; !maps.Equal(kinds, want) {
		t.Errorf("assets %v, want %v", kinds, want)
	}
	jobs, night := map[string]int{}, 0
	for _, p := range c.Crew {
		jobs[p.GetJob().GetEn()]++
		if p.Night {
			night++
		}
	}
	if want := map[string]int{"site manager": 1, "quality supervisor": 1, "butler": 2, "customer service": 3, "cleaning foreman": 1, "cleaner": 20, "engineering foreman": 1, "engineer": 8,
		"security captain": 1, "guard": 20, "gardener": 4}; !maps.Equal(jobs, want) || night != 10 {
		t.Errorf("jobs %v, %d at night", jobs, night)
	}
	lines := map[roundsv1.ServiceLine]int{}
	for _, category := range c.Categories {
		lines[category.GetLine()]++
	}
	if want := map[roundsv1.ServiceLine]int{1: 12, 2: 14 + 12, 3: 9, 4: 4, 5: 6, 6: 3}; !maps.Equal(lines, want) {
		t.Errorf("categories by line %v, want %v", lines, want)
	}
	for i, want := range []int{8, 6, 9, 7, 9, 10, 6, 6} { // the switch room reads temperature and humidity apart
		if list := c.Checklists[i]; len(list.GetItems()) != want || !list.GetPublished() || list.GetVersion() != 1 || list.ID != string(checklist.RecordID(list.GetSeriesId(), 1)) {
			t.Errorf("list %d: %v, want %d items", i+1, list, want)
		}
	}
	emergencies := 0
	for _, category := range c.Categories {
		if category.GetEmergency() {
			emergencies++
		}
	}
	if emergencies != 5 || c.Site.Name.GetZh() != "云栖雅苑" || len(c.Silent()) < 30 {
		t.Errorf("%d emergencies, site %v, %d silent places", emergencies, c.Site.Name, len(c.Silent()))
	}
}

func TestTheSameSeedMakesTheSame(t *testing.T) {
	a, b, other := community.New(7), community.New(7), community.New(8)
	for i := range a.Crew {
		if a.Crew[i].ID != b.Crew[i].ID || !proto.Equal(a.Crew[i].Staff, b.Crew[i].Staff) {
			t.Fatalf("person %d differs", i)
		}
		if a.Crew[i].ID == other.Crew[i].ID {
			t.Fatal("two seeds share a person")
		}
	}
}

func TestIdsAreUniqueAndRecordsAreValid(t *testing.T) {
	c := community.New(3)
	seen := map[string]bool{}
	check := func(id string, m proto.Message) {
		t.Helper()
		if seen[id] {
			t.Errorf("%s stands twice", id)
		}
		seen[id] = true
		if err := protovalidate.Validate(m); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
	codes := map[string]bool{}
	coded := func(kind, code string) {
		if code == "" || codes[kind+code] {
			t.Errorf("the code %q of a %s stands twice, or is none", code, kind)
		}
		codes[kind+code] = true
	}
	for _, p := range c.Places {
		check(p.ID, p.Place)
		coded("place", p.GetCode())
		if _, err := outline.ParseOutline(p.GetOutline()); err != nil || p.GetName().GetZh() == "" || p.GetName().GetEn() == "" || p.GetTag() == "" {
			t.Errorf("%v: %v", p, err)
		}
		if p.GetParentId() != "" && !seen[p.GetParentId()] {
			t.Errorf("%s stands below nothing before it", p.GetCode())
		}
	}
	for _, a := range c.Assets {
		check(a.ID, a.Asset)
		coded("asset", a.GetCode())
		if !seen[a.GetPlaceId()] {
			t.Errorf("asset %s stands nowhere", a.GetCode())
		}
	}
	for _, p := range c.Crew {
		check(p.ID, p.Staff)
		coded("staff", p.GetCode())
		if _, err := recurrence.Parse(p.GetDuties()[0].GetRecurrence()); err != nil || len(p.GetDuties()) != 1 || p.GetDuties()[0].GetMinutes() != 720 {
			t.Errorf("%s is on duty %v: %v", p.Name, p.GetDuties(), err)
		}
	}
	for _, k := range c.Categories {
		check(k.ID, k.Category)
		coded("category", k.GetCode())
	}
	for _, l := range c.Checklists {
		check(l.ID, l.Checklist)
		coded("checklist", l.GetCode())
		for _, item := range l.GetItems() {
			if item.GetWeight() <= 0 || (item.GetUnit() != "" && item.GetHigh() <= item.GetLow()) {
				t.Errorf("%s: item %v", l.GetName().GetEn(), item)
			}
		}
	}
}
