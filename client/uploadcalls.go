package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// plan asks what is to be sent of a batch. There are no results where the server will not hear of it; that is noted.
func (u *uploads) plan(ctx context.Context, call *caller, batch []*job, tally *PhotoTally) ([]*roundsv1.PlanResult, error) {
	size, parts, _ := u.pace.part()
	request := &roundsv1.PlanRequest{Scope: string(batch[0].photos[0].scope), Sha256: hashes(batch), PartBytes: uint32(size), MaxParts: uint32(parts)}
	answer, err := ask(ctx, u.d, call, request, u.d.cfg.Media.Plan)
	if err != nil {
		return nil, u.wholeCall(ctx, batch, err, tally)
	}
	return answer.GetResults(), sameHashes(batch, answer.GetResults())
}

// finish has the server put the photos together that are there whole.
func (u *uploads) finish(ctx context.Context, call *caller, complete []*job, tally *PhotoTally) error {
	for _, j := range complete {
		u.mu.Lock()
		j.stage = PhotoFinishing
		u.mu.Unlock()
		u.progress(j)
	}
	request := &roundsv1.FinishRequest{Scope: string(complete[0].photos[0].scope), Sha256: hashes(complete)}
	answer, err := ask(ctx, u.d, call, request, u.d.cfg.Media.Finish)
	if err != nil {
		return u.wholeCall(ctx, complete, err, tally)
	}
	if err := sameHashes(complete, answer.GetResults()); err != nil {
		return err
	}
	for i, result := range answer.GetResults() {
		j := complete[i]
		switch {
		case result.GetStored() != nil:
			err = u.stored(ctx, j, result.GetStored().GetDeduplicated(), tally)
		case result.GetProblem() != nil:
			err = u.trouble(ctx, j, result.GetProblem(), tally)
		default:
			err = fmt.Errorf("%w: a result that says nothing", ErrProtocol)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func hashes(jobs []*job) [][]byte {
	all := make([][]byte, 0, len(jobs))
	for _, j := range jobs {
		hash := j.hash()
		all = append(all, hash[:])
	}
	return all
}

// sameHashes holds results against what was asked for.
func sameHashes[R interface{ GetSha256() []byte }](asked []*job, results []R) error {
	if len(results) != len(asked) {
		return fmt.Errorf("%w: %d results for %d photos", ErrProtocol, len(results), len(asked))
	}
	for i, j := range asked {
		if hash := j.hash(); !bytes.Equal(results[i].GetSha256(), hash[:]) {
			return fmt.Errorf("%w: a result for another photo", ErrProtocol)
		}
	}
	return nil
}

// ask makes one call, once more with a new token where the old one is not good any more.
func ask[Q, A any](
	ctx context.Context, d *Device, call *caller, message *Q, method func(context.Context, *connect.Request[Q]) (*connect.Response[A], error),
) (*A, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timing.Exchange)
	defer cancel()
	for {
		request := connect.NewRequest(message)
		if err := d.authorise(ctx, call, request); err != nil {
			return nil, err
		}
		answer, err := method(ctx, request)
		if err == nil {
			return answer.Msg, nil
		}
		err = withProblem(err)
		again, failed := d.anotherToken(ctx, call, err)
		if failed != nil {
			return nil, failed
		}
		if !again {
			return nil, err
		}
	}
}

// wholeCall deals with a call that failed as a whole. Its error ends the uploads for now, or tries again where it is the link's.
func (u *uploads) wholeCall(ctx context.Context, batch []*job, err error, tally *PhotoTally) error {
	problem := problemOf(err)
	switch code := problem.GetCode(); {
	case ctx.Err() != nil:
		return ctx.Err()
	case problem == nil && !connect.IsWireError(err) && errors.As(err, new(*connect.Error)):
		// No server said this: the link did not carry the call, or its answer.
		u.pace.failed()
		return connect.NewError(connect.CodeUnavailable, err)
	case problem.GetRetryAfter() != nil, code == 0:
		return err
	case code == roundsv1.ProblemCode_PROBLEM_CODE_TOKEN, code == roundsv1.ProblemCode_PROBLEM_CODE_FULL,
		code == roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE, code == roundsv1.ProblemCode_PROBLEM_CODE_RATE:
		return err
	}
	// The server will not hear of this scope now; the photos of others go on.
	for _, j := range batch {
		if failed := u.fault(ctx, j, PhotoRefused, problem, tally); failed != nil {
			return failed
		}
	}
	return nil
}

// errStorage is the cause where the storage behind the server cannot take a photo now.
var errStorage = errors.New("client: the storage cannot take photos now")

// blames is how often a server may say of an original that is what it was that other bytes arrived, before the photo rests.
const blames = 3

// trouble deals with one photo that failed alone.
func (u *uploads) trouble(ctx context.Context, j *job, problem *roundsv1.Problem, tally *PhotoTally) error {
	switch problem.GetCode() {
	case roundsv1.ProblemCode_PROBLEM_CODE_REDACTED:
		return u.fault(ctx, j, PhotoRedacted, problem, tally)
	case roundsv1.ProblemCode_PROBLEM_CODE_PARTS_MISSING:
		u.known[j.hash()] = 0
		return nil // the next Plan says which
	case roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER:
		u.known[j.hash()] = 0
		fault, err := j.check(ctx, u.d.cfg.Originals)
		if err != nil {
			return err
		}
		if fault != "" {
			return u.fault(ctx, j, fault, nil, tally)
		}
		name := photoName{j.photos[0].scope, j.photos[0].id}
		if u.blame[name]++; u.blame[name] < blames {
			return nil
		}
		u.blame[name] = 0
	case roundsv1.ProblemCode_PROBLEM_CODE_FULL, roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE, roundsv1.ProblemCode_PROBLEM_CODE_RATE:
		if problem.GetRetryAfter() == nil {
			problem = waitProblem(problem.GetCode(), pauseUnasked)
		}
		return &ProblemError{Problem: problem, Cause: connect.NewError(connect.CodeUnavailable, errStorage)}
	}
	return u.fault(ctx, j, PhotoRefused, problem, tally)
}

// activate shows a job as under way; deactivate ends that, and closes what it had open.
func (u *uploads) activate(j *job) {
	u.mu.Lock()
	for _, q := range j.photos {
		u.active[photoName{q.scope, q.id}] = j
	}
	u.mu.Unlock()
	u.progress(j)
}

func (u *uploads) deactivate(batch []*job) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, j := range batch {
		j.close()
		for _, q := range j.photos {
			delete(u.active, photoName{q.scope, q.id})
		}
	}
}

// now lays on top of what the queue says of a photo what is under way.
func (u *uploads) now(p PhotoProgress) PhotoProgress {
	u.mu.Lock()
	defer u.mu.Unlock()
	if j := u.active[photoName{p.Scope, p.ID}]; j != nil && p.Stage != PhotoStored {
		p.Stage, p.Fault, p.Problem = j.stage, "", nil
		p.Sent = min(j.received+j.moved.Load(), p.Size)
	}
	return p
}

// progress tells how far a job is.
func (u *uploads) progress(j *job) {
	if u.d.cfg.Progress == nil {
		return
	}
	u.tell.Lock()
	defer u.tell.Unlock()
	for _, q := range j.photos {
		u.d.cfg.Progress(u.now(q.progress()))
	}
}

// announce tells what became of a job.
func (u *uploads) announce(j *job) {
	u.deactivate([]*job{j})
	if u.d.cfg.Progress == nil {
		return
	}
	u.tell.Lock()
	defer u.tell.Unlock()
	for _, q := range j.photos {
		u.d.cfg.Progress(q.progress())
	}
}
