package main_test

import (
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/work"
)

// crewTables are what the crew's site is made of.
func crewTables() map[string]string {
	return map[string]string{
		"sites": "code,name_zh,name_en,time_zone\nYQ,云栖雅苑,Yunqi Court,Asia/Shanghai\n",
		"categories": "code,name_zh,name_en,line,priority,before_photo,after_photos,live_camera\n" +
			"EP-11,地库漏水,basement leak,engineering,normal,yes,2,yes\nEP-01,公区灯不亮,light out,engineering,normal,no,1,no\n",
		"checklists": "code,version,name_zh,name_en,item,question_zh,question_en,weight,unit,low,high,least,greatest,category\n" +
			"CL4,1,水泵房,Pump room,pressure,出口压力,outlet pressure,3,bar,2,4,0,16,\nCL4,1,水泵房,Pump room,dry,无渗漏,no leak,2,,,,,,EP-11\n",
		"places": "site,code,name_zh,name_en,type,tag\nYQ,B2-PUMP,生活水泵房,Pump room,room,QR-PUMP\nYQ,B2-TANK,水箱间,Tank room,room,QR-TANK\n",
		"staff":  "code,name,site,role\nE1,李伟,YQ,worker\nE2,王芳,YQ,worker\nE3,周敏,YQ,supervisor\n",
	}
}

// crew is a site with its people at devices of their own.
type crew struct {
	program
	dir string
}

// as runs a command of somebody's device, and expects an exit code.
func (c crew) as(who string, code int, args ...string) result {
	c.t.Helper()
	r := c.run(append([]string{"device", "--dir", filepath.Join(c.dir, who)}, args...)...)
	if r.code != code {
		c.t.Fatalf("%s: rounds device %s: exit code %d, not %d\n%s%s", who, strings.Join(args, " "), r.code, code, r.out, r.err)
	}
	return r
}

// says expects words in what was printed.
func (c crew) says(r result, words ...string) {
	c.t.Helper()
	for _, one := range words {
		if !strings.Contains(r.out+r.err, one) {
			c.t.Errorf("%q is not in\n%s%s", one, r.out, r.err)
		}
	}
}

// await syncs a device until a record is in a state.
func (c crew) await(who, id, state string, show ...string) {
	c.t.Helper()
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for {
		c.as(who, 0, "sync")
		r := c.as(who, 0, append(show, id)...)
		if strings.Contains(r.out, state) {
			return
		}
		select {
		case <-c.t.Context().Done():
			c.t.Fatalf("%s never came to %s:\n%s", id, state, r.out)
		case <-tick.C:
		}
	}
}

// picture writes a photo that no other seed gives.
func (c crew) picture(name string, seed int) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	drawn(c.t, path, seed)
	return path
}

// drawn writes a photo that no other seed gives, nor one that looks like it.
func drawn(t *testing.T, path string, seed int) {
	t.Helper()
	img, random := image.NewGray(image.Rect(0, 0, 320, 240)), rand.New(rand.NewPCG(uint64(seed), 1))
	for y := 0; y < 240; y += 20 {
		for x := 0; x < 320; x += 20 {
			draw.Draw(img, image.Rect(x, y, x+20, y+20), image.NewUniform(color.Gray{uint8(random.UintN(256))}), image.Point{}, draw.Src)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(jpeg.Encode(f, img, nil), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func newCrew(t *testing.T) crew {
	c := crew{build(t), t.TempDir()}
	ready, _ := c.serve(filepath.Join(c.dir, "data"))
	boss := filepath.Join(c.dir, "boss")
	c.must("device", "enroll", "--dir", boss, "--server", ready.Address, ready.Code)
	tables := filepath.Join(c.dir, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range crewTables() {
		if err := os.WriteFile(filepath.Join(tables, name+".csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.must("import", "--dir", boss, tables)
	c.must("admin", "role", "grant", "me", "--dir", boss, "--role", "manager", "--node", "YQ")
	c.must("device", "sync", "--dir", boss)
	for name, who := range map[string]string{"李伟": "li", "王芳": "wang", "周敏": "zhou"} {
		uri := c.object("admin", "code", "new", name, "--dir", boss)["uri"].(string)
		c.must("device", "enroll", "--dir", filepath.Join(c.dir, who), uri)
	}
	return c
}

// TestCrew walks one ticket and one round from their beginnings to their ends, by the commands of several devices, and sees what the devices and the server
// refuse on the way.
func TestCrew(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	c := newCrew(t)
	c.ticket()
	c.round()
}

func (c crew) ticket() {
	id := c.object("device", "ticket", "new", "--dir", filepath.Join(c.dir, "boss"), "--title", "地库漏水")["id"].(string)
	c.says(c.as("boss", 2, "triage", id, "--category", "地库渗水"), "地库漏水 (EP-11)")
	c.says(c.as("boss", 0, "triage", id, "--category", "ep-11"), "sent; now triaged")
	c.says(c.as("boss", 2, "dispatch", id, "--to", "李玮"), "李伟 (E1)")
	c.as("boss", 0, "dispatch", id, "--to", "E1")

	// The device knows what the rules ask, without a network too, and in the person's language.
	c.as("li", 0, "sync")
	c.says(c.as("li", 0, "accept", id, "--offline"), "queued, will be sent", "accepted (not confirmed)")
	c.says(c.as("li", 5, "start", id, "--offline", "--lang", "zh"), "须先拍现场照片", "[MISSING have=0 required=1]", "--anyway")
	c.says(c.as("li", 0, "start", id, "--offline", "--lang", "zh", "--photo", c.picture("before.jpg", 1), "--source", "camera"), "已保存,联网后发送", "现为「处理中」(未确认)")
	c.says(c.as("li", 5, "pause", id, "--reason", "nonsense"), "INVALID_FIELD")
	// Facts are kept where the command that they came with is refused.
	c.says(c.as("li", 5, "done", id, "--photo", c.picture("after1.jpg", 2), "--source", "camera"), "have=1 required=2", "1 facts that came with it are kept")
	var done struct {
		Sent, Confirmed bool
		State           string
	}
	r := c.as("li", 0, "done", id, "--photo", c.picture("after2.jpg", 3), "--source", "camera", "--note", "sealed", "--json")
	if err := json.Unmarshal([]byte(r.out), &done); err != nil || !done.Sent || !done.Confirmed || done.State != "done_pending_evidence" {
		c.t.Errorf("done: %v, %+v in %s", err, done, r.out)
	}

	c.await("zhou", id, "pending review", "ticket", "show")
	c.as("li", 0, "sync")
	c.says(c.as("li", 5, "approve", id), "OWN_WORK")
	c.says(c.as("li", 5, "approve", id, "--anyway"), "rejected", "tray")
	c.says(c.as("li", 0, "tray", "--lang", "zh"), "approve", "未被采纳")
	c.says(c.as("zhou", 0, "reject", id, "--reason", "not_clean", "--words", "the corner"), "now rework")
	c.as("li", 0, "sync")
	c.says(c.as("li", 0, "notices", "--seen"), "ASSIGNED", "REJECTED")
	c.says(c.as("li", 0, "notices"), "nothing new")
	c.as("li", 0, "start", id)
	c.as("li", 0, "done", id, "--photo", c.picture("after3.jpg", 4), "--photo", c.picture("after4.jpg", 5), "--source", "camera")
	c.await("zhou", id, "pending review", "ticket", "show")
	c.says(c.as("zhou", 0, "approve", id), "now closed")
	got := jsonOf(c.t, c.object("device", "ticket", "show", id, "--dir", filepath.Join(c.dir, "zhou")))
	for what, field := range map[string]string{"interval of work": `"labour":[{`, "digest of what was approved": `"digest":"`, "remark": `"words":"sealed"`} {
		if !strings.Contains(got, field) {
			c.t.Errorf("no %s is on record", what)
		}
	}

	// Two numbers are a question; it is given to somebody.
	c.as("li", 0, "ticket", "edit", id, "--phone", "13800000001", "--offline")
	c.as("zhou", 0, "ticket", "edit", id, "--phone", "13800000002")
	c.as("li", 0, "sync")
	c.as("zhou", 0, "sync")
	asked := c.as("zhou", 0, "inbox")
	c.says(asked, "edit_field", "butler")
	question := strings.Fields(strings.Split(asked.out, "\n")[1])[0]
	c.says(c.as("zhou", 0, "inbox", "show", question), "edit_field", "side 1", "contact_phone")
	c.says(c.as("zhou", 2, "inbox", "decide", question, "merge"), "it offers edit_field")
	c.says(c.as("zhou", 0, "inbox", "assign", question, "王芳", "--lang", "zh"), "待裁决")
	c.says(c.as("zhou", 0, "inbox"), "no question is open for you")
}

func (c crew) round() {
	id := c.object("device", "round", "new", "--dir", filepath.Join(c.dir, "zhou"), "--title", "泵房巡检", "--checklist", "cl4", "--checkpoint", "B2-PUMP,水箱间")["id"].(string)
	c.await("zhou", id, "released", "round", "show") // its window has begun, so the server releases it
	c.as("li", 0, "sync")
	c.as("wang", 0, "sync")
	c.says(c.as("li", 5, "round", "start", id, "--offline"), "MISSING")
	c.says(c.as("li", 0, "round", "start", id, "--tag", "QR-PUMP"), "now running")
	c.as("li", 0, "scan", id, "--tag", "QR-TANK")
	c.says(c.as("li", 2, "answer", id, "wet", "pass"), "pressure", "dry")
	c.says(c.as("li", 5, "round", "submit", id, "--offline", "--lang", "zh"), "2项未作答")
	c.says(c.as("li", 0, "answer", id, "pressure", "--reading", "17"), "cannot be")
	c.as("li", 0, "answer", id, "1", "--reading", "3.2")
	// Two phones find the same fault: one ticket.
	c.as("wang", 0, "answer", id, "no leak", "fail", "--note", "drips", "--photo", c.picture("leak1.jpg", 6), "--offline")
	c.as("li", 0, "answer", id, "dry", "fail", "--note", "wet floor", "--photo", c.picture("leak2.jpg", 7))
	c.as("wang", 0, "sync")
	c.says(c.as("li", 0, "round", "submit", id), "now submitted")
	c.await("zhou", id, "待确认", "round", "show", "--lang", "zh")
	c.says(c.as("zhou", 0, "round", "show", id), "B2-TANK", "3.2 bar", "FAIL")
	c.says(c.as("zhou", 0, "approve", id), "now approved")
	made := work.FailureTicketID(id, "", "dry")
	if n := strings.Count(c.as("zhou", 0, "ticket", "list", "--json").out, `"id": "`+made+`"`); n != 1 {
		c.t.Errorf("%d tickets %s", n, made)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
