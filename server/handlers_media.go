package server

import (
	"context"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/evidence"
)

// mediaService hands calls to the desk, where the rights are checked.
type mediaService struct{ of *evidence.Desk }

var _ roundsv1connect.MediaServiceHandler = (*mediaService)(nil)

// Plan implements MediaServiceHandler.
func (s *mediaService) Plan(ctx context.Context, req *connect.Request[roundsv1.PlanRequest]) (*connect.Response[roundsv1.PlanResponse], error) {
	return from(ctx, req, s.of.Plan)
}

// Finish implements MediaServiceHandler.
func (s *mediaService) Finish(ctx context.Context, req *connect.Request[roundsv1.FinishRequest]) (*connect.Response[roundsv1.FinishResponse], error) {
	return from(ctx, req, s.of.Finish)
}

// Describe implements MediaServiceHandler.
func (s *mediaService) Describe(ctx context.Context, req *connect.Request[roundsv1.DescribeRequest]) (*connect.Response[roundsv1.DescribeResponse], error) {
	return from(ctx, req, s.of.Describe)
}

// Link implements MediaServiceHandler.
func (s *mediaService) Link(ctx context.Context, req *connect.Request[roundsv1.LinkRequest]) (*connect.Response[roundsv1.LinkResponse], error) {
	return from(ctx, req, s.of.Link)
}

// Chase implements MediaServiceHandler.
func (s *mediaService) Chase(ctx context.Context, req *connect.Request[roundsv1.ChaseRequest]) (*connect.Response[roundsv1.ChaseResponse], error) {
	return from(ctx, req, s.of.Chase)
}

// Hold implements MediaServiceHandler.
func (s *mediaService) Hold(ctx context.Context, req *connect.Request[roundsv1.HoldRequest]) (*connect.Response[roundsv1.HoldResponse], error) {
	return from(ctx, req, s.of.Hold)
}

// Redact implements MediaServiceHandler.
func (s *mediaService) Redact(ctx context.Context, req *connect.Request[roundsv1.RedactRequest]) (*connect.Response[roundsv1.RedactResponse], error) {
	return from(ctx, req, s.of.Redact)
}
