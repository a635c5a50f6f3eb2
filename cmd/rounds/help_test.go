package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/cmd/rounds/internal/cli"
)

// helpOf is what a command says of itself to somebody whose surroundings are of a language.
func helpOf(t *testing.T, language string, path []string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Main(t.Context(), append(path, "--help"), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Now: time.Now,
		Environ: []string{"LANG=" + language, "ROUNDS_DEVICE_DIR=" + filepath.Join(t.TempDir(), "none")}}, mounted()...); code != 0 {
		t.Fatalf("rounds %s --help: exit code %d\n%s", strings.Join(path, " "), code, errs.String())
	}
	return out.String()
}

// TestEveryCommandSpeaksChinese where the surroundings do, with every flag, and English elsewhere: down the whole tree of commands, as its own help tells it.
func TestEveryCommandSpeaksChinese(t *testing.T) {
	chinese := regexp.MustCompile(`\p{Han}`)
	command, flag := regexp.MustCompile(`^  ([a-z][a-z-]*) +(\S.*)$`), regexp.MustCompile(`^ +(?:-\w, )?(--[a-z0-9-]+)(.*)$`)
	quoted := regexp.MustCompile(`"[^"]*"|李伟`) // in examples
	seen := 0
	var walk func(path []string)
	walk = func(path []string) {
		seen++
		text, name := helpOf(t, "zh_CN.UTF-8", path), strings.Join(append([]string{"rounds"}, path...), " ")
		about, _, _ := strings.Cut(text, "用法：")
		if !chinese.MatchString(about) {
			t.Errorf("%s says nothing of itself in Chinese: %s", name, about)
		}
		if other := helpOf(t, "en_GB.UTF-8", path); chinese.MatchString(quoted.ReplaceAllString(other, "")) {
			t.Errorf("%s speaks Chinese to somebody who does not:\n%s", name, other)
		}
		listed := false
		for _, line := range strings.Split(text, "\n") {
			switch {
			case line == "":
				listed = false
			case strings.HasSuffix(line, "命令："):
				listed = true
			case listed:
				found := command.FindStringSubmatch(line)
				if found == nil || !chinese.MatchString(found[2]) {
					t.Errorf("%s: a command without Chinese: %q", name, line)
				}
				if found != nil && found[1] != "help" {
					walk(append(path[:len(path):len(path)], found[1]))
				}
			default:
				if found := flag.FindStringSubmatch(line); found != nil && !chinese.MatchString(found[2]) {
					t.Errorf("%s: a flag without Chinese: %s", name, found[1])
				}
			}
		}
	}
	walk(nil)
	if seen < 100 {
		t.Errorf("only %d commands are found (%v)", seen, os.Args[0])
	}
}
