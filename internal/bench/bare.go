package bench

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server/compress"
)

// bareName is the hidden command that runs a bare server in a process of its own.
const bareName = "bare-server"

// bareServer is the machine's limit for a push: it decodes every mutation, gathers what comes together into one write and one sync, and answers.
// It merges nothing, keeps no order and no index, and asks nobody for a right. Nothing could be as durable and faster but by luck.
type bareServer struct {
	roundsv1connect.UnimplementedSyncServiceHandler
	file  *os.File
	delay time.Duration

	mu      sync.Mutex // guards what follows
	pending *bareGroup
	writing bool
}

// bareGroup is what is written at once.
type bareGroup struct {
	bytes []byte
	done  chan struct{}
	err   error
}

var _ roundsv1connect.SyncServiceHandler = (*bareServer)(nil)

// Exchange implements SyncServiceHandler.
func (b *bareServer) Exchange(_ context.Context, req *connect.Request[roundsv1.ExchangeRequest]) (*connect.Response[roundsv1.ExchangeResponse], error) {
	resp := new(roundsv1.ExchangeResponse)
	var write []byte
	for _, l := range req.Msg.GetLanes() {
		for _, content := range l.GetMutations() {
			m := new(roundsv1.Mutation)
			if err := proto.Unmarshal(content, m); err != nil {
				return nil, connect.NewError(connect.CodeInvalidArgument, err)
			}
			write = append(write, content...)
		}
		resp.Lanes = append(resp.Lanes, &roundsv1.LaneResult{Scope: l.GetScope(), Taken: l.GetFirstSeq() + uint64(len(l.GetMutations())) - 1})
	}
	if len(write) > 0 {
		if err := b.write(write); err != nil {
			return nil, err
		}
	}
	return connect.NewResponse(resp), nil
}

// write returns when the bytes are on the medium.
func (b *bareServer) write(bytes []byte) error {
	b.mu.Lock()
	if b.pending == nil {
		b.pending = &bareGroup{done: make(chan struct{})}
	}
	g := b.pending
	g.bytes = append(g.bytes, bytes...)
	if !b.writing {
		b.writing = true
		go b.drain()
	}
	b.mu.Unlock()
	<-g.done
	return g.err
}

func (b *bareServer) drain() {
	for {
		b.mu.Lock()
		g := b.pending
		b.pending = nil
		if g == nil {
			b.writing = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		if _, g.err = b.file.Write(g.bytes); g.err == nil {
			g.err = syncData(b.file)
		}
		if b.delay > 0 {
			time.Sleep(b.delay)
		}
		close(g.done)
	}
}

func bareCommand() *cobra.Command {
	var dir, readyFile string
	var delay time.Duration
	cmd := &cobra.Command{
		Use: bareName, Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serveBare(cmd.Context(), dir, readyFile, delay) },
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "where the file is")
	cmd.Flags().StringVar(&readyFile, "ready-file", "", "file to write the address to")
	cmd.Flags().DurationVar(&delay, "sync-delay", 0, "added to each sync")
	return cmd
}

func serveBare(ctx context.Context, dir, readyFile string, delay time.Duration) error {
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	mux := http.NewServeMux()
	mux.Handle(roundsv1connect.NewSyncServiceHandler(&bareServer{file: f, delay: delay}, compress.Handler(5<<20, nil), connect.WithCompressMinBytes(1<<10)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	text, err := json.Marshal(ready{Address: "http://" + listener.Addr().String()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(readyFile+".part", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(readyFile+".part", readyFile); err != nil {
		return err
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	stopped := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stopped()
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
