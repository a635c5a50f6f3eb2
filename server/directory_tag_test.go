package server_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestAPhoneGivesNoTagTwice: an administrator's phone brings the tag of another place of the site, for a place that stands and for a new one, and is told which place has it, in both
// languages. A place keeps its own, takes one of another site's, and takes one that was let go.
func TestAPhoneGivesNoTagTwice(t *testing.T) {
	w := found(t)
	w.told(table(places, "site,code,name_zh,tag", "S1,G1,门1,TAG-1", "S1,G2,门2,TAG-2", "S2,G1,门1,TAG-3"))
	at, stand := w.siteOf("S1"), w.list(w.node("S1"), "place")
	send := func(id, tag string) *roundsv1.Outcome {
		place, fields := &roundsv1.Place{Tag: tag}, []uint32{5}
		if id == "" {
			id, fields = uuid.NewString(), nil
			place.Code, place.Name = "N"+tag, &roundsv1.Text{Zh: "新"}
		}
		return w.device.sends(at, &roundsv1.Mutation{RecordId: id, Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: place}},
			Fields: fields}}})
	}
	g1, g2 := stand["G1"].GetRecordId(), stand["G2"].GetRecordId()
	for _, c := range []struct{ name, id, tag, has string }{
		{"one that stands", g2, "TAG-1", "G1"},
		{"a new one", "", "TAG-2", "G2"},
		{"its own", g1, "TAG-1", ""},
		{"another site's", "", "TAG-3", ""},
		{"lets go", g1, "", ""},
		{"one that was let go", g2, "TAG-1", ""},
		{"and what that one had", "", "TAG-2", ""},
		{"the new owner has it", g1, "TAG-1", "G2"},
	} {
		outcome := send(c.id, c.tag)
		p := outcome.GetProblem()
		if c.has == "" {
			if s := outcome.GetStatus(); s != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED && s != roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED {
				t.Errorf("%s: %v", c.name, outcome)
			}
			continue
		}
		if outcome.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED || p.GetCode() != invalidField || p.GetField() != "tag" || p.GetFacts()["place"] != c.has ||
			!strings.Contains(p.GetSentence().GetZh(), "位置 "+c.has) || !strings.Contains(p.GetSentence().GetEn(), "the place "+c.has) {
			t.Errorf("%s: %v", c.name, outcome)
		}
	}
	if g1 := w.list(w.node("S1"), "place")["G1"].GetRecord().GetPlace(); g1.GetTag() != "" {
		t.Errorf("%v", g1)
	}
}
