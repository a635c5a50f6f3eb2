package server

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/sync/engine"
)

// syncService hands calls to the engine.
type syncService struct {
	engine  *engine.Engine
	streams *streams
	metrics *metrics
	now     func() time.Time
}

var _ roundsv1connect.SyncServiceHandler = (*syncService)(nil)

// Exchange implements SyncServiceHandler.
func (s *syncService) Exchange(ctx context.Context, req *connect.Request[roundsv1.ExchangeRequest]) (*connect.Response[roundsv1.ExchangeResponse], error) {
	resp, err := s.engine.Exchange(ctx, callerOf(ctx), req.Msg)
	if err != nil {
		return nil, err
	}
	s.metrics.exchanged(req.Msg, resp)
	return connect.NewResponse(resp), nil
}

// Watch implements SyncServiceHandler. The stream ends with the caller's token: the device resumes with its next one.
func (s *syncService) Watch(ctx context.Context, req *connect.Request[roundsv1.WatchRequest], to *connect.ServerStream[roundsv1.WatchResponse]) error {
	id := identityOf(ctx)
	streaming, leave := s.streams.enter(ctx, id.Device)
	defer leave()
	streaming, expire := context.WithDeadlineCause(streaming, s.deadline(id), errTokenEnded)
	defer expire()
	err := s.engine.Watch(streaming, callerOf(ctx), req.Msg, to.Send)
	switch cause := context.Cause(streaming); {
	case err == nil || ctx.Err() != nil || cause == nil:
		return err
	case errors.Is(cause, errTokenEnded):
		return to.Send(&roundsv1.WatchResponse{ServerTimeUs: s.now().UnixMicro(), ResumeAfter: durationpb.New(0)})
	default:
		return whyEnded(cause, err)
	}
}

// errTokenEnded is the cause with which a stream's context ends when its token does.
var errTokenEnded = errors.New("server: the token has ended")

// deadline is when the token of an identity ends, on the clock that contexts go by.
func (s *syncService) deadline(id auth.Identity) time.Time {
	return time.Now().Add(id.Expires.Sub(s.now()))
}

// authService hands calls to the authority.
type authService struct{ of *auth.Authority }

var _ roundsv1connect.AuthServiceHandler = (*authService)(nil)

// Enroll implements AuthServiceHandler.
func (s *authService) Enroll(ctx context.Context, req *connect.Request[roundsv1.EnrollRequest]) (*connect.Response[roundsv1.EnrollResponse], error) {
	return answer(s.of.Enroll(ctx, remoteOf(ctx), req.Msg))
}

// Refresh implements AuthServiceHandler.
func (s *authService) Refresh(ctx context.Context, req *connect.Request[roundsv1.RefreshRequest]) (*connect.Response[roundsv1.RefreshResponse], error) {
	return answer(s.of.Refresh(ctx, remoteOf(ctx), req.Msg))
}

// answer is a message as Connect sends it.
func answer[T any](msg *T, err error) (*connect.Response[T], error) {
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(msg), nil
}

// adminService hands calls to the authority's administration, and to the keeper of the directory.
type adminService struct {
	of        auth.Admin
	directory *directory.Keeper
}

var _ roundsv1connect.AdminServiceHandler = (*adminService)(nil)

// as calls a method of the administration as who makes the call.
func as[Q, A any](ctx context.Context, req *connect.Request[Q], call func(context.Context, auth.Identity, *Q) (*A, error)) (*connect.Response[A], error) {
	return answer(call(ctx, identityOf(ctx), req.Msg))
}

// from calls a method of another part of the server as who makes the call.
func from[Q, A any](ctx context.Context, req *connect.Request[Q], call func(context.Context, engine.Caller, *Q) (*A, error)) (*connect.Response[A], error) {
	return answer(call(ctx, callerOf(ctx), req.Msg))
}
