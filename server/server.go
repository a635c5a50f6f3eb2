// Package server is the Rounds server: it opens the store, the authority and the engine, wires them to Connect, gRPC and gRPC-Web on one port, serves,
// drains, and closes. It is the one place that knows all of them.
//
// Run serves until its context ends; Start gives a Server to a program that does more beside it, such as a test. Everything that a server can be told
// is in Config. A server holds no state outside of its data directory.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"buf.build/go/protovalidate"

	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/server/precheck"
	"github.com/rounds-sync/rounds/server/violation"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
	"github.com/rounds-sync/rounds/work"
)

// Server is a server that runs. Its methods may be called from any number of goroutines.
type Server struct {
	cfg       Config
	log       *slog.Logger
	store     store.Store
	embedded  *badgerstore.Store // nil where the store was handed in
	authority *auth.Authority
	engine    *engine.Engine
	reference *directory.Reference
	guard     *directory.Guard
	tags      siteTags
	blobs     media.Driver
	ownBlobs  closingDriver // nil where the storage was handed in
	desk      *evidence.Desk
	schedule  *schedule.Worker
	review    *review.Service
	heic      *picture.Program
	seen      *lastSeen
	metrics   *metrics
	streams   *streams
	tracing   *tracing
	validator *precheck.Checker
	url       string
	founding  auth.Founding

	listener      net.Listener
	adminListener net.Listener
	public        *http.Server
	admin         *http.Server

	stop    context.CancelFunc // ends what runs in the background
	rest    context.CancelFunc // ends the desk's work, which comes first
	running sync.WaitGroup
	failed  chan error // of listening
	ending  atomic.Bool
	drained chan struct{}
	once    sync.Once
	err     error // of Close; set before drained is closed
}

// Run serves until ctx ends, then drains: it stops listening, tells watchers to resume, lets calls end for as long as Timeouts.Drain, and
// closes. It returns nil after a drain in which every call ended.
func Run(ctx context.Context, cfg Config) error {
	s, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-s.failed:
	}
	return errors.Join(failed, s.Close())
}

// Start starts a server. It answers when Start returns; ctx bounds the start alone. The error tells every fault of the config at once, or is of the
// store (store.ErrInUse: another server has the directory) or of the network. Close it when done.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("server: config: %w", err)
	}
	cfg = cfg.withInjected()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	looking, rest := context.WithCancel(background)
	s := &Server{cfg: cfg, log: cfg.Inject.Logger, metrics: newMetrics(), streams: newStreams(), stop: stop, rest: rest,
		validator: precheck.New(protovalidate.GlobalValidator),
		failed:    make(chan error, 2), drained: make(chan struct{})}
	defer func() {
		if err != nil {
			s.abandon()
		}
	}()
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	if err := s.found(ctx); err != nil {
		return nil, err
	}
	s.reference = directory.NewReference(directory.ReferenceConfig{Tree: organisation{s.authority}, Log: s.log})
	if s.tags, err = s.openTags(); err != nil {
		return nil, err
	}
	rules := work.New(work.Config{Reference: s.reference, Tags: s.tags, People: access{s.authority}})
	s.guard = s.guarded(rules)
	s.engine, err = engine.Open(engine.Config{
		Store: s.store, Rules: s.guard, Access: access{s.authority}, Validate: violation.By(s.validator),
		Index: joined(indexes()), IndexVersion: version(indexes()), Committed: s.committed, Question: rules.Complete,
		Now: cfg.Inject.Now, Rand: cfg.Inject.Rand, Logger: s.log, Heartbeat: cfg.Timeouts.Heartbeat,
	})
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := s.loadReference(ctx); err != nil {
		return nil, err
	}
	if s.seen, err = newLastSeen(cfg.Limits.Tracked); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := s.openMedia(ctx, rules); err != nil {
		return nil, err
	}
	if err := s.openSchedule(); err != nil {
		return nil, err
	}
	if err := s.openReview(); err != nil {
		return nil, err
	}
	if s.tracing, err = newTracing(ctx, s.log); err != nil {
		return nil, fmt.Errorf("server: traces: %w", err)
	}
	if err := s.serve(background); err != nil {
		return nil, err
	}
	s.every(background, cfg.Upkeep.Tombstones, cfg.Inject.TombstonesTick, s.maintain)
	s.running.Go(func() { s.desk.Run(looking) })
	s.running.Go(func() { s.reference.Run(background) })
	s.every(looking, cfg.Upkeep.Media, cfg.Inject.MediaTick, s.maintainMedia)
	s.running.Go(func() { s.schedule.Run(looking) })
	return s, s.ready()
}

// Addr is the address that devices reach, with the port that was taken.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// AdminAddr is the address of metrics and profiles; nil where there is none.
func (s *Server) AdminAddr() net.Addr {
	if s.adminListener == nil {
		return nil
	}
	return s.adminListener.Addr()
}

// URL is the server's public address, as tokens are bound to it.
func (s *Server) URL() string { return s.url }

// Founding is what the first start made: the root, the first administrator, and a code while no device has enrolled.
func (s *Server) Founding() auth.Founding { return s.founding }

// Authority is the server's authority, for a program that makes people and rights without going through the network.
func (s *Server) Authority() *auth.Authority { return s.authority }

// Engine is the server's engine, for a program that reads journals and records beside it.
func (s *Server) Engine() *engine.Engine { return s.engine }

// Close drains and closes, as Run does when its context ends. It may be called more than once; each call waits for the end.
func (s *Server) Close() error {
	s.once.Do(func() {
		defer close(s.drained)
		s.err = s.drain()
	})
	<-s.drained
	return s.err
}

// stopping tells whether the server drains.
func (s *Server) stopping() bool { return s.ending.Load() }

// drain ends the server. Watchers are told first, so that their calls end by themselves.
func (s *Server) drain() error {
	s.ending.Store(true)
	s.rest() // what is being looked at is looked at again after the next start
	s.log.Info("draining", "streams", s.streams.count())
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeouts.Drain)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.public.Shutdown(ctx) }() // stops listening at once, then waits
	engineErr := s.engine.Close(ctx)
	shutdownErr := <-ended
	if shutdownErr != nil {
		s.log.Warn("calls did not end in time", "streams", s.streams.count())
		shutdownErr = fmt.Errorf("server: calls did not end within %v: %w", s.cfg.Timeouts.Drain, shutdownErr)
		_ = s.public.Close()
		engineErr = s.engine.Close(context.Background()) // their contexts have ended, so it comes
	}
	_ = s.public.Close() // a connection that was taken in the same moment
	if s.admin != nil {
		_ = s.admin.Close()
	}
	s.stop()
	s.running.Wait()
	s.review.Close()
	s.heic.Close()
	authErr := s.authority.Close()
	var storeErr, blobsErr error
	if s.ownBlobs != nil {
		blobsErr = s.ownBlobs.Close()
	}
	if s.embedded != nil {
		storeErr = s.embedded.Close()
	}
	tracingErr := s.tracing.close()
	if s.cfg.ReadyFile != "" {
		_ = os.Remove(s.cfg.ReadyFile)
	}
	s.log.Info("ended")
	return errors.Join(shutdownErr, engineErr, authErr, storeErr, blobsErr, tracingErr)
}

// abandon closes what a start that failed has opened.
func (s *Server) abandon() {
	s.stop()
	s.running.Wait()
	for _, l := range []net.Listener{s.listener, s.adminListener} {
		if l != nil {
			_ = l.Close()
		}
	}
	if s.authority != nil {
		_ = s.authority.Close()
	}
	if s.heic != nil {
		s.heic.Close()
	}
	if s.ownBlobs != nil {
		_ = s.ownBlobs.Close()
	}
	if s.embedded != nil {
		_ = s.embedded.Close()
	}
	if s.tracing != nil {
		_ = s.tracing.close()
	}
}

// storeDir is where the embedded store of a data directory is.
func storeDir(data string) string { return filepath.Join(data, "store") }

// open opens the store.
func (s *Server) open() error {
	if s.cfg.Inject.Store != nil {
		s.store = s.cfg.Inject.Store
		return nil
	}
	c := s.cfg.Store
	embedded, err := badgerstore.Open(badgerstore.Config{
		Dir: storeDir(s.cfg.Data), SyncDelay: c.SyncDelay, MinFreeBytes: c.MinFreeBytes, MemTableBytes: c.MemTableBytes, BlockCacheBytes: c.CacheBytes,
		GCInterval: s.cfg.Upkeep.Garbage, GCTick: s.cfg.Inject.GarbageTick, Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.store, s.embedded = embedded, embedded
	return nil
}

// listen takes the ports, so that the server knows its address before it founds anything.
func (s *Server) listen() error {
	var err error
	if s.listener, err = net.Listen("tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if s.cfg.Admin.Listen != "" {
		if s.adminListener, err = net.Listen("tcp", s.cfg.Admin.Listen); err != nil {
			return fmt.Errorf("server: admin.listen: %w", err)
		}
	}
	return nil
}
