package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// escape is what a stranger can write into a name, an id, a sentence or a path: it clears the screen and sets the window's title.
const escape = "\x1b[2J\x1b]0;x\a\u202e"

// shown fails where something would reach the terminal but text.
func shown(t *testing.T, what, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }); i >= 0 {
		t.Errorf("%s: %q", what, text)
	}
}

func TestTablesAreClean(t *testing.T) {
	var out bytes.Buffer
	table := &table{head: []string{"WHO", "WHAT"}}
	table.add(names{}.of(escape), shortID("0123"+escape))
	table.add("a\nb", escape)
	if err := table.print(&out); err != nil {
		t.Fatal(err)
	}
	shown(t, "a table", out.String())
	if lines := strings.Count(out.String(), "\n"); lines != 3 {
		t.Errorf("%d lines", lines)
	}
}

func TestIDsAreClean(t *testing.T) {
	shown(t, "an id", shortID(escape)+shortID("a"+escape)+names{}.of(escape))
}

func TestErrorsAreClean(t *testing.T) {
	problem := &roundsv1.Problem{Sentence: &roundsv1.Text{En: "no" + escape}, Field: escape}
	detail, err := connect.NewErrorDetail(problem)
	if err != nil {
		t.Fatal(err)
	}
	detailed := connect.NewError(connect.CodeUnavailable, errors.New(escape))
	detailed.AddDetail(detail)
	for what, fault := range map[string]error{
		"a problem":         &client.ProblemError{Problem: problem, Cause: errors.New("no")},
		"a call":            connect.NewError(connect.CodeInternal, errors.New(escape)),
		"a call's problem":  detailed,
		"a file":            &fs.PathError{Op: "open", Path: escape, Err: fs.ErrNotExist},
		"something":         fmt.Errorf("%s: it failed", escape),
		"a wrong parameter": fail(Usage, "%s is none of these", escape),
	} {
		var out, told bytes.Buffer
		extra := &cobra.Command{Use: "wrong", RunE: func(*cobra.Command, []string) error { return fault }}
		if code := Main(t.Context(), []string{"wrong"}, Streams{Out: &out, Err: &told}, extra); code == 0 {
			t.Errorf("%s: exit code 0", what)
		}
		shown(t, what, told.String())
		shown(t, what+", what is told when words have to wait", absence("en", fault)+absence("zh", fault)+(&program{lang: "zh"}).lateBytes(fault))
	}
}
