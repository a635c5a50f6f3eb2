package auth

import (
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// ErrClosed is the error of calls on an Authority that was closed.
var ErrClosed = errors.New("auth: closed")

// Error is a refusal: somebody asked for what they may not have, or asked wrongly. Any other error of this package is a fault of the
// store or of the machine, and says nothing to the one who asked.
type Error struct {
	// Problem is what to send. It is not nil and holds no secret.
	Problem *roundsv1.Problem
	// Cause is for the log; may be nil. It holds no secret.
	Cause error
}

// Error tells the code and the English sentence.
func (e *Error) Error() string {
	text := "auth: " + e.Problem.GetCode().String() + ": " + e.Problem.GetSentence().GetEn()
	if e.Cause != nil {
		text += " (" + e.Cause.Error() + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

func refuse(code roundsv1.ProblemCode, zh, en string) *Error {
	return &Error{Problem: &roundsv1.Problem{Code: code, Sentence: &roundsv1.Text{Zh: zh, En: en}}}
}

func (e *Error) because(cause error) *Error {
	e.Cause = cause
	return e
}

func badField(field, zh, en string) *Error {
	e := refuse(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, zh, en)
	e.Problem.Field = field
	return e
}

func badToken(cause error) *Error {
	return refuse(roundsv1.ProblemCode_PROBLEM_CODE_TOKEN, "登录凭证无效或已过期，请重新登录", "The token is missing, false or expired").because(cause)
}

func badSignature() *Error {
	e := refuse(roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE, "设备签名不正确", "The signature is not by the device's key")
	e.Problem.Field = "signature"
	return e
}

func badCode(zh, en string) *Error {
	e := refuse(roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE, zh, en)
	e.Problem.Field = "code"
	return e
}

func noRight() *Error {
	return refuse(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "您没有这项权限", "You have no right to do or to see this")
}

func noRecord(field string) *Error {
	e := refuse(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "找不到该对象", "There is no such thing")
	e.Problem.Field = field
	return e
}

func tooOften(wait time.Duration) *Error {
	e := refuse(roundsv1.ProblemCode_PROBLEM_CODE_RATE, "尝试次数过多，请稍后再试", "Too many tries: wait before the next one")
	e.Problem.RetryAfter = durationpb.New(wait)
	return e
}
