package demo

import (
	"context"
	"fmt"
	"net/http"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/server"
)

// office is the administrator's desk: a device like any other, and the calls to AdminService.
type office struct {
	*phone
	admin roundsv1connect.AdminServiceClient
	media roundsv1connect.MediaServiceClient
	root  string
}

// openOffice enrols the first administrator.
func openOffice(ctx context.Context, dir string, r server.Ready, at *timeline) (*office, error) {
	p, err := newPhone(dir, "office", r.Address[len("http://"):], at, 0)
	if err != nil {
		return nil, err
	}
	p.url, p.ID, p.Role = r.URL, r.Person, roundsv1.Role_ROLE_ADMIN
	if err := p.enrol(ctx, r.Code); err != nil {
		return nil, err
	}
	if err := p.on(ctx); err != nil {
		return nil, err
	}
	tokens, err := client.OpenTokens(ctx, p.store, roundsv1connect.NewAuthServiceClient(p.httpc, p.address()), p.clocks, nil)
	if err != nil {
		return nil, err
	}
	bearer := bearerOf(tokens)
	return &office{phone: p, root: r.Root,
		admin: roundsv1connect.NewAdminServiceClient(http.DefaultClient, r.Address, connect.WithInterceptors(bearer)),
		media: roundsv1connect.NewMediaServiceClient(http.DefaultClient, r.Address, connect.WithInterceptors(bearer))}, nil
}

// bearerOf adds a device's access token to each call.
func bearerOf(tokens client.Tokens) connect.Interceptor {
	return connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			token, err := tokens.Token(ctx, "")
			if err != nil {
				return nil, err
			}
			req.Header().Set("Authorization", "Bearer "+string(token))
			answer, err := next(ctx, req)
			if connect.CodeOf(err) != connect.CodeUnauthenticated {
				return answer, err
			}
			if token, err = tokens.Token(ctx, token); err != nil { // it ended meanwhile
				return nil, err
			}
			req.Header().Set("Authorization", "Bearer "+string(token))
			return next(ctx, req)
		}
	})
}

// phoneFor returns an enrolment code for a person who is in the directory.
func (o *office) phoneFor(ctx context.Context, p community.Person) (code string, err error) {
	made, err := o.admin.CreateEnrolmentCode(ctx, connect.NewRequest(&roundsv1.CreateEnrolmentCodeRequest{PersonId: p.ID}))
	if err != nil {
		return "", fmt.Errorf("demo: code for %s: %w", p.Name, err)
	}
	return made.Msg.GetCode(), nil
}

// hire enters a person with a role at a node and returns an enrolment code.
func (o *office) hire(ctx context.Context, p community.Person, node string) (code string, err error) {
	if _, err := o.admin.CreatePerson(ctx, connect.NewRequest(&roundsv1.CreatePersonRequest{PersonId: p.ID, Name: p.Name, HomeNodeId: node})); err != nil {
		return "", fmt.Errorf("demo: person %s: %w", p.Name, err)
	}
	if _, err := o.admin.CreateGrant(ctx, connect.NewRequest(&roundsv1.CreateGrantRequest{PersonId: p.ID, NodeId: node, Role: p.Role})); err != nil {
		return "", fmt.Errorf("demo: grant of %s: %w", p.Name, err)
	}
	return o.phoneFor(ctx, p)
}

// dismiss ends all of a person's grants now.
func (o *office) dismiss(ctx context.Context, person string) error {
	held, err := o.admin.ListGrants(ctx, connect.NewRequest(&roundsv1.ListGrantsRequest{Of: &roundsv1.ListGrantsRequest_PersonId{PersonId: person}}))
	if err != nil {
		return err
	}
	for _, g := range held.Msg.GetGrants() {
		if _, err := o.admin.EndGrant(ctx, connect.NewRequest(&roundsv1.EndGrantRequest{PersonId: person, GrantId: g.GetGrantId()})); err != nil {
			return err
		}
	}
	return nil
}

// revoke shuts a lost phone out.
func (o *office) revoke(ctx context.Context, device client.DeviceID) error {
	_, err := o.admin.RevokeDevice(ctx, connect.NewRequest(&roundsv1.RevokeDeviceRequest{DeviceId: string(device), Revocation: roundsv1.Revocation_REVOCATION_IMMEDIATE}))
	return err
}
