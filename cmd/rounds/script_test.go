package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/cmd/rounds/internal/cli"
)

// TestScripts plays the scripts in testdata/scripts, one after another, by the devices of one company at one real server. What the commands do is done in this
// process, in the devices' real directories.
//
// A line that is not indented runs a command: the name of somebody's device, ! and the exit code where it is not 0, and the arguments of rounds; "..." is one
// argument. With +3h behind the name the command takes it for three hours later. Indented lines say what is expected of it, until the next command:
//
//	> text     is printed, on either output
//	1 text     is printed once
//	< text     is not printed
//	= NAME     the whole id of what was made is $NAME from here on (of a command with --json)
//	= NAME of  the same of the one that stands in the field "of", where the command lists things
//	~          the command is run again, each time behind a sync, until all that is expected is printed
//
// $LONG is a text that is longer than any field, $BAD one that nobody can read, and of an id $NAME its last eight characters are $SHORTNAME.
// @name is the path of a photo: the same photo for the same name in one script, another one in any other; $DIR is a folder of the script's own.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	scripts, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	w := newWorld(t)
	for _, path := range scripts {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, world: w, name: name, vars: map[string]string{"DIR": t.TempDir(), "SERVER": w.address,
				"LONG": strings.Repeat("x", 70_000), "BAD": "bad\xff"}}
			s.play(string(text))
		})
	}
}

// world is a server with the devices of its people, each in a folder of its own.
type world struct {
	dir, address string
}

// worldTables are the tables of the company of the scripts.
func worldTables() map[string]string {
	return map[string]string{
		"sites": "code,name_zh,name_en,time_zone\nYQ,云栖雅苑,Yunqi Court,Asia/Shanghai\n",
		"categories": "code,name_zh,name_en,line,priority,before_photo,after_photos,live_camera,checklist\n" +
			"EP-11,地库漏水,basement leak,engineering,normal,yes,2,yes,\nEP-01,公区灯不亮,light out,engineering,normal,no,1,no,\nCL-06,地库积水,basement water,cleaning,normal,no,1,no,\n" +
			"EP-20,水泵检修,pump service,engineering,normal,no,1,no,CL4\n",
		"assets": "site,code,name_zh,name_en,type,place\nYQ,PUMP-1,一号泵,Pump 1,pump,B2-PUMP\n",
		"checklists": "code,version,name_zh,name_en,item,question_zh,question_en,weight,unit,low,high,least,greatest,category\n" +
			"CL4,1,水泵房,Pump room,pressure,出口压力,outlet pressure,3,bar,2,4,0,16,\nCL4,1,水泵房,Pump room,dry,无渗漏,no leak,2,,,,,,EP-11\n",
		"places": "site,code,name_zh,name_en,type,tag\nYQ,B2-PUMP,生活水泵房,Pump room,room,QR-PUMP\nYQ,B2-TANK,水箱间,Tank room,room,QR-TANK\nYQ,B2-NEW,新泵房,New pump room,room,\n",
		"staff": "code,name,site,role,language\nE1,李伟,YQ,worker,zh\nE2,王芳,YQ,worker,en\nE3,周敏,YQ,supervisor,en\nE4,方强,YQ,foreman,en\n" +
			"E5,关悦,YQ,butler,zh\nE6,柯宁,YQ,dispatcher,en\nE7,孙磊,YQ,supervisor,en\nE8,许强,YQ,worker,en\nE9,鲍清,YQ,auditor,en\n",
	}
}

// people are the devices by their names in scripts.
func people() map[string]string {
	return map[string]string{"李伟": "li", "王芳": "wang", "周敏": "zhou", "方强": "fang", "关悦": "guan", "柯宁": "ke", "孙磊": "sun", "许强": "xu", "鲍清": "bao"}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	ready, _ := build(t).serve(filepath.Join(w.dir, "data"))
	w.address = ready.Address
	must := func(who string, args ...string) result {
		t.Helper()
		r := w.run(t.Context(), who, args...)
		if r.code != 0 {
			t.Fatalf("%s: rounds %s: %+v", who, strings.Join(args, " "), r)
		}
		return r
	}
	must("boss", "device", "enroll", "--server", ready.Address, ready.Code)
	tables := filepath.Join(w.dir, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range worldTables() {
		if err := os.WriteFile(filepath.Join(tables, name+".csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must("boss", "import", tables)
	must("boss", "admin", "role", "grant", "me", "--role", "manager", "--node", "YQ")
	must("boss", "device", "sync")
	for name, who := range people() {
		var code struct{ URI string }
		if err := json.Unmarshal([]byte(must("boss", "admin", "code", "new", name, "--json").out), &code); err != nil {
			t.Fatal(err)
		}
		must(who, "device", "enroll", code.URI)
	}
	return w
}

// run runs a command in this process, as the device of a name.
func (w *world) run(ctx context.Context, who string, args ...string) result {
	return w.runAt(ctx, time.Now, who, args...)
}

// runAt is run by another clock.
func (w *world) runAt(ctx context.Context, now func() time.Time, who string, args ...string) result {
	var out, errs bytes.Buffer
	code := cli.Main(ctx, patient(args), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Now: now,
		Environ: []string{"ROUNDS_DEVICE_DIR=" + filepath.Join(w.dir, who), "LC_ALL=C"}})
	return result{out.String(), errs.String(), code}
}

// script is one script on its way.
type script struct {
	*world
	t    *testing.T
	name string
	vars map[string]string
}

// command is one command of a script with what is expected of it.
type command struct {
	line          int
	who           string
	code          int
	later         time.Duration
	args          []string
	shows, shuns  []string
	once          []string
	name, of      string // of the id that it makes, and the field where it stands
	again, isJSON bool
}

func (s *script) play(text string) {
	s.t.Helper()
	var next *command
	for n, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#':
		case line[0] != ' ' && line[0] != '\t':
			s.do(next)
			next = s.read(n+1, line)
		case trimmed[0] == '~':
			next.again = true
		case len(trimmed) < 3 || next == nil:
			s.t.Fatalf("%s:%d: %q is no expectation", s.name, n+1, line)
		case trimmed[0] == '>':
			next.shows = append(next.shows, s.expand(trimmed[2:]))
		case trimmed[0] == '1':
			next.once = append(next.once, s.expand(trimmed[2:]))
		case trimmed[0] == '<':
			next.shuns = append(next.shuns, s.expand(trimmed[2:]))
		case trimmed[0] == '=':
			next.name, next.of, _ = strings.Cut(trimmed[2:], " ")
		default:
			s.t.Fatalf("%s:%d: %q is no expectation", s.name, n+1, line)
		}
	}
	s.do(next)
}

// read reads a command. What it says is filled in when it runs, for names may come from the command before it.
func (s *script) read(n int, line string) *command {
	s.t.Helper()
	words := regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1)
	c := &command{line: n, who: words[0]}
	if who, code, ok := strings.Cut(words[0], "!"); ok {
		var err error
		if c.code, err = strconv.Atoi(code); err != nil {
			s.t.Fatalf("%s:%d: %v", s.name, n, err)
		}
		c.who = who
	}
	if who, later, ok := strings.Cut(c.who, "+"); ok {
		var err error
		if c.later, err = time.ParseDuration(later); err != nil {
			s.t.Fatalf("%s:%d: %v", s.name, n, err)
		}
		c.who = who
	}
	for _, word := range words[1:] {
		if len(word) > 1 && word[0] == '"' {
			word = word[1 : len(word)-1]
		}
		c.isJSON = c.isJSON || word == "--json"
		c.args = append(c.args, word)
	}
	return c
}

// expand fills in names and photos.
func (s *script) expand(text string) string {
	s.t.Helper()
	return regexp.MustCompile(`\$[A-Z0-9]+|@[a-z0-9-]+`).ReplaceAllStringFunc(text, func(found string) string {
		if found[0] == '@' {
			return s.picture(found[1:])
		}
		value, ok := s.vars[found[1:]]
		if !ok {
			s.t.Fatalf("%s: nothing is called %s", s.name, found)
		}
		return value
	})
}

func (s *script) picture(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.name + "/" + name))
	path := filepath.Join(s.vars["DIR"], name+".jpg")
	if _, err := os.Stat(path); err != nil {
		drawn(s.t, path, int(h.Sum32()%1_000_000))
	}
	return path
}

func (s *script) do(c *command) {
	s.t.Helper()
	if c == nil {
		return
	}
	if c.name != "" && !c.isJSON {
		c.args = append(c.args, "--json")
	}
	args := make([]string, len(c.args))
	for i, arg := range c.args {
		args[i] = s.expand(arg)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; { // for a machine that has much else to do
		r := s.runAt(s.t.Context(), func() time.Time { return time.Now().Add(c.later) }, c.who, args...)
		fault := c.fault(r)
		if fault == "" && strings.Contains(r.out+r.err, "goroutine ") {
			fault = "a stack trace"
		}
		switch {
		case fault == "":
			s.keep(c, r)
			return
		case !c.again || time.Now().After(deadline):
			s.t.Errorf("%s:%d: %s: rounds %s\nexit code %d, not %d; %s\n%s%s", s.name, c.line, c.who, strings.Join(args, " "), r.code, c.code, fault, r.out, r.err)
			return
		}
		tick := time.NewTimer(20 * time.Millisecond)
		<-tick.C
		s.run(s.t.Context(), c.who, "device", "sync")
	}
}

// fault says what is not as it was expected; "" where all is.
func (c *command) fault(r result) string {
	if r.code != c.code {
		return "it ended otherwise"
	}
	for _, text := range c.shows {
		if !strings.Contains(r.out+r.err, text) {
			return fmt.Sprintf("%q is not printed", text)
		}
	}
	for _, text := range c.once {
		if n := strings.Count(r.out+r.err, text); n != 1 {
			return fmt.Sprintf("%q is printed %d times", text, n)
		}
	}
	for _, text := range c.shuns {
		if strings.Contains(r.out+r.err, text) {
			return fmt.Sprintf("%q is printed", text)
		}
	}
	return ""
}

// keep remembers the id of what a command made.
func (s *script) keep(c *command, r result) {
	s.t.Helper()
	if c.name == "" {
		return
	}
	if c.of != "" {
		s.vars[c.name] = s.listed(c, r)
		return
	}
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(r.out), &made); err != nil || made.ID == "" {
		var list []struct{ ID string }
		if err := json.Unmarshal([]byte(r.out), &list); err != nil || len(list) != 1 {
			s.t.Fatalf("%s:%d: %d of them have no one id: %s", s.name, c.line, len(list), r.out)
		}
		made = list[0]
	}
	s.vars[c.name], s.vars["SHORT"+c.name] = made.ID, made.ID[len(made.ID)-8:]
}

// listed is the id of the one thing of a kind that a command lists: of the field devices, its deviceId.
func (s *script) listed(c *command, r result) string {
	s.t.Helper()
	var lists map[string][]map[string]any
	if err := json.Unmarshal([]byte(r.out), &lists); err != nil || len(lists[c.of]) != 1 {
		s.t.Fatalf("%s:%d: %d %s, not one: %v\n%s", s.name, c.line, len(lists[c.of]), c.of, err, r.out)
	}
	id, _ := lists[c.of][0][strings.TrimSuffix(c.of, "s")+"Id"].(string)
	return id
}
