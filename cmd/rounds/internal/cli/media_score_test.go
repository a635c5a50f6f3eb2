package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// score runs the command as it stands below a root.
func score(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{Streams: Streams{Out: &stdout, Err: &stderr}}
	root := &cobra.Command{Use: "rounds", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(p.mediaScore())
	(&program{}).strict(root)
	root.SetArgs(append([]string{"score"}, args...))
	err = root.ExecuteContext(t.Context())
	if stderr.Len() > 0 {
		t.Errorf("a progress bar where there is no terminal: %q", stderr.String())
	}
	return stdout.String(), err
}

func TestMediaScore(t *testing.T) {
	text, err := score(t, "--photos", "2", "--width", "64", "--seed", "3")
	if err != nil || !strings.Contains(text, "| NEAR_DUPLICATE | soft |") || !strings.Contains(text, "honest: basement without a fix") {
		t.Errorf("%v: %s", err, text)
	}
	text, err = score(t, "--photos", "2", "--width", "64", "--seed", "3", "--json")
	var found struct {
		Photos int
		Checks []scored
	}
	if err != nil || json.Unmarshal([]byte(text), &found) != nil || found.Photos < 40 || len(found.Checks) != 19 {
		t.Errorf("%v: %s", err, text)
	}
}

func TestMediaScoreRefuses(t *testing.T) {
	for _, args := range [][]string{{"--photos", "0"}, {"--width", "9"}, {"--set", "photo.near.frequency=99"}, {"--set", "photo.near.typo=1"}, {"extra"}} {
		if out, err := score(t, args...); err == nil || out != "" {
			t.Errorf("%q: %v, %q", args, err, out)
		} else if _, code := explain(err); code != Usage {
			t.Errorf("%q: exit %d: %v", args, code, err)
		}
	}
}
