package server

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"connectrpc.com/connect"
	connectcors "connectrpc.com/cors"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"connectrpc.com/validate"
	"github.com/rs/cors"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/server/compress"
)

// sideBytes bounds one message to health and to reflection; what they are asked is a name.
const sideBytes = 16 << 10

// services are the services of the schema that the server offers.
func services() []string {
	return []string{roundsv1connect.SyncServiceName, roundsv1connect.AuthServiceName, roundsv1connect.AdminServiceName,
		roundsv1connect.MediaServiceName, roundsv1connect.WorkServiceName, roundsv1connect.ExportServiceName}
}

// calls returns the handler of all calls.
func (s *Server) calls() (http.Handler, error) {
	addresses, err := newLimiter[netip.Addr](s.cfg.Limits.AddressRate, s.cfg.Limits.AddressBurst, s.cfg.Limits.Tracked, s.cfg.Inject.Now)
	if err != nil {
		return nil, err
	}
	devices, err := newLimiter[auth.DeviceID](s.cfg.Limits.DeviceRate, s.cfg.Limits.DeviceBurst, s.cfg.Limits.Tracked, s.cfg.Inject.Now)
	if err != nil {
		return nil, err
	}
	gate := &door{authority: s.authority, table: admissions(), addresses: addresses, devices: devices, rejected: s.metrics.reject,
		seen: func(device auth.DeviceID) { s.seen.note(device, s.cfg.Inject.Now()) }}
	observe := &observer{log: s.log, metrics: s.metrics, now: s.cfg.Inject.Now}
	decoding := &undecoded{}
	interceptors := []connect.Interceptor{observe}
	if s.tracing.interceptor != nil {
		interceptors = append(interceptors, s.tracing.interceptor)
	}
	interceptors = append(interceptors, decoding, validate.NewInterceptor(validate.WithValidator(s.validator), validate.WithoutErrorDetails()))
	most := s.cfg.Limits.MessageBytes
	options := connect.WithHandlerOptions(
		connect.WithInterceptors(interceptors...),
		connect.WithRequestGate(gate.admit),
		compress.Handler(int64(most), badCompression),
		connect.WithCompressMinBytes(s.cfg.Limits.CompressMinBytes),
		connect.WithReadMaxBytes(most),
		connect.WithRecover(observe.recovered),
		decoding.codecs(),
	)
	mux := http.NewServeMux()
	mux.Handle(roundsv1connect.NewSyncServiceHandler(
		&syncService{engine: s.engine, streams: s.streams, metrics: s.metrics, now: s.cfg.Inject.Now}, options))
	mux.Handle(roundsv1connect.NewAuthServiceHandler(&authService{s.authority}, options))
	mux.Handle(roundsv1connect.NewAdminServiceHandler(&adminService{s.authority.Admin(), s.keeper()}, options))
	mux.Handle(roundsv1connect.NewMediaServiceHandler(&mediaService{s.desk}, options))
	exporter, err := s.exporter()
	if err != nil {
		return nil, err
	}
	mux.Handle(roundsv1connect.NewExportServiceHandler(&exportService{exporter, s.streams, s.cfg.Timeouts.Export}, options))
	mux.Handle(roundsv1connect.NewWorkServiceHandler(&workService{s.review, s.validator}, options))

	proxies := make([]netip.Prefix, 0, len(s.cfg.Limits.Proxies))
	for _, text := range s.cfg.Limits.Proxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		proxies = append(proxies, prefix)
	}
	var start [4]byte
	if _, err := io.ReadFull(s.cfg.Inject.Rand, start[:]); err != nil {
		return nil, err
	}
	return &border{next: mux, procedures: procedures(), errors: connect.NewErrorWriter(), proxies: proxies, prefix: hex.EncodeToString(start[:]) + "-",
		most: int64(most), read: s.cfg.Timeouts.Read, rejected: s.metrics.reject}, nil
}

// procedures returns every procedure of the schema, and whether it streams.
func procedures() map[string]bool {
	all := map[string]bool{}
	for _, file := range []protoreflect.FileDescriptor{roundsv1.File_rounds_v1_sync_proto, roundsv1.File_rounds_v1_auth_proto,
		roundsv1.File_rounds_v1_admin_proto, roundsv1.File_rounds_v1_media_proto, roundsv1.File_rounds_v1_work_proto,
		roundsv1.File_rounds_v1_export_proto} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				all["/"+string(service.FullName())+"/"+string(m.Name())] = m.IsStreamingServer()
			}
		}
	}
	return all
}

// handler returns all that the public port answers.
func (s *Server) handler() (http.Handler, error) {
	calls, err := s.calls()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", calls)
	if photos := s.mediaHandler(); photos != nil {
		mux.Handle("/media/v1/", photos) // by signed addresses, without a token
	}
	names := append(services(), grpchealth.HealthV1ServiceName)
	// Neither needs a token, and Connect by itself reads and decompresses without end.
	small := connect.WithHandlerOptions(compress.Handler(sideBytes, badCompression), connect.WithReadMaxBytes(sideBytes))
	mux.Handle(grpchealth.NewHandler(&health{grpchealth.NewStaticChecker(services()...), s.stopping}, small))
	reflector := grpcreflect.NewStaticReflector(names...)
	mux.Handle(grpcreflect.NewHandlerV1(reflector, small))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, small))
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(s.authority.JWKS())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	var handler http.Handler = mux
	if len(s.cfg.CORS.Origins) > 0 {
		handler = cors.New(cors.Options{
			AllowedOrigins: s.cfg.CORS.Origins,
			AllowedMethods: append(connectcors.AllowedMethods(), http.MethodPut, http.MethodHead), // parts of photos, and ranges of them
			AllowedHeaders: append(connectcors.AllowedHeaders(), "Authorization", "X-Request-Id", "Content-Md5", "Range", "If-Range"),
			ExposedHeaders: append(connectcors.ExposedHeaders(), "X-Request-Id", "Retry-After", "Accept-Ranges", "Content-Range", "Content-Length"),
			MaxAge:         7200,
		}).Handler(handler)
	}
	return patient(handler, s.cfg.Timeouts.Read, s.cfg.Timeouts.Write), nil
}

// serve begins to answer on both ports.
func (s *Server) serve(background context.Context) error {
	handler, err := s.handler()
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	encryption, err := s.encryption()
	if err != nil {
		return fmt.Errorf("server: tls: %w", err)
	}
	s.public = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: s.cfg.Timeouts.ReadHeader,
		IdleTimeout:       s.cfg.Timeouts.Idle,
		MaxHeaderBytes:    32 << 10,
		TLSConfig:         encryption,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Protocols:         new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          s.cfg.Limits.StreamsPerConnection,
			MaxReceiveBufferPerStream:     256 << 10,
			MaxReceiveBufferPerConnection: 1 << 20,
			SendPingTimeout:               s.cfg.Timeouts.Idle, // finds out connections that died without a word
			PingTimeout:                   15 * time.Second,
			WriteByteTimeout:              s.cfg.Timeouts.Write,
		},
	}
	s.public.Protocols.SetHTTP1(true)
	s.public.Protocols.SetHTTP2(encryption != nil)
	s.public.Protocols.SetUnencryptedHTTP2(encryption == nil)
	s.run(func() error {
		if encryption != nil {
			return s.public.ServeTLS(s.listener, "", "")
		}
		return s.public.Serve(s.listener)
	})
	if s.adminListener != nil {
		s.admin = &http.Server{Handler: s.adminHandler(), ReadHeaderTimeout: s.cfg.Timeouts.ReadHeader, IdleTimeout: s.cfg.Timeouts.Idle}
		s.run(func() error { return s.admin.Serve(s.adminListener) })
	}
	s.running.Go(func() { _ = s.authority.Run(background) })
	s.running.Go(func() { s.followRights(background) })
	return nil
}

// run serves in the background until the server is shut down.
func (s *Server) run(serve func() error) {
	s.running.Go(func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("server: %w", err)
		}
	})
}

// adminHandler returns what the operators' port answers.
func (s *Server) adminHandler() http.Handler {
	s.metrics.gauge("rounds_streams", "Open streams.", func() float64 { return float64(s.streams.count()) })
	s.metrics.gauge("rounds_watched_scopes", "Open streams, each once for each scope it watches.", func() float64 { return float64(s.engine.Watchers()) })
	if s.embedded != nil {
		s.metrics.gauge("rounds_store_bytes", "What the store takes on the disk.", func() float64 {
			size, err := s.embedded.Size()
			if err != nil {
				return -1
			}
			return float64(size)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.handler())
	s.metrics.photos(s.desk, s.cfg.Inject.Now)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if s.stopping() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		if err := s.storageReady(r.Context()); err != nil {
			http.Error(w, "the storage of photos does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// health answers for the services until the server drains.
type health struct {
	of       grpchealth.Checker
	stopping func() bool
}

var _ grpchealth.Checker = (*health)(nil)

// Check implements grpchealth.Checker.
func (h *health) Check(ctx context.Context, req *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	resp, err := h.of.Check(ctx, req)
	if err == nil && h.stopping() {
		resp.Status = grpchealth.StatusNotServing
	}
	return resp, err
}

// followRights has rights that were taken away take effect on open streams.
func (s *Server) followRights(ctx context.Context) {
	changes := s.authority.Subscribe()
	defer changes.Close()
	for {
		if _, err := changes.Next(ctx); err != nil {
			return
		}
		s.engine.Recheck()
		s.streams.expel(func(device auth.DeviceID) bool {
			state := s.authority.DeviceState(device)
			return !state.Known || state.Shut
		})
	}
}

// encryption returns the TLS configuration, nil for plain HTTP.
func (s *Server) encryption() (*tls.Config, error) {
	switch {
	case s.cfg.TLS.Cert != "":
		keeper, err := newKeeper(s.cfg.TLS.Cert, s.cfg.TLS.Key, s.log)
		if err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: keeper.get}, nil
	case s.cfg.TLS.SelfSigned:
		cert, err := selfSigned(s.cfg.Data, s.cfg.Inject.Now, s.cfg.Inject.Rand, s.listener.Addr(), s.url)
		if err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
	}
	return nil, nil
}
