package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/sync/store"
)

// urlKey holds the public address in the server's own scope.
func urlKey() []byte { return []byte("url") }

// found opens the authority under the server's address and makes the organisation at the first start.
func (s *Server) found(ctx context.Context) error {
	var err error
	if s.url, err = s.publicURL(ctx); err != nil {
		return fmt.Errorf("server: public address: %w", err)
	}
	a := s.cfg.Auth
	externals := make([]auth.ExternalIssuer, len(a.Issuers))
	for i, e := range a.Issuers {
		externals[i] = auth.ExternalIssuer{Issuer: e.Issuer, JWKSURL: e.JWKSURL, Audience: e.Audience, Claim: e.Claim, Prefix: e.Prefix,
			AllowUnbound: e.AllowUnbound, CreateUnder: auth.NodeID(e.CreateUnder), NameClaim: e.NameClaim}
	}
	s.authority, err = auth.Open(ctx, auth.Config{
		Store: authStore{s.store}, Now: s.cfg.Inject.Now, Rand: s.cfg.Inject.Rand, Audience: s.url, AccessLife: a.AccessLife, RefreshLife: a.RefreshLife,
		CodeLife: a.CodeLife, KeyLife: a.KeyLife, Externals: externals, Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	name := s.cfg.First.Organisation
	s.founding, err = s.authority.Bootstrap(ctx, &roundsv1.Text{Zh: name, En: name}, s.cfg.First.Administrator)
	if err != nil {
		return fmt.Errorf("server: first start: %w", err)
	}
	return nil
}

// publicURL decides on the server's address: what it was told, else what it was, else where it listens. It is remembered, so that a server which takes
// a free port keeps its devices.
func (s *Server) publicURL(ctx context.Context) (string, error) {
	var stored string
	err := s.store.View(ctx, serverScope, func(r store.Reader) error {
		value, err := r.Get(urlKey())
		stored = string(value)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", err
	}
	chosen := strings.TrimRight(s.cfg.URL, "/")
	switch {
	case chosen == "" && stored != "":
		return stored, nil
	case chosen == "":
		chosen = s.scheme() + "://" + reachable(s.listener.Addr())
	case stored != "" && stored != chosen:
		s.log.Warn("the public address has changed: all devices have to enrol anew", "was", stored, "is", chosen)
	}
	if chosen == stored {
		return stored, nil
	}
	return chosen, s.store.Update(ctx, serverScope, func(w store.Writer) error { return w.Set(urlKey(), []byte(chosen)) })
}

func (s *Server) scheme() string {
	if s.cfg.TLS.Cert != "" || s.cfg.TLS.SelfSigned {
		return "https"
	}
	return "http"
}

// reachable is an address that can be dialled on this machine, also where the server listens on all of its own.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// Ready is what the ready file holds, as JSON.
type Ready struct {
	// Address is where devices reach the server on this machine: http://127.0.0.1:7480.
	Address string `json:"address"`
	// Admin is the address of metrics and profiles; empty where there is none.
	Admin string `json:"admin,omitempty"`
	// URL is the public address.
	URL string `json:"url"`
	// PID is the process.
	PID int `json:"pid"`
	// Code enrols the first administrator's device; empty once one has enrolled. The file is readable by its owner alone.
	Code string `json:"code,omitempty"`
	// Person is the first administrator, Root the root of the organisation.
	Person string `json:"person_id"`
	Root   string `json:"root_node_id"`
}

// ready tells the world that the server answers: the first code for a person, a line for a log, a file for a program.
func (s *Server) ready() error {
	r := Ready{Address: s.scheme() + "://" + reachable(s.Addr()), URL: s.url, PID: os.Getpid(), Code: string(s.founding.Code),
		Person: string(s.founding.Admin), Root: string(s.founding.Root)}
	if a := s.AdminAddr(); a != nil {
		r.Admin = "http://" + reachable(a)
	}
	if s.founding.Code != "" {
		invite(s.cfg.Inject.Out, s.cfg.First.Administrator, r.Address, s.founding)
	}
	fmt.Fprintf(s.cfg.Inject.Out, "ready %s\n", r.Address)
	s.log.Info("ready", "address", r.Address, "admin", r.Admin, "url", r.URL)
	if s.cfg.ReadyFile == "" {
		return nil
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = writeWhole(s.cfg.ReadyFile, append(text, '\n'))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("server: ready file: %w", err), s.Close())
	}
	return nil
}

// writeWhole writes a file so that a reader sees all of it or none.
func writeWhole(path string, text []byte) error {
	part := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// until tells a moment for people.
func until(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }
