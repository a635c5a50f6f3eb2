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

// explain is explainIn in English.
func explain(err error) (string, Exit) { return explainIn("en", err) }

// explain is explainIn in the language that people are spoken to in.
func (p *program) explain(err error) (string, Exit) { return explainIn(p.lang, err) }

// explainIn makes one line of an error, with what to do, and the exit code. Whatever a server, a name or a path brought into the error, the line is text only.
func explainIn(lang string, err error) (string, Exit) {
	line, code := lineOf(lang, err)
	return clean(line), code
}

func lineOf(lang string, err error) (string, Exit) {
	in := func(en, zh string) string { return pick(lang, en, zh) }
	var own *exit
	problem := problemOf(err)
	switch {
	case errors.Is(err, errSilent):
		return "", Failed
	case errors.As(err, &own):
		return own.in(lang), own.code
	case errors.Is(err, context.Canceled):
		return in("interrupted", "已中断"), Failed
	case errors.Is(err, client.ErrNotEnrolled):
		return in("this device is not enrolled: get a code from an administrator, then rounds device enroll --server ADDRESS CODE",
			"本机尚未注册：向管理员要注册码，再运行 rounds device enroll --server 地址 注册码"), NotEnrolled
	case errors.Is(err, client.ErrRevoked):
		return in("this device was revoked: ask an administrator; to go on, enrol in an empty directory with a new code",
			"本机已被停用：请联系管理员；要继续使用，请在空目录里用新注册码注册"), NotEnrolled
	case errors.Is(err, client.ErrForked):
		return in("this device's directory was copied or restored from a backup: enrol anew with a new code (rounds device enroll); nothing is lost",
			"本机目录是复制来的或由备份恢复：请用新注册码重新注册（rounds device enroll），数据不会丢失"), NotEnrolled
	case errors.Is(err, store.ErrInUse):
		return where(err) + in("another rounds process uses this directory: let it finish, or end it first", "另一个 rounds 进程正在使用此目录：请等它结束，或先结束它"), InUse
	case errors.Is(err, syscall.EADDRINUSE):
		return oneLine(err) + in(": end the other program, or choose another address (--listen, --admin-listen)",
			"：地址已被占用，请结束占用它的程序或换一个地址（--listen、--admin-listen）"), InUse
	case full(err):
		return in("the disk is full: nothing was written; free some space and try again", "磁盘已满：什么都没有写入，请腾出空间后再试"), Failed
	case errors.Is(err, store.ErrReadOnly), errors.Is(err, fs.ErrPermission):
		return oneLine(err) + in(": it cannot be read or written here; check its owner and permissions", "：无法读写，请检查所有者和权限"), Failed
	case problem != nil:
		return explainProblemIn(lang, problem)
	case errors.Is(err, client.ErrNoRecord):
		return in(oneLine(err)+": rounds device sync brings what is new", "本机没有这条记录：rounds device sync 可取回最新数据"), Failed
	case errors.Is(err, fs.ErrNotExist):
		return missing(lang, err), Failed
	}
	if unreachable(err) {
		return in("the server cannot be reached: ", "连不上服务器：") + causeOf(err), Unreachable
	}
	return causeOf(err), Failed
}

// where is the path that an error is about, before what is said of it; "" where it names none.
func where(err error) string {
	for _, word := range strings.Fields(oneLine(err)) {
		if word = strings.TrimRight(word, ":;,"); strings.HasPrefix(word, "/") {
			return word + ": "
		}
	}
	return ""
}

// pick chooses between the two languages.
func pick(lang, en, zh string) string {
	if lang == "zh" {
		return zh
	}
	return en
}

// full tells whether there was no room to write, also where a limit of the process says so.
func full(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.EDQUOT)
}

// missing says which file is not there.
func missing(lang string, err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return pick(lang, "there is no file "+path.Path, "没有文件 "+path.Path)
	}
	return oneLine(err)
}

// causeOf is what a call says, without the protocol's words around it, or what any other error says.
func causeOf(err error) string {
	var call *connect.Error
	if errors.As(err, &call) {
		return call.Message()
	}
	return oneLine(err)
}

// problemOf is what a server said of a refusal, or what the device library made of it; nil where neither did.
func problemOf(err error) *roundsv1.Problem {
	var (
		refused *client.ProblemError
		call    *connect.Error
	)
	if errors.As(err, &refused) {
		return refused.Problem
	}
	if errors.As(err, &call) {
		for _, d := range call.Details() {
			if value, err := d.Value(); err == nil {
				if problem, ok := value.(*roundsv1.Problem); ok {
					return problem
				}
			}
		}
	}
	return nil
}

// explainProblem is explainProblemIn in English.
func explainProblem(p *roundsv1.Problem) (string, Exit) { return explainProblemIn("en", p) }

// explainProblemIn says what the server said, with its code and facts, and what to do about it.
func explainProblemIn(lang string, p *roundsv1.Problem) (string, Exit) {
	in := func(en, zh string) string { return pick(lang, en, zh) }
	line := textIn(lang, p.GetSentence())
	if line == "" {
		line = strings.ToLower(enumName(p.GetCode().String(), "PROBLEM_CODE"))
	}
	if field := p.GetField(); field != "" && !strings.Contains(line, field) {
		line += " (" + field + ")"
	}
	if wait := p.GetRetryAfter().AsDuration(); wait > 0 {
		line += fmt.Sprintf(in(" (try again in %v)", "（%v后再试）"), wait.Round(1e9))
	}
	line = clean(line)
	if p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED {
		line += " [" + marks(p) + "]"
	}
	switch p.GetCode() {
	case roundsv1.ProblemCode_PROBLEM_CODE_TOKEN:
		return line + in(": enrol this device with a new code (rounds device enroll)", "：请用新注册码重新注册本机（rounds device enroll）"), NotEnrolled
	case roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE:
		return line + in(": ask an administrator for a new one", "：请向管理员要新的注册码"), Refused
	case roundsv1.ProblemCode_PROBLEM_CODE_FULL, roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE:
		return line, Unreachable
	}
	return line, Refused
}

// absence says why an unreachable server did not do its part: in its own words where it had some (its disk is full), for it was reached.
func absence(lang string, err error) string {
	if problem := problemOf(err); problem != nil {
		line, _ := explainProblemIn(lang, problem)
		return line
	}
	return pick(lang, "the server cannot be reached", "连不上服务器")
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
