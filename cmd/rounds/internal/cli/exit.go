package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store"
)

// Exit is how the program ends.
type Exit int

// The exit codes.
const (
	// Done: all went well. What was queued while the server could not be reached counts as well.
	Done Exit = 0
	// Failed: it went wrong, or the audit found a bad entry.
	Failed Exit = 1
	// Usage: the command was called wrongly.
	Usage Exit = 2
	// NotEnrolled: the device is no device yet, or no longer.
	NotEnrolled Exit = 3
	// Unreachable: the server did not answer, or answered that it can do nothing just now.
	Unreachable Exit = 4
	// Refused: the server, or the rules that the device keeps too, said no.
	Refused Exit = 5
	// InUse: another process has the directory or the port.
	InUse Exit = 6
)

func exitCodes() string {
	return "0 done, 1 failed or bad entry found, 2 called wrongly, 3 not enrolled, 4 server unreachable, 5 refused, 6 directory or port in use"
}

// explain makes one line of an error, with what to do, and the exit code. Whatever a server, a name or a path brought into the error, the line is text only.
func explain(err error) (string, Exit) {
	line, code := lineOf(err)
	return clean(line), code
}

func lineOf(err error) (string, Exit) {
	var (
		own     *exit
		refused *client.ProblemError
		call    *connect.Error
	)
	switch {
	case errors.Is(err, errSilent):
		return "", Failed
	case errors.As(err, &own):
		return own.line, own.code
	case errors.Is(err, context.Canceled):
		return "interrupted", Failed
	case errors.Is(err, client.ErrNotEnrolled):
		return "this device is not enrolled: get a code from an administrator, then rounds device enroll --server ADDRESS CODE", NotEnrolled
	case errors.Is(err, client.ErrRevoked):
		return "this device was revoked: ask an administrator; to go on, enrol in an empty directory with a new code", NotEnrolled
	case errors.Is(err, client.ErrForked):
		return "this device's directory was copied or restored from a backup: enrol anew with a new code (rounds device enroll); nothing is lost", NotEnrolled
	case errors.Is(err, store.ErrInUse):
		return oneLine(err) + ": another rounds process uses it; end that one first", InUse
	case errors.Is(err, syscall.EADDRINUSE):
		return oneLine(err) + ": end the other program, or choose another address (--listen, --admin-listen)", InUse
	case errors.Is(err, store.ErrFull):
		return "the disk is full: nothing was written; free some space and try again", Failed
	case errors.Is(err, store.ErrReadOnly):
		return oneLine(err) + ": the directory cannot be written; check its owner and permissions", Failed
	case errors.As(err, &refused):
		return explainProblem(refused.Problem)
	case errors.As(err, &call):
		return explainCall(call)
	case errors.Is(err, client.ErrNoRecord):
		return oneLine(err) + ": rounds device sync brings what is new", Failed
	case errors.Is(err, fs.ErrNotExist):
		return oneLine(err), Failed
	}
	if unreachable(err) {
		return "the server cannot be reached: " + oneLine(err), Unreachable
	}
	return oneLine(err), Failed
}

func explainCall(call *connect.Error) (string, Exit) {
	for _, d := range call.Details() {
		if value, err := d.Value(); err == nil {
			if problem, ok := value.(*roundsv1.Problem); ok {
				return explainProblem(problem)
			}
		}
	}
	if unreachable(call) {
		return "the server cannot be reached: " + call.Message(), Unreachable
	}
	return call.Message(), Failed
}

// explainProblem says what the server said.
func explainProblem(p *roundsv1.Problem) (string, Exit) {
	line := p.GetSentence().GetEn()
	if line == "" {
		line = strings.ToLower(strings.TrimPrefix(p.GetCode().String(), "PROBLEM_CODE_"))
	}
	if field := p.GetField(); field != "" && !strings.Contains(line, field) {
		line += " (" + field + ")"
	}
	if wait := p.GetRetryAfter().AsDuration(); wait > 0 {
		line += fmt.Sprintf(" (try again in %v)", wait.Round(1e9))
	}
	line = clean(line)
	switch p.GetCode() {
	case roundsv1.ProblemCode_PROBLEM_CODE_TOKEN:
		return line + ": enrol this device with a new code (rounds device enroll)", NotEnrolled
	case roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE:
		return line + ": ask an administrator for a new one", Refused
	case roundsv1.ProblemCode_PROBLEM_CODE_FULL, roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE:
		return line, Unreachable
	}
	return line, Refused
}

// absence says why an unreachable server did not do its part: in its own words where it had some (its disk is full), for it was reached.
func absence(err error) string {
	var (
		told *client.ProblemError
		call *connect.Error
	)
	switch {
	case errors.As(err, &told):
		line, _ := explainProblem(told.Problem)
		return line
	case errors.As(err, &call):
		for _, d := range call.Details() {
			if value, err := d.Value(); err == nil {
				if problem, ok := value.(*roundsv1.Problem); ok {
					line, _ := explainProblem(problem)
					return line
				}
			}
		}
	}
	return "the server cannot be reached"
}

// unreachable tells whether an error means that no server answered.
func unreachable(err error) bool {
	var (
		dial *net.OpError
		dns  *net.DNSError
		ask  *url.Error
		call *connect.Error
	)
	if errors.Is(err, client.ErrOffline) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if errors.As(err, &call) && (call.Code() == connect.CodeUnavailable || call.Code() == connect.CodeDeadlineExceeded) {
		return true
	}
	return errors.As(err, &dial) || errors.As(err, &dns) || errors.As(err, &ask)
}

func oneLine(err error) string {
	parts := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, "; ")
}
