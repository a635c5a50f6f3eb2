package main_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/rounds-sync/rounds/export/typeset/typesettest"
)

// TestExport takes a ticket out in every form, from a real server with a real device.
func TestExport(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	p := build(t)
	dir := t.TempDir()
	admin := filepath.Join(dir, "admin")
	ready, stop := p.serve(filepath.Join(dir, "data"))
	p.must("device", "enroll", "--dir", admin, "--server", ready.Address, ready.Code)
	p.must("admin", "site", "new", "--dir", admin, "--name", "云栖雅苑", "--code", "YQ")
	p.must("admin", "role", "grant", "me", "--dir", admin, "--role", "manager", "--node", "YQ")
	p.must("device", "sync", "--dir", admin)
	ticket := p.object("device", "ticket", "new", "--dir", admin, "--title", "=地库漏水")["id"].(string)

	out := filepath.Join(dir, "tickets.csv")
	done := p.object("export", "tickets", "--dir", admin, "--scope", "YQ", "--lang", "en", "--out", out)
	content, err := os.ReadFile(out)
	if err != nil || done["rows"] != 1.0 || done["file"] != out {
		t.Fatalf("%v, %v", err, done)
	}
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][4] != "'=地库漏水" {
		t.Fatalf("%v, %q", err, rows)
	}
	if r := p.run("export", "tickets", "--dir", admin, "--out", out); r.code != 1 || !strings.Contains(r.err, "--force") {
		t.Errorf("over a file that is there: %+v", r)
	}
	p.must("export", "tickets", "--dir", admin, "--out", out, "--force", "--bom", "--state", "new", "--from", "2020-01-01", "--to", "2199-01-01")
	if r := p.run("export", "history", "--dir", admin, "--out", "-"); r.code != 0 || !strings.HasPrefix(r.out, "范围,项目,") || !strings.Contains(r.err, "SHA-256") {
		t.Errorf("history on the standard output: %+v", r)
	}
	book := filepath.Join(dir, "facts.xlsx")
	p.must("export", "facts", "--dir", admin, "--format", "xlsx", "--out", book)
	if opened, err := excelize.OpenFile(book); err != nil {
		t.Error(err)
	} else {
		_ = opened.Close()
	}
	page := filepath.Join(dir, "ticket.pdf")
	p.must("export", "pdf", ticket[len(ticket)-8:], "--dir", admin, "--out", page)
	content, _ = os.ReadFile(page)
	if d, err := typesettest.Read(content); err != nil || !strings.Contains(d.Text, "=地库漏水") {
		t.Errorf("%v, %q", err, d.Text)
	}
	for _, c := range []struct {
		code int
		args []string
	}{
		{2, []string{"export", "tickets", "--format", "pdf"}}, {2, []string{"export", "tickets", "--from", "soon"}}, {2, []string{"export", "tickets", "--state", "gone"}},
		{2, []string{"export", "tickets", "--offline"}}, {2, []string{"export", "nothing"}}, {2, []string{"export", "pdf", "--lang", "fr", ticket}},
		{5, []string{"export", "tickets", "--record", "01900000-0000-7000-8000-000000000001"}}, {5, []string{"export", "pdf", "--scope", "YQ", "01900000-0000-7000-8000-000000000001"}},
		{5, []string{"export", "tickets", "--scope", "site/01900000-0000-7000-8000-000000000001"}}, {1, []string{"export", "pdf", "ffffffff"}},
	} {
		r := p.run(append(c.args, "--dir", admin, "--out", filepath.Join(dir, "none"))...)
		if r.code != c.code {
			t.Errorf("%q: %+v", c.args, r)
		}
	}
	stop()
	if r := p.run("export", "rounds", "--dir", admin, "--out", filepath.Join(dir, "none"), "--wait", "2s"); r.code != 4 {
		t.Errorf("without a server: %+v", r)
	}
	left, _ := os.ReadDir(dir)
	for _, one := range left {
		if strings.Contains(one.Name(), "none") || strings.HasSuffix(one.Name(), ".part") {
			t.Errorf("%s is left", one.Name())
		}
	}
}
