package server

import (
	"context"
	"errors"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/review"
)

// workService hands calls to the boards, where the rights are checked.
type workService struct {
	of    *review.Service
	valid protovalidate.Validator
}

var _ roundsv1connect.WorkServiceHandler = (*workService)(nil)

// ListTickets implements WorkServiceHandler.
func (s *workService) ListTickets(
	ctx context.Context, req *connect.Request[roundsv1.ListTicketsRequest],
) (*connect.Response[roundsv1.ListTicketsResponse], error) {
	return from(ctx, req, s.of.ListTickets)
}

// ListInspections implements WorkServiceHandler.
func (s *workService) ListInspections(
	ctx context.Context, req *connect.Request[roundsv1.ListInspectionsRequest],
) (*connect.Response[roundsv1.ListInspectionsResponse], error) {
	return from(ctx, req, s.of.ListInspections)
}

// ListNotices implements WorkServiceHandler.
func (s *workService) ListNotices(
	ctx context.Context, req *connect.Request[roundsv1.ListNoticesRequest],
) (*connect.Response[roundsv1.ListNoticesResponse], error) {
	return from(ctx, req, s.of.ListNotices)
}

// ReviewQueue implements WorkServiceHandler.
func (s *workService) ReviewQueue(
	ctx context.Context, req *connect.Request[roundsv1.ReviewQueueRequest],
) (*connect.Response[roundsv1.ReviewQueueResponse], error) {
	return from(ctx, req, s.of.ReviewQueue)
}

// Story implements WorkServiceHandler.
func (s *workService) Story(ctx context.Context, req *connect.Request[roundsv1.StoryRequest]) (*connect.Response[roundsv1.StoryResponse], error) {
	return from(ctx, req, s.of.Story)
}

// Decide implements WorkServiceHandler. The schema leaves the acts to be looked at here: what is wrong with one is no matter of its neighbours.
func (s *workService) Decide(ctx context.Context, req *connect.Request[roundsv1.DecideRequest]) (*connect.Response[roundsv1.DecideResponse], error) {
	return answer(s.of.DecideChecked(ctx, callerOf(ctx), req.Msg, s.malformed))
}

// malformed says what is wrong with an act by itself; nil where nothing is. The field is as the act has it.
func (s *workService) malformed(act *roundsv1.DeskAct) *roundsv1.Problem {
	err := s.valid.Validate(act)
	if err == nil {
		return nil
	}
	p := say(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "这项操作的格式不正确", "This act breaks a rule of its schema")
	if fields := (*protovalidate.ValidationError)(nil); errors.As(err, &fields) {
		p = problemOfFields(fields)
	}
	p.Scope = act.GetScope()
	return p
}

// Inbox implements WorkServiceHandler.
func (s *workService) Inbox(ctx context.Context, req *connect.Request[roundsv1.InboxRequest]) (*connect.Response[roundsv1.InboxResponse], error) {
	return from(ctx, req, s.of.Inbox)
}
