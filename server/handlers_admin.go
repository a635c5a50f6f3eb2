package server

import (
	"context"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/sync/engine"
)

// The methods of AdminServiceHandler. Each is the one of auth.Admin with the same name, where the rights are checked.

// following calls a method that changes a node, and has the node's record follow. Where that half fails, the same call again comes to it: the first half then changes nothing.
func following[Q, A any](ctx context.Context, s *adminService, req *connect.Request[Q], call func(context.Context, auth.Identity, *Q) (*A, error),
	node func(*A) *roundsv1.Node) (*connect.Response[A], error) {
	done, err := call(ctx, identityOf(ctx), req.Msg)
	if err == nil {
		err = s.directory.Follow(ctx, callerOf(ctx), node(done).GetNodeId())
	}
	return answer(done, err)
}

// CreateNode implements AdminServiceHandler.
func (s *adminService) CreateNode(
	ctx context.Context, req *connect.Request[roundsv1.CreateNodeRequest],
) (*connect.Response[roundsv1.CreateNodeResponse], error) {
	return following(ctx, s, req, s.of.CreateNode, (*roundsv1.CreateNodeResponse).GetNode)
}

// RenameNode implements AdminServiceHandler.
func (s *adminService) RenameNode(
	ctx context.Context, req *connect.Request[roundsv1.RenameNodeRequest],
) (*connect.Response[roundsv1.RenameNodeResponse], error) {
	return following(ctx, s, req, s.of.RenameNode, (*roundsv1.RenameNodeResponse).GetNode)
}

// MoveNode implements AdminServiceHandler.
func (s *adminService) MoveNode(
	ctx context.Context, req *connect.Request[roundsv1.MoveNodeRequest],
) (*connect.Response[roundsv1.MoveNodeResponse], error) {
	return following(ctx, s, req, s.of.MoveNode, (*roundsv1.MoveNodeResponse).GetNode)
}

// ListNodes implements AdminServiceHandler.
func (s *adminService) ListNodes(
	ctx context.Context, req *connect.Request[roundsv1.ListNodesRequest],
) (*connect.Response[roundsv1.ListNodesResponse], error) {
	return as(ctx, req, s.of.ListNodes)
}

// CreatePerson implements AdminServiceHandler.
func (s *adminService) CreatePerson(
	ctx context.Context, req *connect.Request[roundsv1.CreatePersonRequest],
) (*connect.Response[roundsv1.CreatePersonResponse], error) {
	return as(ctx, req, s.of.CreatePerson)
}

// UpdatePerson implements AdminServiceHandler.
func (s *adminService) UpdatePerson(
	ctx context.Context, req *connect.Request[roundsv1.UpdatePersonRequest],
) (*connect.Response[roundsv1.UpdatePersonResponse], error) {
	return as(ctx, req, s.of.UpdatePerson)
}

// ListPeople implements AdminServiceHandler.
func (s *adminService) ListPeople(
	ctx context.Context, req *connect.Request[roundsv1.ListPeopleRequest],
) (*connect.Response[roundsv1.ListPeopleResponse], error) {
	return as(ctx, req, s.of.ListPeople)
}

// SuspendPerson implements AdminServiceHandler.
func (s *adminService) SuspendPerson(
	ctx context.Context, req *connect.Request[roundsv1.SuspendPersonRequest],
) (*connect.Response[roundsv1.SuspendPersonResponse], error) {
	return as(ctx, req, s.of.SuspendPerson)
}

// ReinstatePerson implements AdminServiceHandler.
func (s *adminService) ReinstatePerson(
	ctx context.Context, req *connect.Request[roundsv1.ReinstatePersonRequest],
) (*connect.Response[roundsv1.ReinstatePersonResponse], error) {
	return as(ctx, req, s.of.ReinstatePerson)
}

// DeletePerson implements AdminServiceHandler.
func (s *adminService) DeletePerson(
	ctx context.Context, req *connect.Request[roundsv1.DeletePersonRequest],
) (*connect.Response[roundsv1.DeletePersonResponse], error) {
	done, err := as(ctx, req, s.of.DeletePerson)
	if err == nil { // where this half fails, the same call again comes to it
		err = s.directory.Forget(ctx, callerOf(ctx), engine.PersonID(req.Msg.GetPersonId()))
	}
	if err != nil {
		return nil, err
	}
	return done, nil
}

// CreateGrant implements AdminServiceHandler.
func (s *adminService) CreateGrant(
	ctx context.Context, req *connect.Request[roundsv1.CreateGrantRequest],
) (*connect.Response[roundsv1.CreateGrantResponse], error) {
	return as(ctx, req, s.of.CreateGrant)
}

// EndGrant implements AdminServiceHandler.
func (s *adminService) EndGrant(
	ctx context.Context, req *connect.Request[roundsv1.EndGrantRequest],
) (*connect.Response[roundsv1.EndGrantResponse], error) {
	return as(ctx, req, s.of.EndGrant)
}

// ListGrants implements AdminServiceHandler.
func (s *adminService) ListGrants(
	ctx context.Context, req *connect.Request[roundsv1.ListGrantsRequest],
) (*connect.Response[roundsv1.ListGrantsResponse], error) {
	return as(ctx, req, s.of.ListGrants)
}

// CreateEnrolmentCode implements AdminServiceHandler.
func (s *adminService) CreateEnrolmentCode(
	ctx context.Context, req *connect.Request[roundsv1.CreateEnrolmentCodeRequest],
) (*connect.Response[roundsv1.CreateEnrolmentCodeResponse], error) {
	return as(ctx, req, s.of.CreateEnrolmentCode)
}

// CancelEnrolmentCode implements AdminServiceHandler.
func (s *adminService) CancelEnrolmentCode(
	ctx context.Context, req *connect.Request[roundsv1.CancelEnrolmentCodeRequest],
) (*connect.Response[roundsv1.CancelEnrolmentCodeResponse], error) {
	return as(ctx, req, s.of.CancelEnrolmentCode)
}

// ListEnrolmentCodes implements AdminServiceHandler.
func (s *adminService) ListEnrolmentCodes(
	ctx context.Context, req *connect.Request[roundsv1.ListEnrolmentCodesRequest],
) (*connect.Response[roundsv1.ListEnrolmentCodesResponse], error) {
	return as(ctx, req, s.of.ListEnrolmentCodes)
}

// ListDevices implements AdminServiceHandler.
func (s *adminService) ListDevices(
	ctx context.Context, req *connect.Request[roundsv1.ListDevicesRequest],
) (*connect.Response[roundsv1.ListDevicesResponse], error) {
	return as(ctx, req, s.of.ListDevices)
}

// RevokeDevice implements AdminServiceHandler.
func (s *adminService) RevokeDevice(
	ctx context.Context, req *connect.Request[roundsv1.RevokeDeviceRequest],
) (*connect.Response[roundsv1.RevokeDeviceResponse], error) {
	return as(ctx, req, s.of.RevokeDevice)
}

// RotateSigningKey implements AdminServiceHandler.
func (s *adminService) RotateSigningKey(
	ctx context.Context, req *connect.Request[roundsv1.RotateSigningKeyRequest],
) (*connect.Response[roundsv1.RotateSigningKeyResponse], error) {
	return as(ctx, req, s.of.RotateSigningKey)
}

// ListSigningKeys implements AdminServiceHandler.
func (s *adminService) ListSigningKeys(
	ctx context.Context, req *connect.Request[roundsv1.ListSigningKeysRequest],
) (*connect.Response[roundsv1.ListSigningKeysResponse], error) {
	return as(ctx, req, s.of.ListSigningKeys)
}
