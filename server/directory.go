package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/server/violation"
	"github.com/rounds-sync/rounds/sync/engine"
)

// loadReference reads what the rules ask about into memory, before anything is judged.
func (s *Server) loadReference(ctx context.Context) error {
	scopes, err := s.recordScopes(ctx)
	if err == nil {
		err = s.reference.Load(ctx, s.engine, scopes)
	}
	if err != nil {
		return fmt.Errorf("server: directory: %w", err)
	}
	return nil
}

// Reference is what the rules know of the organisation, for a program that looks at it beside the server.
func (s *Server) Reference() *directory.Reference { return s.reference }

// keeper returns how administrators keep the directory.
func (s *Server) keeper() *directory.Keeper {
	return directory.New(directory.Config{
		Desk: s.engine, Organisation: organisation{s.authority}, Reference: s.reference, Checks: s.guard.Checks, Rules: s.guard, Scopes: s.recordScopes,
		Validate: violation.By(s.validator),
		Tag:      s.tags.issue, Root: string(s.founding.Root), Now: s.cfg.Inject.Now, Log: s.log,
	})
}

// guarded are the rules with what the directory asks besides, of whoever writes.
func (s *Server) guarded(rules engine.Rules) *directory.Guard {
	return &directory.Guard{Rules: rules, Nodes: organisation{s.authority}, Reference: s.reference, Checks: directory.NewChecks(families(), func(text string) error {
		_, err := check.ParseOutline(text)
		return err
	})}
}

// families are the settings that parts of the server read besides those of the trade.
func families() []directory.Family {
	photos := directory.Family{Check: func(settings map[string]string) map[string]string {
		_, err := check.ParsePolicy(settings)
		wanted := map[string]string{}
		for _, one := range parts(err) {
			var fault *check.SettingError
			if errors.As(one, &fault) {
				wanted[fault.Key] = fault.Want
			}
		}
		return wanted
	}}
	for _, one := range check.Settings() {
		photos.Known = append(photos.Known, directory.Known{Key: one.Key, Default: one.Default, About: &roundsv1.Text{En: one.Meaning}})
	}
	retention := directory.Family{
		Known: []directory.Known{{Key: evidence.RetentionKey, Default: "0", About: &roundsv1.Text{Zh: "已结束工作的照片保留天数，0 为永久",
			En: "days for which photos of ended work are kept; 0: for ever"}}},
		Check: func(settings map[string]string) map[string]string {
			text, set := settings[evidence.RetentionKey]
			if days, err := strconv.Atoi(text); !set || err == nil && days >= 0 && days <= evidence.MaxRetentionDays {
				return nil
			}
			return map[string]string{evidence.RetentionKey: fmt.Sprintf("a whole number of days from 0 to %d", evidence.MaxRetentionDays)}
		}}
	return []directory.Family{photos, retention}
}

// parts takes a joined error apart.
func parts(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
