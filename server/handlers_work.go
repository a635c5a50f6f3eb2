package server

import (
	"context"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/review"
)

// workService hands calls to the boards, where the rights are checked.
type workService struct{ of *review.Service }

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

// Decide implements WorkServiceHandler.
func (s *workService) Decide(ctx context.Context, req *connect.Request[roundsv1.DecideRequest]) (*connect.Response[roundsv1.DecideResponse], error) {
	return from(ctx, req, s.of.Decide)
}

// Inbox implements WorkServiceHandler.
func (s *workService) Inbox(ctx context.Context, req *connect.Request[roundsv1.InboxRequest]) (*connect.Response[roundsv1.InboxResponse], error) {
	return from(ctx, req, s.of.Inbox)
}
