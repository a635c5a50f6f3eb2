package server_test

import (
	"fmt"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
)

const (
	units      = roundsv1.ImportKind_IMPORT_KIND_UNITS
	sites      = roundsv1.ImportKind_IMPORT_KIND_SITES
	holidays   = roundsv1.ImportKind_IMPORT_KIND_HOLIDAYS
	policies   = roundsv1.ImportKind_IMPORT_KIND_POLICIES
	checklists = roundsv1.ImportKind_IMPORT_KIND_CHECKLISTS
	categories = roundsv1.ImportKind_IMPORT_KIND_CATEGORIES
	places     = roundsv1.ImportKind_IMPORT_KIND_PLACES
	assets     = roundsv1.ImportKind_IMPORT_KIND_ASSETS
	staff      = roundsv1.ImportKind_IMPORT_KIND_STAFF
	plans      = roundsv1.ImportKind_IMPORT_KIND_PLANS
)

// table is a table as a test writes it: a header and rows, cells with commas between.
func table(kind roundsv1.ImportKind, lines ...string) *roundsv1.ImportRequest {
	req := &roundsv1.ImportRequest{Kind: kind, Columns: strings.Split(lines[0], ",")}
	for i, line := range lines[1:] {
		req.Rows = append(req.Rows, &roundsv1.ImportRow{Line: uint32(i + 2), Cells: strings.Split(line, ",")})
	}
	return req
}

func (w *world) admin() roundsv1connect.AdminServiceClient {
	return roundsv1connect.NewAdminServiceClient(w.http, w.base)
}

// enter imports a table and tells what became of its rows, a word each: created, changed, unchanged, refused.
func (w *world) enter(d *device, req *roundsv1.ImportRequest) (string, *roundsv1.ImportResponse) {
	w.t.Helper()
	resp, err := w.admin().Import(w.t.Context(), as(d, req))
	if err != nil {
		w.t.Fatal(err)
	}
	counts := map[roundsv1.ImportStatus]int{}
	for _, r := range resp.Msg.GetResults() {
		counts[r.GetStatus()]++
	}
	return fmt.Sprintf("%d created, %d changed, %d unchanged, %d refused", counts[roundsv1.ImportStatus_IMPORT_STATUS_CREATED],
		counts[roundsv1.ImportStatus_IMPORT_STATUS_CHANGED], resp.Msg.GetUnchanged(), counts[roundsv1.ImportStatus_IMPORT_STATUS_REFUSED]), resp.Msg
}

// company is a small one, table by table.
func company() []*roundsv1.ImportRequest {
	return []*roundsv1.ImportRequest{
		table(units, "code,type,name_zh,parent", "HQ,group,和邻物业集团,", "R1,region,华南,", "R1D1,district,深州,R1"),
		table(sites, "code,name_zh,name_en,unit,time_zone", "S1,云栖雅苑,Yunqi Court,R1D1,Asia/Shanghai", "S2,松涛里,Pine Wave Lane,R1D1,Asia/Shanghai"),
		table(holidays, "calendar,date,day,holiday,name_zh", "demo,2027-01-01,off,元旦,节假日", "demo,2027-01-02,work,元旦,节假日"),
		table(policies, "node,key,value", "HQ,service.normal.respond,20m", "R1,service.normal.respond,18m", "S1,photo.exif.apart,5m"),
		table(checklists, "code,version,name_zh,item,question_zh,weight,red_line,unit,low,high", "CL1,1,配电房,i01,温度,2,no,Cel,5,45", "CL1,1,配电房,i02,漏水,3,yes,,,"),
		table(categories, "code,name_zh,line,priority,after_photos,checklist,parent", "ENG,工程,工程,普通,1,,", "ENG-01,灯不亮,engineering,normal,1,CL1,ENG"),
		table(places, "site,code,name_zh,type,parent,signal", "S1,B2,地下二层,floor,,none", "S1,PR1,配电房,room,B2,none", "S2,B2,地下二层,floor,,none"),
		table(assets, "site,code,name_zh,type,place,stock", "S1,BOX-1,配电箱,box,PR1,", "S1,PART-1,灯管,part,PR1,12"),
		table(staff, "code,name,site,role,line,skills,phone,duties,language", "E1,王建国,S1,worker,engineering,lift;electric,13800000001,08:00-20:00 daily,zh",
			"E2,李秀英,S1,manager,butler,,13800000002,,en", "E3,张志强,R1,supervisor,,,,,"),
		table(plans, "site,code,name_zh,checklist,checkpoints,ordered,times,window,assignee", "S1,DAILY,每日巡检,CL1,PR1;B2,yes,08:00 daily,2h,E1"),
	}
}

func TestATableTwiceChangesNothing(t *testing.T) {
	w := start(t)
	for _, want := range []string{"created", "unchanged"} {
		for _, req := range company() {
			for _, dry := range []bool{true, false} {
				req.DryRun = dry
				got, resp := w.enter(w.device, req)
				want := map[string]string{"created": fmt.Sprintf("%d created, 0 changed, 0 unchanged, 0 refused", len(req.GetRows())),
					"unchanged": fmt.Sprintf("0 created, 0 changed, %d unchanged, 0 refused", len(req.GetRows()))}[want]
				if got != want {
					t.Errorf("%v, dry %v: %s, want %s\n%v", req.GetKind(), dry, got, want, resp)
				}
			}
		}
	}
}
