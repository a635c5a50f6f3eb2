package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a server that the benchmark started, in a process of its own so that its time and memory can be told from the generator's.
type process struct {
	cmd     *exec.Cmd
	log     *bytes.Buffer
	ended   chan struct{} // closed when it has ended
	address string
	url     string
	code    string
	root    string
	admin   string // address of the operators' port
	took    time.Duration
}

// ready is what a server writes into its ready file.
type ready struct {
	Address string `json:"address"`
	Admin   string `json:"admin"`
	URL     string `json:"url"`
	Code    string `json:"code"`
	Root    string `json:"root_node_id"`
}

// startTimeout is how long a server may take to open its store.
const startTimeout = 2 * time.Minute

// start runs a server on a data directory and returns once it says that it is ready.
func (r *run) start(ctx context.Context, args ...string) (*process, error) {
	readyFile := filepath.Join(r.dir, args[0]+".json")
	if err := os.Remove(readyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, r.self, append(args, "--ready-file", readyFile)...), log: new(bytes.Buffer), ended: make(chan struct{})}
	p.cmd.Stderr, p.cmd.Env = p.log, append(os.Environ(), r.env...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 30 * time.Second
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	look := time.NewTicker(500 * time.Microsecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-p.ended:
			return nil, fmt.Errorf("the server ended at its start: %s", lastLines(p.log.String()))
		}
		text, err := os.ReadFile(readyFile)
		if errors.Is(err, fs.ErrNotExist) && time.Since(began) < startTimeout {
			continue
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the server did not become ready: %w", err), p.stop())
		}
		var is ready
		if err := json.Unmarshal(text, &is); err != nil {
			return nil, errors.Join(fmt.Errorf("the ready file: %w", err), p.stop())
		}
		p.took = time.Since(began)
		p.address, p.url, p.code, p.root, p.admin = is.Address, is.URL, is.Code, is.Root, is.Admin
		return p, nil
	}
}

func lastLines(s string) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-1000):]
}

// lastWords is what a process said before it ended by itself; empty while it runs.
func (p *process) lastWords() string {
	if p == nil {
		return ""
	}
	select {
	case <-p.ended:
		return fmt.Sprintf("; the server has ended (%v): %s", p.cmd.ProcessState, lastLines(p.log.String()))
	default:
		return ""
	}
}

// stop tells the process to end and waits until it has.
func (p *process) stop() error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return errors.New("the server did not end within a minute and was killed")
	}
}

// clockTick is the unit of /proc/<pid>/stat.
const clockTick = 10 * time.Millisecond

// cpu returns the time that the process has run so far, in itself and in the kernel for it; false where the system does not tell.
func (p *process) cpu() (time.Duration, bool) {
	if p == nil {
		return 0, false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, false
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, false
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, err1 == nil && err2 == nil
}

// memory returns what the process holds of the machine's memory, bytes: own is its own, mapped are pages of the store's files, which the system takes
// back when it needs them. It is false where the system does not tell.
func (p *process) memory() (own, mapped int64, ok bool) {
	if p == nil {
		return 0, 0, false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "RssAnon":
			own, ok = kib<<10, true
		case "RssFile":
			mapped = kib << 10
		}
	}
	return own, mapped, ok
}

// watchPeak begins to watch how much of the machine's memory the process holds at most, its own and mapped; the function it returns tells, and false where
// the system does not.
func (p *process) watchPeak() func() (int64, bool) {
	none := func() (int64, bool) { return 0, false }
	if p == nil {
		return none
	}
	at := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	if err := os.WriteFile(at+"clear_refs", []byte("5"), 0); err != nil { // the peak begins anew
		return none
	}
	return func() (int64, bool) {
		text, err := os.ReadFile(at + "status")
		if err != nil {
			return 0, false
		}
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(line, ":"); name == "VmHWM" {
				kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
				return kib << 10, err == nil
			}
		}
		return 0, false
	}
}

// ownEvery is how often watchOwn looks.
const ownEvery = 20 * time.Millisecond

// watchOwn begins to watch how much memory of its own the process holds at most, without what it maps of its files; the function it returns ends that and tells,
// and false where the system does not. What comes and goes between two looks is not seen.
func (p *process) watchOwn(ctx context.Context) func() (int64, bool) {
	ctx, stop := context.WithCancel(ctx)
	var (
		watching sync.WaitGroup
		most     int64
		told     bool
	)
	watching.Go(func() {
		look := time.NewTicker(ownEvery)
		defer look.Stop()
		for {
			if own, _, ok := p.memory(); ok {
				most, told = max(most, own), true
			}
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() (int64, bool) {
		stop()
		watching.Wait()
		return most, told
	}
}

// diskBytes is what a directory takes of the disk: blocks, so that the holes in sparse files do not count.
func diskBytes(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // removed by the store meanwhile
				return nil
			}
			return err
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			sum += s.Blocks * 512
		} else if !info.IsDir() {
			sum += info.Size()
		}
		return nil
	})
	return sum, err
}
