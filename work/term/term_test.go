package term_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/term"
)

const root = "../.."

// enums are those that people read.
func enums() []protoreflect.EnumType {
	return []protoreflect.EnumType{roundsv1.TicketState(0).Type(), roundsv1.InspectionState(0).Type(), roundsv1.ConflictState(0).Type(), roundsv1.PhotoState(0).Type(),
		roundsv1.Severity(0).Type(), roundsv1.DeadlineState(0).Type(), roundsv1.OutcomeStatus(0).Type(), roundsv1.Priority(0).Type(), roundsv1.Step(0).Type(),
		roundsv1.Role(0).Type(), roundsv1.Channel(0).Type(), roundsv1.Acceptance(0).Type(), roundsv1.Verdict(0).Type(), roundsv1.PhotoRole(0).Type(),
		roundsv1.PhotoSource(0).Type(), roundsv1.AnswerResult(0).Type(), roundsv1.EntryType(0).Type(), roundsv1.Trust(0).Type(), roundsv1.LocationSource(0).Type(),
		roundsv1.ConflictType(0).Type(), roundsv1.ConflictAction(0).Type(), roundsv1.BulkObstacle(0).Type(), roundsv1.NoticeCode(0).Type(), roundsv1.NodeType(0).Type(),
		roundsv1.Revocation(0).Type()}
}

// TestOf: every value that is set has words of its own in both languages; one that is not set or not known has none.
func TestOf(t *testing.T) {
	for _, enum := range enums() {
		said := map[string]bool{}
		values := enum.Descriptor().Values()
		for i := range values.Len() {
			value := values.Get(i)
			words := term.Of(enum.New(value.Number()))
			if value.Number() == 0 {
				if words != nil {
					t.Errorf("%s is %v", value.Name(), words)
				}
				continue
			}
			if words.GetEn() == "" || !strings.ContainsFunc(words.GetZh(), func(r rune) bool { return unicode.Is(unicode.Han, r) }) || said[words.GetZh()] || said[words.GetEn()] {
				t.Errorf("%s is %q, %q", value.Name(), words.GetZh(), words.GetEn())
			}
			said[words.GetZh()], said[words.GetEn()] = true, true
		}
		if words := term.Of(enum.New(200)); words != nil {
			t.Errorf("%s 200 is %v", enum.Descriptor().Name(), words)
		}
	}
	// As the document of the trade has them.
	for state, zh := range map[roundsv1.TicketState]string{roundsv1.TicketState_TICKET_STATE_NEW: "待受理", roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE: "完工待传证",
		roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW: "待确认", roundsv1.TicketState_TICKET_STATE_MERGED: "已合并"} {
		if got := term.Of(state).GetZh(); got != zh {
			t.Errorf("%v is %s, not %s", state, got, zh)
		}
	}
}

// TestFlag: each mark that the rules or the schema speak of has words in both languages.
func TestFlag(t *testing.T) {
	for file, pattern := range map[string]string{root + "/docs/rules.md": `flags? "([a-z_]+)"`, root + "/proto/rounds/v1/inspection.proto": `"([a-z]+_[a-z_]+)"[,.)]`} {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all := regexp.MustCompile(pattern).FindAllStringSubmatch(string(page), -1)
		if len(all) < 5 {
			t.Fatalf("%s speaks of %d marks", file, len(all))
		}
		for _, one := range all {
			if words := term.Flag(one[1]); words.GetZh() == "" || words.GetEn() == "" {
				t.Errorf("%q has no words", one[1])
			}
		}
	}
	if term.Flag("mark_of_tomorrow") != nil {
		t.Error("a mark of tomorrow has words")
	}
}

// TestOnePlace: what the states of tickets and rounds are called stands here and nowhere else, so that no two places can differ. Words that mean something else besides are passed over.
func TestOnePlace(t *testing.T) {
	var ours []string
	for _, enum := range []protoreflect.EnumType{roundsv1.TicketState(0).Type(), roundsv1.InspectionState(0).Type()} {
		for i := range enum.Descriptor().Values().Len() {
			if zh := term.Of(enum.New(enum.Descriptor().Values().Get(i).Number())).GetZh(); zh != "" && !slices.Contains([]string{"挂起", "返工", "补检", "免检", "漏检", "已关闭", "已合并", "已提交", "已取消"}, zh) {
				ours = append(ours, zh)
			}
		}
	}
	read := 0
	err := fs.WalkDir(os.DirFS(root), ".", func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && at != "." && strings.HasPrefix(entry.Name(), "."), entry.IsDir() && at == "work/term":
			return fs.SkipDir
		case entry.IsDir() || path.Ext(at) != ".go" || strings.HasSuffix(at, "_test.go"):
			return nil
		}
		read++
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path.Join(root, at), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, _ := strconv.Unquote(literal.Value)
				if parts := strings.Split(text, "|"); slices.ContainsFunc(parts, func(part string) bool { return slices.Contains(ours, part) }) {
					t.Errorf("%s has the word of a state: %s", files.Position(literal.Pos()), literal.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || read < 100 {
		t.Fatalf("%d files read: %v", read, err)
	}
}
