package community_test

import (
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/community"
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
		{"regions", count(roundsv1.NodeType_NODE_TYPE_REGION), 3},
		{"cities and districts", count(roundsv1.NodeType_NODE_TYPE_DISTRICT), 6 + 12},
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
	for _, p := range c.Places {
		check(p.ID, p.Place)
	}
	for _, a := range c.Assets {
		check(a.ID, a.Asset)
		if !seen[a.GetPlaceId()] {
			t.Errorf("asset %s stands nowhere", a.GetCode())
		}
	}
	for _, p := range c.Crew {
		check(p.ID, p.Staff)
	}
	for _, k := range c.Categories {
		check(k.ID, k.Category)
	}
	for _, l := range c.Checklists {
		check(l.ID, l.Checklist)
		for _, item := range l.GetItems() {
			if item.GetWeight() <= 0 || (item.GetUnit() != "" && item.GetHigh() <= item.GetLow()) {
				t.Errorf("%s: item %v", l.GetName().GetEn(), item)
			}
		}
	}
}
