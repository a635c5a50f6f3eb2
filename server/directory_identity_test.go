package server_test

import (
	"testing"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestARecordNamesNoOtherNode: what the tree says of a site or a unit is not written beside it; what else the record says is, and so is what it says already.
func TestARecordNamesNoOtherNode(t *testing.T) {
	w := found(t)
	s1, r1 := w.node("S1"), w.node("R1")
	site := func(s *roundsv1.Site, fields ...uint32) *roundsv1.PutDirectoryRequest {
		return &roundsv1.PutDirectoryRequest{NodeId: s1, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: s}}, Fields: fields}}
	}
	unit := func(u *roundsv1.Unit, fields ...uint32) *roundsv1.PutDirectoryRequest {
		return &roundsv1.PutDirectoryRequest{NodeId: r1, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: u}}, Fields: fields}}
	}
	for _, c := range []struct {
		req   *roundsv1.PutDirectoryRequest
		field string // "": it is taken
		call  string
	}{
		{site(&roundsv1.Site{UnitId: r1}, 5), "edit.record.site.unit_id", "MoveNode"},
		{site(&roundsv1.Site{Code: "S9"}, 2), "edit.record.site.code", "Import"},
		{site(&roundsv1.Site{}, 2), "edit.record.site.code", "Import"},
		{site(&roundsv1.Site{Name: &roundsv1.Text{Zh: "别处"}}, 1), "edit.record.site.name", "RenameNode"},
		{site(&roundsv1.Site{Code: "S1", UnitId: r1, Name: &roundsv1.Text{Zh: "云栖雅苑", En: "Yunqi Court"}}), "edit.record.site.unit_id", "MoveNode"},
		{unit(&roundsv1.Unit{ParentId: w.node("R1D1")}, 4), "edit.record.unit.parent_id", "MoveNode"},
		{unit(&roundsv1.Unit{Type: roundsv1.UnitType_UNIT_TYPE_DISTRICT}, 2), "edit.record.unit.type", "CreateNode"},
		{site(&roundsv1.Site{Code: "S1", UnitId: w.node("R1D1"), TimeZone: "Asia/Tokyo"}, 2, 3, 5), "", ""},
		{unit(&roundsv1.Unit{Name: &roundsv1.Text{Zh: "华南"}, Type: roundsv1.UnitType_UNIT_TYPE_REGION}, 1, 2), "", ""},
	} {
		_, err := w.admin().PutDirectory(t.Context(), as(w.device, c.req))
		if c.field == "" {
			if err != nil {
				t.Errorf("%v: %v", c.req.GetEdit(), err)
			}
			continue
		}
		if code, p := problemOf(t, err); code != connect.CodeInvalidArgument || p.GetField() != c.field || p.GetFacts()["call"] != c.call || p.GetSentence().GetZh() == "" {
			t.Errorf("%v: %v %v", c.req.GetEdit(), code, p)
		}
	}
	if got := w.list(s1, "site")["S1"].GetRecord().GetSite(); got.GetUnitId() != w.node("R1D1") || got.GetTimeZone() != "Asia/Tokyo" {
		t.Errorf("%v", got)
	}
}
