package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// Codes of problems, short.
const (
	codeNotPromised = roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED
	codeRedacted    = roundsv1.ProblemCode_PROBLEM_CODE_REDACTED
	codeMissing     = roundsv1.ProblemCode_PROBLEM_CODE_PARTS_MISSING
	codeDiffers     = roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER
	codeFull        = roundsv1.ProblemCode_PROBLEM_CODE_FULL
	codeUnavailable = roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE
	codeLimit       = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
	codeInvalid     = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
	codeNoRecord    = roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD
	codeNoRight     = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	codeState       = roundsv1.ProblemCode_PROBLEM_CODE_STATE
)

func problem(code roundsv1.ProblemCode, zh, en string) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, Sentence: &roundsv1.Text{Zh: zh, En: en}}
}

// later says that trying again helps.
func later(p *roundsv1.Problem, after time.Duration) *roundsv1.Problem {
	p.RetryAfter = durationpb.New(after)
	return p
}

func denied(scope store.Scope, code roundsv1.ProblemCode, zh, en string) error {
	p := problem(code, zh, en)
	p.Scope = string(scope)
	return &engine.Error{Kind: engine.Denied, Problem: p}
}

func noRight(scope store.Scope) error {
	return denied(scope, codeNoRight, "您没有此范围的权限。", "There is no right to do this here.")
}

func refuse(kind engine.Kind, scope store.Scope, field string, p *roundsv1.Problem) error {
	p.Scope, p.Field = string(scope), field
	return &engine.Error{Kind: kind, Problem: p}
}

// ofStorage says what a fault of the storage means for the photo that it struck: wait. The photo itself is not at fault.
func ofStorage(err error) *roundsv1.Problem {
	if errors.Is(err, media.ErrFull) {
		return later(problem(codeFull, "照片存储空间已满，照片保留在手机上，稍后自动重试。",
			"The photo storage has no room. Keep the photo and try again later."), 30*time.Second)
	}
	return later(problem(codeUnavailable, "照片存储暂时不可用，照片保留在手机上，稍后自动重试。",
		"The photo storage cannot be reached. Keep the photo and try again later."), 5*time.Second)
}

// damaged is the error of an index that holds what this package does not write.
func damaged(name engine.IndexName, cause error) error {
	return &engine.Error{Kind: engine.Internal, Cause: fmt.Errorf("evidence: index %s: %w", name, cause)}
}

// ended: the caller went away, or the server ends; nobody is at fault.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// unavailable is the error of a whole call that the storage or the server cannot serve now.
func unavailable(cause error) error {
	return &engine.Error{Kind: engine.Unavailable, Cause: cause, Problem: ofStorage(cause)}
}

// problemOf is what an error of writing the records means for one photo.
func problemOf(err error) *roundsv1.Problem {
	var own *engine.Error
	if errors.As(err, &own) && own.Problem != nil && own.Kind == engine.Unavailable {
		return own.Problem
	}
	return later(problem(codeUnavailable, "服务器暂时无法记录，照片保留在手机上，稍后自动重试。",
		"The server could not write it down. Keep the photo and try again later."), 5*time.Second)
}
