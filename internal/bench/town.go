package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
)

// town is what a run works with at the server: a district of its own with its sites, and a crew.
type town struct {
	auth     roundsv1connect.AuthServiceClient
	admin    roundsv1connect.AdminServiceClient
	audience string
	boss     *device // the administrator
	district string
	scopes   []string
}

// bearing adds an access token to calls.
func bearing(token string) connect.ClientOption {
	return connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			req.Header().Set("Authorization", "Bearer "+token)
			return next(ctx, req)
		}
	}))
}

// settle enrols the administrator by a code and makes the district with so many sites under a node.
func (r *run) settle(ctx context.Context, address, audience, code, root string, sites int) (*town, error) {
	t := &town{auth: roundsv1connect.NewAuthServiceClient(http.DefaultClient, address), audience: audience}
	var err error
	if t.boss, err = r.enrol(ctx, t, code); err != nil {
		return nil, err
	}
	t.admin = roundsv1connect.NewAdminServiceClient(http.DefaultClient, address, bearing(t.boss.token))
	if root == "" {
		nodes, err := t.admin.ListNodes(ctx, connect.NewRequest(&roundsv1.ListNodesRequest{PageSize: 1}))
		if err != nil || len(nodes.Msg.GetNodes()) == 0 {
			return nil, fmt.Errorf("the root of the organisation: is the code an administrator's? %w", err)
		}
		root = nodes.Msg.GetNodes()[0].GetNodeId()
	}
	if t.district, err = t.node(ctx, root, roundsv1.NodeType_NODE_TYPE_DISTRICT, "rounds bench"); err != nil {
		return nil, err
	}
	t.scopes = make([]string, sites)
	return t, inParallel(8, sites, func(i int) error {
		id, err := t.node(ctx, t.district, roundsv1.NodeType_NODE_TYPE_SITE, fmt.Sprint("bench site ", i))
		t.scopes[i] = "site/" + id
		return err
	})
}

func (t *town) node(ctx context.Context, parent string, kind roundsv1.NodeType, name string) (string, error) {
	resp, err := t.admin.CreateNode(ctx, connect.NewRequest(&roundsv1.CreateNodeRequest{ParentId: parent, Type: kind, Name: &roundsv1.Text{En: name}}))
	if err != nil {
		return "", fmt.Errorf("making %s: %w", name, err)
	}
	return resp.Msg.GetNode().GetNodeId(), nil
}

// crew enrols so many devices. A person has up to perPerson of them, and a role in the whole district.
func (r *run) crew(ctx context.Context, t *town, role roundsv1.Role, devices, perPerson int) ([]*device, error) {
	people := make([]string, (devices+perPerson-1)/perPerson)
	if err := inParallel(8, len(people), func(i int) (err error) {
		people[i], err = t.person(ctx, role, i)
		return err
	}); err != nil {
		return nil, err
	}
	made := make([]*device, devices)
	return made, inParallel(8, devices, func(i int) error {
		code, err := t.admin.CreateEnrolmentCode(ctx, connect.NewRequest(&roundsv1.CreateEnrolmentCodeRequest{PersonId: people[i/perPerson]}))
		if err != nil {
			return fmt.Errorf("an enrolment code: %w", err)
		}
		made[i], err = r.enrol(ctx, t, code.Msg.GetCode())
		return err
	})
}

func (t *town) person(ctx context.Context, role roundsv1.Role, n int) (string, error) {
	made, err := t.admin.CreatePerson(ctx, connect.NewRequest(&roundsv1.CreatePersonRequest{Name: fmt.Sprint("bench ", n), HomeNodeId: t.district}))
	if err != nil {
		return "", fmt.Errorf("making a person: %w", err)
	}
	id := made.Msg.GetPerson().GetPersonId()
	// Since yesterday: the shift of a worker began before the benchmark did.
	since := time.Now().Add(-24 * time.Hour).UnixMicro()
	_, err = t.admin.CreateGrant(ctx, connect.NewRequest(&roundsv1.CreateGrantRequest{PersonId: id, NodeId: t.district, Role: role, FromUs: since}))
	if err != nil {
		return "", fmt.Errorf("granting a role: %w", err)
	}
	return id, nil
}

// enrol takes a device in by a code.
func (r *run) enrol(ctx context.Context, t *town, code string) (*device, error) {
	normal, ok := auth.NormalizeCode(code)
	if !ok {
		return nil, fmt.Errorf("%q is no enrolment code", code)
	}
	seed := sha256.Sum256([]byte(fmt.Sprint(r.options.Seed, " ", normal)))
	key := ed25519.NewKeyFromSeed(seed[:])
	public := key.Public().(ed25519.PublicKey)
	resp, err := t.auth.Enroll(ctx, connect.NewRequest(&roundsv1.EnrollRequest{
		Proof: &roundsv1.EnrollRequest_Code{Code: normal}, PublicKey: public, Audience: t.audience,
		Signature: ed25519.Sign(key, auth.EnrollChallenge(t.audience, normal, public)), DeviceName: "bench",
	}))
	if err != nil {
		return nil, fmt.Errorf("enrolling: %w", err)
	}
	return &device{id: resp.Msg.GetDeviceId(), person: resp.Msg.GetPersonId(), token: resp.Msg.GetAccessToken(), key: key,
		now: r.now, started: r.now(), lanes: map[string]*lane{}}, nil
}

// inParallel does n things, so many at a time, and returns the first error.
func inParallel(width, n int, do func(i int) error) error {
	var (
		mu    sync.Mutex // guards next and first
		next  int
		first error
		all   sync.WaitGroup
	)
	for range min(width, n) {
		all.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := first != nil || i >= n
				mu.Unlock()
				if stop {
					return
				}
				if err := do(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return first
}

// trimmed is an address without the slash at its end.
func trimmed(url string) string { return strings.TrimRight(url, "/") }
