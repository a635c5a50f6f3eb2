package server

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"connectrpc.com/connect"

	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/sync/engine"
)

// admission is what a call must show.
type admission int

const (
	// refused: nobody may call it. What is not in the table is refused.
	refused admission = iota
	// open: everybody may call it, as often as their address may.
	open
	// known: a device with a valid access token, also a revoked one: it hands in what it holds, and is told to purge.
	known
	// inService: a device that is not revoked, of a person who is not suspended.
	inService
)

// admissions is the table of all calls. A method of the schema without a row is refused.
func admissions() map[string]admission {
	table := map[string]admission{
		roundsv1connect.SyncServiceExchangeProcedure: known,
		roundsv1connect.SyncServiceWatchProcedure:    known,
		roundsv1connect.AuthServiceEnrollProcedure:   open,
		roundsv1connect.AuthServiceRefreshProcedure:  open,
		// A device that was revoked hands in the bytes of what it promised, too.
		roundsv1connect.MediaServicePlanProcedure:   known,
		roundsv1connect.MediaServiceFinishProcedure: known,
	}
	for _, procedure := range []string{
		roundsv1connect.AdminServiceCreateNodeProcedure, roundsv1connect.AdminServiceRenameNodeProcedure,
		roundsv1connect.AdminServiceMoveNodeProcedure, roundsv1connect.AdminServiceListNodesProcedure,
		roundsv1connect.AdminServiceCreatePersonProcedure, roundsv1connect.AdminServiceUpdatePersonProcedure,
		roundsv1connect.AdminServiceListPeopleProcedure, roundsv1connect.AdminServiceSuspendPersonProcedure,
		roundsv1connect.AdminServiceReinstatePersonProcedure, roundsv1connect.AdminServiceDeletePersonProcedure,
		roundsv1connect.AdminServiceCreateGrantProcedure, roundsv1connect.AdminServiceEndGrantProcedure,
		roundsv1connect.AdminServiceListGrantsProcedure, roundsv1connect.AdminServiceCreateEnrolmentCodeProcedure,
		roundsv1connect.AdminServiceCancelEnrolmentCodeProcedure, roundsv1connect.AdminServiceListEnrolmentCodesProcedure,
		roundsv1connect.AdminServiceListDevicesProcedure, roundsv1connect.AdminServiceRevokeDeviceProcedure,
		roundsv1connect.AdminServiceRotateSigningKeyProcedure, roundsv1connect.AdminServiceListSigningKeysProcedure,
		roundsv1connect.AdminServicePutDirectoryProcedure, roundsv1connect.AdminServiceListDirectoryProcedure,
		roundsv1connect.AdminServiceDeleteDirectoryProcedure, roundsv1connect.AdminServiceGetPolicyProcedure,
		roundsv1connect.AdminServiceSetPolicyProcedure, roundsv1connect.AdminServiceImportProcedure,
		roundsv1connect.MediaServiceDescribeProcedure, roundsv1connect.MediaServiceLinkProcedure, roundsv1connect.MediaServiceChaseProcedure,
		roundsv1connect.MediaServiceHoldProcedure, roundsv1connect.MediaServiceRedactProcedure,
		roundsv1connect.WorkServiceListTicketsProcedure, roundsv1connect.WorkServiceListInspectionsProcedure,
		roundsv1connect.WorkServiceListNoticesProcedure, roundsv1connect.WorkServiceReviewQueueProcedure, roundsv1connect.WorkServiceStoryProcedure,
		roundsv1connect.WorkServiceDecideProcedure, roundsv1connect.WorkServiceInboxProcedure,
		roundsv1connect.ExportServiceExportProcedure,
	} {
		table[procedure] = inService
	}
	return table
}

// door lets calls in, before anything of their body is read.
type door struct {
	authority *auth.Authority
	table     map[string]admission
	addresses *limiter[netip.Addr]
	devices   *limiter[auth.DeviceID]
	rejected  func(reason string)
	seen      func(device auth.DeviceID)
}

type identityKey struct{}

// identityOf returns who makes a call; the zero Identity where the call needs none.
func identityOf(ctx context.Context) auth.Identity {
	id, _ := ctx.Value(identityKey{}).(auth.Identity)
	return id
}

func callerOf(ctx context.Context) engine.Caller {
	id := identityOf(ctx)
	return engine.Caller{Device: engine.DeviceID(id.Device), Person: engine.PersonID(id.Person)}
}

// admit is a connect.RequestGateFunc.
func (d *door) admit(ctx context.Context, spec connect.Spec, _ connect.Peer, header http.Header) (context.Context, error) {
	need := d.table[spec.Procedure]
	from := remoteOf(ctx)
	if need == open {
		if wait := d.addresses.take(limitedAs(from)); wait > 0 {
			d.rejected("rate")
			return nil, tooOften(wait)
		}
		return ctx, nil
	}
	if need == refused {
		d.rejected("method")
		refused, _ := toConnect(connect.NewError(connect.CodePermissionDenied, errNoMethod))
		return nil, refused
	}
	token, ok := bearer(header)
	if !ok {
		return nil, d.noEntry(from, noToken("The call needs an access token"))
	}
	id, err := d.authority.Verify(token)
	if err != nil {
		refused, _ := toConnect(err)
		return nil, d.noEntry(from, refused)
	}
	if need == inService && !id.InService() {
		d.rejected("right")
		refused, _ := toConnect(errNotInService())
		return nil, refused
	}
	if wait := d.devices.take(id.Device); wait > 0 {
		d.rejected("rate")
		return nil, tooOften(wait)
	}
	d.seen(id.Device)
	return context.WithValue(ctx, identityKey{}, id), nil
}

// noEntry refuses a call without a valid token. They are counted for the address, so that false tokens cannot be tried without end.
func (d *door) noEntry(from netip.Addr, refused *connect.Error) error {
	if wait := d.addresses.take(limitedAs(from)); wait > 0 {
		d.rejected("rate")
		return tooOften(wait)
	}
	d.rejected("token")
	return refused
}

// bearer returns the token of the Authorization header.
func bearer(header http.Header) (string, bool) {
	scheme, token, ok := strings.Cut(header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// limitedAs groups the addresses that one party has.
func limitedAs(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}
