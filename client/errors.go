package client

import (
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// The errors of this package, to be tested with errors.Is. Faults of the store come as the store's own errors, those of the
// network as connect's; a ProblemError says what the server, or the device by the same rules, will not take.
var (
	// ErrNotEnrolled: the device has no identity yet.
	ErrNotEnrolled = errors.New("client: the device is not enrolled")
	// ErrIdentity: the store belongs to another identity than the given one.
	ErrIdentity = errors.New("client: the store belongs to another identity")
	// ErrOffline: the device was opened without a server.
	ErrOffline = errors.New("client: no server configured")
	// ErrForked: the server has other content in this device's lane: the phone was cloned or restored from a backup, or the
	// server lost what no device holds any more. Nothing is lost here; enrol anew and hand the new identity to Reenrol.
	ErrForked = errors.New("client: the lane is forked; enrol anew")
	// ErrRevoked: the device or the scope was revoked: nothing can be added.
	ErrRevoked = errors.New("client: revoked")
	// ErrClosed: the device was closed.
	ErrClosed = errors.New("client: closed")
	// ErrProtocol: the server answered what it may not answer.
	ErrProtocol = errors.New("client: the server's answer makes no sense")
	// ErrFormat: the store was written by a newer version of this package.
	ErrFormat = errors.New("client: unknown format version")
	// ErrNotInTray: there is no such item.
	ErrNotInTray = errors.New("client: not in the tray")
)

// ProblemError is a refusal with a sentence for the person.
type ProblemError struct {
	// Problem says what was wrong, and in which field.
	Problem *roundsv1.Problem
	// Cause is the error of the call that carried it; nil where the device itself refused.
	Cause error
}

// Error implements error.
func (e *ProblemError) Error() string {
	text := fmt.Sprintf("client: %v", e.Problem.GetCode())
	if field := e.Problem.GetField(); field != "" {
		text += " (" + field + ")"
	}
	if sentence := e.Problem.GetSentence().GetEn(); sentence != "" {
		text += ": " + sentence
	}
	return text
}

// Unwrap returns the cause.
func (e *ProblemError) Unwrap() error { return e.Cause }

// RetryAfter returns how long the server asks to wait before the next try; 0: it did not say.
func RetryAfter(err error) time.Duration {
	var refused *ProblemError
	if errors.As(err, &refused) {
		return refused.Problem.GetRetryAfter().AsDuration()
	}
	return 0
}

// withProblem returns err as a ProblemError if the server sent a Problem with it.
func withProblem(err error) error {
	var call *connect.Error
	if !errors.As(err, &call) {
		return err
	}
	for _, detail := range call.Details() {
		if value, failed := detail.Value(); failed == nil {
			if problem, ok := value.(*roundsv1.Problem); ok {
				return &ProblemError{Problem: problem, Cause: err}
			}
		}
	}
	return err
}

func problemOf(err error) *roundsv1.Problem {
	var refused *ProblemError
	if errors.As(err, &refused) {
		return refused.Problem
	}
	return nil
}

func refusal(code roundsv1.ProblemCode, field, zh, en string) error {
	return &ProblemError{Problem: &roundsv1.Problem{Code: code, Field: field, Sentence: &roundsv1.Text{Zh: zh, En: en}}}
}

// in names what an error of the store or of a codec was about.
func in(scope Scope, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("client: scope %q: %w", scope, err)
}

func about(kind merge.Kind, id RecordID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", kind, id, err)
}
