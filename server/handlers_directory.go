package server

import (
	"context"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The methods of AdminServiceHandler that keep the directory. Each is the one of directory.Keeper with the same name, where the rights are checked.

// PutDirectory implements AdminServiceHandler.
func (s *adminService) PutDirectory(
	ctx context.Context, req *connect.Request[roundsv1.PutDirectoryRequest],
) (*connect.Response[roundsv1.PutDirectoryResponse], error) {
	return from(ctx, req, s.directory.PutDirectory)
}

// ListDirectory implements AdminServiceHandler.
func (s *adminService) ListDirectory(
	ctx context.Context, req *connect.Request[roundsv1.ListDirectoryRequest],
) (*connect.Response[roundsv1.ListDirectoryResponse], error) {
	return from(ctx, req, s.directory.ListDirectory)
}

// DeleteDirectory implements AdminServiceHandler.
func (s *adminService) DeleteDirectory(
	ctx context.Context, req *connect.Request[roundsv1.DeleteDirectoryRequest],
) (*connect.Response[roundsv1.DeleteDirectoryResponse], error) {
	return from(ctx, req, s.directory.DeleteDirectory)
}

// GetPolicy implements AdminServiceHandler.
func (s *adminService) GetPolicy(
	ctx context.Context, req *connect.Request[roundsv1.GetPolicyRequest],
) (*connect.Response[roundsv1.GetPolicyResponse], error) {
	return from(ctx, req, s.directory.GetPolicy)
}

// SetPolicy implements AdminServiceHandler.
func (s *adminService) SetPolicy(
	ctx context.Context, req *connect.Request[roundsv1.SetPolicyRequest],
) (*connect.Response[roundsv1.SetPolicyResponse], error) {
	return from(ctx, req, s.directory.SetPolicy)
}

// Import implements AdminServiceHandler.
func (s *adminService) Import(
	ctx context.Context, req *connect.Request[roundsv1.ImportRequest],
) (*connect.Response[roundsv1.ImportResponse], error) {
	return from(ctx, req, s.directory.Import)
}
