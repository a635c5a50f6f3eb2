package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// played is a stream that says what a test wrote down.
type played struct {
	messages []*roundsv1.ExportResponse
	err      error
	at       int
}

func (p *played) Receive() bool                 { p.at++; return p.at <= len(p.messages) }
func (p *played) Msg() *roundsv1.ExportResponse { return p.messages[p.at-1] }
func (p *played) Err() error                    { return p.err }

func headed(name string) *roundsv1.ExportResponse {
	return &roundsv1.ExportResponse{Part: &roundsv1.ExportResponse_Head{Head: &roundsv1.ExportHead{FileName: name, Total: 3}}}
}

func piece(data string) *roundsv1.ExportResponse {
	return &roundsv1.ExportResponse{Part: &roundsv1.ExportResponse_Chunk{Chunk: &roundsv1.ExportChunk{Data: []byte(data)}}}
}

func ended(content string) *roundsv1.ExportResponse {
	sum := sha256.Sum256([]byte(content))
	return &roundsv1.ExportResponse{Part: &roundsv1.ExportResponse_End{End: &roundsv1.ExportEnd{Sha256: sum[:], SizeBytes: int64(len(content)), Rows: 1}}}
}

func quiet() (*program, *bytes.Buffer) {
	var out bytes.Buffer
	return &program{Streams: Streams{Out: &out, Err: io.Discard, Now: time.Now}}, &out
}

// A whole file gets its name; what breaks off, is another than the server sent, or would take another file's place leaves nothing behind.
func TestExportLeavesWholeFilesAlone(t *testing.T) {
	ask := errors.New("cut")
	for name, c := range map[string]struct {
		stream played
		there  bool // a file of that name
		force  bool
		whole  bool
	}{
		"whole":             {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("ab"), piece(""), piece("c"), ended("abc")}}, whole: true},
		"over another":      {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("abc"), ended("abc")}}, there: true, force: true, whole: true},
		"not over another":  {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("abc"), ended("abc")}}, there: true},
		"no end":            {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("abc")}}},
		"cut":               {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("abc")}, err: ask}},
		"cut behind":        {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("abc"), ended("abc")}, err: ask}},
		"another hash":      {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("abd"), ended("abc")}}},
		"a piece is gone":   {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), piece("ab"), ended("abc")}}},
		"nothing":           {stream: played{}},
		"cancelled":         {stream: played{messages: []*roundsv1.ExportResponse{headed("x")}, err: context.Canceled}},
		"a piece of no one": {stream: played{messages: []*roundsv1.ExportResponse{piece("abc"), ended("abc")}}},
		"two heads":         {stream: played{messages: []*roundsv1.ExportResponse{headed("x"), headed("y"), piece("abc"), ended("abc")}}},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "out.csv")
		if c.there {
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, _ := quiet()
		done, err := target{path: path, force: c.force}.take(&c.stream, p, func() {})
		left, _ := os.ReadDir(dir)
		content, _ := os.ReadFile(path)
		switch {
		case (err == nil) != c.whole:
			t.Errorf("%s: %v", name, err)
		case c.whole && (string(content) != "abc" || len(left) != 1 || done.Rows != 1 || done.Bytes != 3):
			t.Errorf("%s: %q, %d files, %+v", name, content, len(left), done)
		case !c.whole && c.there && (string(content) != "old" || len(left) != 1):
			t.Errorf("%s: the other file is %q, %d files", name, content, len(left))
		case !c.whole && !c.there && len(left) != 0:
			t.Errorf("%s: left %v", name, left)
		case errors.Is(c.stream.err, ask) && !errors.Is(err, ask):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The standard output gets the bytes alone; a name of the server's stays in the directory.
func TestExportNames(t *testing.T) {
	p, out := quiet()
	if _, err := (target{path: "-"}).take(&played{messages: []*roundsv1.ExportResponse{headed("x"), piece("abc"), ended("abc")}}, p, func() {}); err != nil || out.String() != "abc" {
		t.Errorf("%v, %q", err, out)
	}
	t.Chdir(t.TempDir())
	if done, err := (target{}).take(&played{messages: []*roundsv1.ExportResponse{headed("rounds-x.csv"), piece("abc"), ended("abc")}}, p, func() {}); err != nil || done.File != "rounds-x.csv" {
		t.Errorf("%v, %+v", err, done)
	}
	for _, bad := range []string{"", "../x", "/etc/x", ".x", "a/b", `a\b`, "c:x", "a\nb", ".."} {
		if _, err := (target{}).take(&played{messages: []*roundsv1.ExportResponse{headed(bad), piece("abc"), ended("abc")}}, p, func() {}); err == nil {
			t.Errorf("%q was taken for a name", bad)
		}
	}
}

func TestExportMoments(t *testing.T) {
	day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.Local)
	for text, want := range map[string][2]int64{
		"":                          {0, 0},
		"2026-03-04":                {day.UnixMicro(), day.AddDate(0, 0, 1).UnixMicro()},
		"2026-03-04 08:30":          {day.Add(510 * time.Minute).UnixMicro(), day.Add(510 * time.Minute).UnixMicro()},
		"2026-03-04T00:00:00+08:00": {1772553600000000, 1772553600000000},
	} {
		from, err := moment(text, false)
		to, err2 := moment(text, true)
		if err != nil || err2 != nil || from != want[0] || to != want[1] {
			t.Errorf("%q: %d, %d, %v", text, from, to, err)
		}
	}
	if _, err := moment("yesterday", false); err == nil {
		t.Error("yesterday is a time")
	}
}
