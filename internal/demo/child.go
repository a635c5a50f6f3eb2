package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// serveCommand is the server's process: the real server, but for its clock, which the demo tells it by its standard input. It is not for people.
func serveCommand() *cobra.Command {
	var data, listen, ready, clock string
	var accessLife time.Duration
	cmd := &cobra.Command{Use: "serve-child", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) (err error) {
		first, err := parseLine(clock)
		if err != nil {
			return err
		}
		var at atomic.Pointer[line]
		at.Store(&first)
		ctx, stop := context.WithCancel(cmd.Context())
		defer stop()
		var running atomic.Pointer[server.Server]
		go func() {
			defer stop() // the demo is gone
			told := bufio.NewScanner(cmd.InOrStdin())
			for told.Scan() {
				var scope, kind, id string
				if n, _ := fmt.Sscanf(told.Text(), archiveForm, &scope, &kind, &id); n == 3 && running.Load() != nil {
					fmt.Fprintln(cmd.OutOrStdout(), "archived", running.Load().Engine().Evict(ctx, store.Scope(scope), merge.Kind(kind), merge.RecordID(id)))
					continue
				}
				next, err := parseLine(told.Text())
				if err != nil {
					return
				}
				at.Store(&next)
				fmt.Fprintln(cmd.OutOrStdout(), "clock")
			}
		}()
		cfg := server.Default()
		cfg.Data, cfg.Listen, cfg.ReadyFile, cfg.Admin.Listen, cfg.Log.Level = data, listen, ready, "", "warn"
		cfg.Auth.AccessLife, cfg.First.Organisation = accessLife, "和邻物业集团 Helin Property"
		cfg.Limits.AddressRate, cfg.Limits.DeviceRate = 0, 0 // all devices share one address, and an hour lasts a second
		cfg.Timeouts.Drain = 20 * time.Second
		cfg.Inject.Now = func() time.Time { return at.Load().now() }
		cfg.Inject.Out = io.Discard
		cfg.Inject.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
		if s3 := os.Getenv(s3Env); s3 != "" {
			photos, openErr := openS3(ctx, s3, cfg.Inject.Now)
			if openErr != nil {
				return openErr
			}
			cfg.Inject.Media = photos
			defer func() { err = errors.Join(err, photos.Close()) }()
		}
		s, err := server.Start(ctx, cfg)
		if err != nil {
			return err
		}
		running.Store(s)
		<-ctx.Done()
		return s.Close()
	}}
	flags := cmd.Flags()
	flags.StringVar(&data, "data", "", "")
	flags.StringVar(&listen, "listen", "", "")
	flags.StringVar(&ready, "ready-file", "", "")
	flags.StringVar(&clock, "clock", "", "")
	flags.DurationVar(&accessLife, "access-life", 15*time.Minute, "")
	return cmd
}

// child is the server's process as the demo sees it.
type child struct {
	exe, dir string
	s3       string // object store for the photos; empty: a folder
	time     *timeline
	logs     io.Writer
	alive    *os.File // lock of the demo's directory, which the server holds as well; nil: none is held
	listen   string   // address of the first start, taken again by all later ones

	mu    sync.Mutex // guards what follows
	cmd   *exec.Cmd
	clock io.WriteCloser
	heard *bufio.Reader
	ended chan error
	kills int
}

func (c *child) data() string { return filepath.Join(c.dir, "server") }

// start runs the server until it answers and returns what it says of itself.
func (c *child) start(ctx context.Context) (server.Ready, error) {
	clock := c.time.current().String() // before the lock: the clock is told under its own, and then takes this one
	c.mu.Lock()
	defer c.mu.Unlock()
	ready := filepath.Join(c.dir, "ready.json")
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return server.Ready{}, err
	}
	if c.listen == "" {
		c.listen = "127.0.0.1:0"
	}
	cmd := exec.Command(c.exe, "demo", "serve-child", "--data", c.data(), "--listen", c.listen, "--ready-file", ready, "--clock", clock)
	cmd.Stderr, cmd.ExtraFiles = c.logs, inherited(c.alive)
	if c.s3 != "" {
		cmd.Env = append(os.Environ(), s3Env+"="+c.s3)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return server.Ready{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return server.Ready{}, err
	}
	if err := cmd.Start(); err != nil {
		return server.Ready{}, fmt.Errorf("demo: start the server: %w", err)
	}
	c.cmd, c.clock, c.heard, c.ended = cmd, in, bufio.NewReader(out), make(chan error, 1)
	go func() { c.ended <- cmd.Wait() }()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case err := <-c.ended:
			c.cmd = nil
			return server.Ready{}, fmt.Errorf("demo: the server ended before it answered: %w", err)
		case <-ctx.Done():
			return server.Ready{}, ctx.Err()
		}
		text, err := os.ReadFile(ready)
		if err != nil {
			continue
		}
		var r server.Ready
		if err := json.Unmarshal(text, &r); err != nil {
			return server.Ready{}, fmt.Errorf("demo: the server's ready file: %w", err)
		}
		c.listen = r.Address[len("http://"):]
		return r, nil
	}
}

// archiveForm is how the server is told to take a record out of the working set, as an operator does when closed work has aged.
const archiveForm = "archive %s %s %s"

// archive has the server take a record out of the working set.
func (c *child) archive(scope, kind, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := fmt.Fprintf(c.clock, archiveForm+"\n", scope, kind, id); err != nil {
		return fmt.Errorf("demo: archive: %w", err)
	}
	answer, err := c.heard.ReadString('\n')
	if err == nil && strings.TrimSpace(answer) != "archived <nil>" {
		err = errors.New(strings.TrimSpace(answer))
	}
	if err != nil {
		return fmt.Errorf("demo: archive: %w", err)
	}
	return nil
}

// tell sets the server's clock and waits until it is set. A server that is down will be told when it starts.
func (c *child) tell(l line) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	if _, err := fmt.Fprintln(c.clock, l); err != nil {
		return fmt.Errorf("demo: the server's clock: %w", err)
	}
	if _, err := c.heard.ReadString('\n'); err != nil {
		return fmt.Errorf("demo: the server's clock: %w", err)
	}
	return nil
}

// kill ends the server with SIGKILL and starts it again.
func (c *child) kill(ctx context.Context) error {
	c.mu.Lock()
	cmd, ended := c.cmd, c.ended
	c.cmd = nil
	c.kills++
	c.mu.Unlock()
	if err := cmd.Process.Kill(); err != nil {
		return err
	}
	<-ended
	_, err := c.start(ctx)
	return err
}

// stop lets the server end in its own time.
func (c *child) stop() error {
	c.mu.Lock()
	cmd, ended, clock := c.cmd, c.ended, c.clock
	c.cmd = nil
	c.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if err := clock.Close(); err != nil {
		return err
	}
	if err := <-ended; err != nil {
		return fmt.Errorf("demo: the server did not end well: %w", err)
	}
	return nil
}
