package server

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/server/compress"
	"github.com/rounds-sync/rounds/server/violation"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// fault is an error of the server itself. What caused it is for the log; who called hears a fixed sentence.
type fault struct{ cause error }

func (f *fault) Error() string { return f.cause.Error() }
func (f *fault) Unwrap() error { return f.cause }

// toConnect is the one place where errors become Connect's: a code, a Problem as detail, and Retry-After where waiting helps. The second result
// is what to log, nil where it is the caller's own business.
func toConnect(err error) (*connect.Error, error) {
	if err == nil {
		return nil, nil
	}
	var (
		ofEngine  *engine.Error
		ofAuth    *auth.Error
		ofConnect *connect.Error
		ofFields  *protovalidate.ValidationError
	)
	switch {
	case errors.As(err, &ofEngine) && ofEngine.Problem != nil:
		var log error
		if ofEngine.Kind == engine.Unavailable {
			log = ofEngine.Cause
		}
		return refusal(codeOfKind(ofEngine), ofEngine.Problem), log
	case errors.As(err, &ofAuth):
		return refusal(codeOfProblem(ofAuth.Problem.GetCode()), ofAuth.Problem), nil
	case errors.As(err, &ofFields):
		return refusal(connect.CodeInvalidArgument, problemOfFields(ofFields)), nil
	case errors.Is(err, context.Canceled):
		return refusal(connect.CodeCanceled, say(0, "请求已取消", "The call was cancelled")), nil
	case errors.Is(err, context.DeadlineExceeded):
		return refusal(connect.CodeDeadlineExceeded, say(0, "请求超时", "The call took longer than its caller allowed")), nil
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrReadOnly):
		full := say(roundsv1.ProblemCode_PROBLEM_CODE_FULL, "服务器存储空间已满，请稍后重试", "The server has no room to write: try again later")
		full.RetryAfter = durationpb.New(30 * time.Second)
		return refusal(connect.CodeUnavailable, full), err
	case errors.Is(err, store.ErrClosed), errors.Is(err, auth.ErrClosed):
		return refusal(connect.CodeUnavailable, ending()), nil
	case errors.As(err, &ofConnect) && ofConnect.Code() != connect.CodeInternal && ofConnect.Code() != connect.CodeUnknown:
		return withProblem(ofConnect), nil
	}
	return refusal(connect.CodeInternal, say(0, "服务器内部错误，请稍后重试", "The server has a fault: try again later")), err
}

func codeOfKind(e *engine.Error) connect.Code {
	switch e.Kind {
	case engine.Invalid:
		return connect.CodeInvalidArgument
	case engine.Denied:
		return connect.CodePermissionDenied
	case engine.Exhausted:
		return connect.CodeResourceExhausted
	case engine.Precondition:
		return connect.CodeFailedPrecondition
	case engine.Unavailable:
		return connect.CodeUnavailable
	}
	return connect.CodeInternal
}

func codeOfProblem(code roundsv1.ProblemCode) connect.Code {
	switch code {
	case roundsv1.ProblemCode_PROBLEM_CODE_TOKEN, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE, roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE:
		return connect.CodeUnauthenticated
	case roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED:
		return connect.CodePermissionDenied
	case roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD:
		return connect.CodeNotFound
	case roundsv1.ProblemCode_PROBLEM_CODE_RATE, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT:
		return connect.CodeResourceExhausted
	case roundsv1.ProblemCode_PROBLEM_CODE_FULL, roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE:
		return connect.CodeUnavailable
	case roundsv1.ProblemCode_PROBLEM_CODE_STATE, roundsv1.ProblemCode_PROBLEM_CODE_DELETED, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED:
		return connect.CodeFailedPrecondition
	}
	return connect.CodeInvalidArgument
}

// problemOfFields tells the first field that breaks a rule of the schema.
func problemOfFields(e *protovalidate.ValidationError) *roundsv1.Problem {
	if told := (*violation.Error)(nil); errors.As(violation.Of(e), &told) {
		return told.Problem()
	}
	return say(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "请求中有字段不符合要求", "A field of the request has a value that it may not have")
}

// withProblem gives an error that Connect itself made the Problem that every error carries.
func withProblem(e *connect.Error) *connect.Error {
	for _, d := range e.Details() {
		if value, err := d.Value(); err == nil {
			if _, ok := value.(*roundsv1.Problem); ok {
				return e
			}
		}
	}
	code := roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED
	zh := "请求格式不正确"
	switch e.Code() {
	case connect.CodeInvalidArgument:
		code = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
	case connect.CodeResourceExhausted:
		code, zh = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "请求超出限制"
	}
	return refusal(e.Code(), say(code, zh, e.Message()))
}

// refusal is an error with a code and a Problem.
func refusal(code connect.Code, problem *roundsv1.Problem) *connect.Error {
	e := connect.NewError(code, errors.New(problem.GetSentence().GetEn()))
	if d, err := connect.NewErrorDetail(problem); err == nil {
		e.AddDetail(d)
	}
	if wait := problem.GetRetryAfter().AsDuration(); wait > 0 {
		e.Meta().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	return e
}

// say is a Problem in words. They may quote what somebody sent: what of it is no text is shown as such, for a Problem is text and could not be sent otherwise.
func say(code roundsv1.ProblemCode, zh, en string) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, Sentence: &roundsv1.Text{Zh: strings.ToValidUTF8(zh, "\uFFFD"), En: strings.ToValidUTF8(en, "\uFFFD")}}
}

func ending() *roundsv1.Problem {
	p := say(0, "服务器正在重启，请稍后重试", "The server is ending: try again in a moment")
	p.RetryAfter = durationpb.New(time.Second)
	return p
}

func tooOften(wait time.Duration) *connect.Error {
	p := say(roundsv1.ProblemCode_PROBLEM_CODE_RATE, "请求过于频繁，请稍后重试", "Too many calls: wait before the next one")
	p.RetryAfter = durationpb.New(wait)
	return refusal(connect.CodeResourceExhausted, p)
}

func tooLarge() *connect.Error {
	return refusal(connect.CodeResourceExhausted, say(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "请求过大", "The request is larger than the limit"))
}

func malformed(en string) *connect.Error {
	return refusal(connect.CodeInvalidArgument, say(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "请求格式不正确", en))
}

func noToken(en string) *connect.Error {
	return refusal(connect.CodeUnauthenticated, say(roundsv1.ProblemCode_PROBLEM_CODE_TOKEN, "登录凭证无效或已过期，请重新登录", en))
}

// badCompression is what reading a compressed message answers.
func badCompression(err error) error {
	if errors.Is(err, compress.ErrTooLarge) {
		return tooLarge()
	}
	return malformed("The message cannot be decompressed")
}
