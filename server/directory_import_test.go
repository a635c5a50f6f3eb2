package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestButlersComeWithThePlaces: who looks after a place is named by job number; only butlers of the site are taken, and who stands there may stay.
func TestButlersComeWithThePlaces(t *testing.T) {
	w := found(t)
	s1 := w.node("S1")
	step := func(dry bool, want string, req *roundsv1.ImportRequest) *roundsv1.ImportResponse {
		t.Helper()
		w.clock.add(time.Second)
		req.DryRun = dry
		got, resp := w.enter(w.device, req)
		if got != want {
			t.Errorf("%v: %s, want %s\n%v", req.GetRows(), got, want, resp)
		}
		return resp
	}
	const created, changed, unchanged, refused = "1 created, 0 changed, 0 unchanged, 0 refused", "0 created, 1 changed, 0 unchanged, 0 refused",
		"0 created, 0 changed, 1 unchanged, 0 refused", "0 created, 0 changed, 0 unchanged, 1 refused"
	butlers := func() []string { return w.list(s1, "place")["B2"].GetRecord().GetPlace().GetButlerIds() }
	row := func(cell string) *roundsv1.ImportRequest {
		return table(places, "site,code,butlers", "S1,B2,"+cell)
	}
	of := func(code string) string { return w.list(s1, "staff")[code].GetRecordId() }

	// Before they are there, a dry run takes whom an earlier row makes a butler, and nobody else.
	for _, c := range []struct {
		role roundsv1.Role
		want string
	}{{roundsv1.Role_ROLE_BUTLER, changed}, {roundsv1.Role_ROLE_WORKER, refused}} {
		req := row("E7")
		req.Assumed = []*roundsv1.ImportAssumption{{Kind: staff, Site: "S1", Code: "E7", Roles: []roundsv1.Role{c.role}}}
		step(true, c.want, req)
	}
	w.enter(w.device, table(staff, "code,name,site,role", "E7,马丽,S1,butler", "E8,林涛,S1,butler", "E9,何静,S2,butler"))
	for _, dry := range []bool{true, false} {
		step(dry, refused, row("E9"))    // of another site
		step(dry, refused, row("E7;E1")) // a worker
		step(dry, refused, row("E7;E77"))
	}
	step(false, changed, row("E8；E7"))
	if got := butlers(); len(got) != 2 || !slices.Contains(got, of("E7")) || !slices.Contains(got, of("E8")) {
		t.Errorf("butlers %v", got)
	}
	step(false, unchanged, row("E7;E8;E7"))
	if resp := step(false, changed, row("E7")); len(resp.GetResults()[0].GetCells()) != 1 || resp.GetResults()[0].GetCells()[0].GetBefore() != "E7;E8" {
		t.Errorf("%v", resp)
	}
	w.enter(w.device, table(staff, "code,left", "E7,yes"))
	step(false, unchanged, row("E7"))
	step(false, changed, row(""))
	step(false, refused, row("E7"))
	if got := butlers(); len(got) != 0 {
		t.Errorf("butlers %v", got)
	}
	step(false, created, table(places, "site,code,name_zh,butlers", "S1,T9,9栋,E8"))
}

// TestRowsThatTakeAwayAreRefusedAsCallsAre: a place that something uses stays, in a dry run as well; what the rows of one call take away or move uses nothing any more.
func TestRowsThatTakeAwayAreRefusedAsCallsAre(t *testing.T) {
	w := found(t)
	s1 := w.node("S1")
	w.enter(w.device, table(places, "site,code,name_zh,parent", "S1,T1,1栋,", "S1,T1-F1,1层,T1", "S1,T1-F2,2层,T1", "S1,T2,2栋,", "S1,T2-F1,1层,T2", "S1,LONE,杂物间,"))
	type rows map[int]string // line: what uses it, "" where it goes
	for _, c := range []struct {
		name    string
		req     *roundsv1.ImportRequest
		going   []*roundsv1.ImportAssumption
		refused rows
		dryOnly bool
	}{
		{"in use", table(places, "site,code,remove", "S1,B2,yes", "S1,PR1,是"), nil, rows{2: "place PR1, plan 每日巡检", 3: "asset BOX-1, asset PART-1, plan 每日巡检"}, false},
		{"what one uses stays", table(places, "site,code,remove", "S1,T1,yes", "S1,T1-F1,yes"), nil, rows{2: "place T1-F2"}, true},
		{"a new one below", table(places, "site,code,name_zh,parent,remove", "S1,NEW,新,LONE,no", "S1,LONE,,,yes"), nil, rows{3: "place NEW"}, true},
		{"one below that is moved", table(places, "site,code,name_zh,parent,remove", "S1,T2-F1,1层,T1,no", "S1,T2,,,yes"), nil, rows{}, true},
		{"with what stands in it", table(places, "site,code,remove", "S1,B2,yes", "S1,PR1,yes"), []*roundsv1.ImportAssumption{{Kind: assets, Site: "S1", Code: "BOX-1", Removed: true},
			{Kind: assets, Site: "S1", Code: "PART-1", Removed: true}, {Kind: plans, Site: "S1", Code: "DAILY", Removed: true}}, rows{}, true},
		{"parents first", table(places, "site,code,remove", "S1,T1,yes", "S1,T1-F1,yes", "S1,T1-F2,yes", "S1,NONE,yes"), nil, rows{}, false},
	} {
		for _, dry := range []bool{true, false} {
			if !dry && c.dryOnly {
				continue
			}
			w.clock.add(time.Second)
			before := fmt.Sprint(len(w.list(s1, "place")))
			c.req.DryRun, c.req.Assumed = dry, c.going
			_, resp := w.enter(w.device, c.req)
			got := rows{}
			for _, r := range resp.GetResults() {
				if p := r.GetProblem(); p != nil {
					got[int(r.GetLine())] = p.GetFacts()["used_by"]
					if p.GetField() != "remove" || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STATE || p.GetSentence().GetZh() == "" {
						t.Errorf("%s: %v", c.name, p)
					}
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.refused) {
				t.Errorf("%s, dry %v: refused %v, want %v", c.name, dry, got, c.refused)
			}
			if after := fmt.Sprint(len(w.list(s1, "place"))); dry && after != before {
				t.Errorf("%s: a dry run takes away", c.name)
			}
		}
	}
	stand := w.list(s1, "place")
	if stand["T1"] != nil || stand["T1-F1"] != nil || stand["T1-F2"] != nil || stand["B2"] == nil || stand["PR1"] == nil || stand["LONE"] == nil {
		t.Errorf("%d places stand", len(stand))
	}
}
