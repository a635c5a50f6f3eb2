package engine

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// Kind says what sort of error it is, so that a border can choose its own code for it.
type Kind int

// The kinds of errors.
const (
	// Internal: a fault of the server; its cause is for the log alone.
	Internal Kind = iota
	// Invalid: the request is not of the form that it must have.
	Invalid
	// Denied: no right to it.
	Denied
	// Exhausted: over a limit.
	Exhausted
	// Precondition: the request does not fit what the server has (a gap, a fork).
	Precondition
	// Unavailable: not now.
	Unavailable
)

// Error is the engine's one error type. A request that is answered with one has changed nothing, except where its cause is a fault of the
// store: then it may have been done, and sending it again is harmless.
type Error struct {
	// Kind of error.
	Kind Kind
	// Problem to be shown; nil for Internal.
	Problem *roundsv1.Problem
	// Cause, for the log; may be nil.
	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.Cause != nil:
		return "engine: " + e.Cause.Error()
	case e.Problem != nil:
		return fmt.Sprintf("engine: %v: %s", e.Problem.Code, e.Problem.GetSentence().GetEn())
	}
	return "engine: internal error"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

func refuse(kind Kind, code roundsv1.ProblemCode, field, zh, en string) *Error {
	return &Error{Kind: kind, Problem: problem(code, field, zh, en)}
}

func problem(code roundsv1.ProblemCode, field, zh, en string) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, Field: field, Sentence: &roundsv1.Text{Zh: zh, En: en}}
}

func (e *Error) in(scope store.Scope) *Error {
	e.Problem.Scope = string(scope)
	return e
}

func unavailable(cause error) *Error {
	return &Error{Kind: Unavailable, Cause: cause, Problem: problem(roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED, "",
		"服务器暂时不可用，请稍后重试。", "The server cannot answer now; try again later.")}
}

// wrap turns an error of the store into the engine's.
func wrap(err error) error {
	var own *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return err
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrReadOnly):
		full := problem(roundsv1.ProblemCode_PROBLEM_CODE_FULL, "",
			"服务器存储空间已满，数据保留在手机上，稍后自动重试。", "The server has no room to write. Keep the data and try again later.")
		full.RetryAfter = durationpb.New(30 * time.Second)
		return &Error{Kind: Unavailable, Problem: full, Cause: err}
	case errors.Is(err, store.ErrClosed):
		return unavailable(err)
	}
	return &Error{Kind: Internal, Cause: err}
}
