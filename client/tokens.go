package client

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/sync/store"
)

// AccessToken goes into the Authorization header of a call. It is a secret.
type AccessToken string

// LogValue keeps the token out of logs.
func (AccessToken) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Tokens give the access token of each call. The method may be called from several goroutines.
type Tokens interface {
	// Token returns an access token. refused is one that the server did not accept, so that it is not given again; "" at first.
	Token(ctx context.Context, refused AccessToken) (AccessToken, error)
}

// tokenState is what the device keeps of its tokens. The nonce belongs to the refresh token: as long as both are kept, a call
// whose reply was lost can be repeated, and is known by the server to be the same call.
type tokenState struct {
	Access           AccessToken `json:"access"`
	AccessExpiresUS  int64       `json:"access_expires_us"`
	Refresh          string      `json:"refresh"`
	RefreshExpiresUS int64       `json:"refresh_expires_us"`
	Nonce            []byte      `json:"nonce"`
	Audience         string      `json:"audience"`
	Standing         []byte      `json:"standing,omitempty"` // a roundsv1.Standing
}

// tokenMargin is how long before its end, in microseconds, an access token is not used any more.
const tokenMargin = 30_000_000

// StoredTokens are tokens kept in the device's store and refreshed at the server when they end. Make them with OpenTokens.
type StoredTokens struct {
	store store.Store
	auth  roundsv1connect.AuthServiceClient
	clock Clock
	rand  io.Reader

	mu    sync.Mutex // guards what follows, and lets one refresh go on at a time
	state tokenState
	at    anchor // of the last refresh, in this boot
}

var _ Tokens = (*StoredTokens)(nil)

// OpenTokens reads the tokens that Enrol stored. clock and random may be nil, for those of Config's defaults. ErrNotEnrolled:
// there are none.
func OpenTokens(
	ctx context.Context, s store.Store, auth roundsv1connect.AuthServiceClient, clock Clock, random io.Reader,
) (*StoredTokens, error) {
	cfg, err := Config{Store: s, Clock: clock, Rand: random}.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &StoredTokens{store: s, auth: auth, clock: cfg.Clock, rand: cfg.Rand}
	found := false
	err = s.View(ctx, deviceScope, func(r store.Reader) error {
		var err error
		found, err = load(r, single(tableTokens), &t.state)
		return err
	})
	switch {
	case err != nil:
		return nil, in(deviceScope, err)
	case !found:
		return nil, ErrNotEnrolled
	}
	return t, nil
}

// Token implements Tokens.
func (t *StoredTokens) Token(ctx context.Context, refused AccessToken) (AccessToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Reenrol may have changed them since.
	if err := t.store.View(ctx, deviceScope, func(r store.Reader) error {
		_, err := load(r, single(tableTokens), &t.state)
		return err
	}); err != nil {
		return "", in(deviceScope, err)
	}
	if t.state.Access != "" && t.state.Access != refused && t.fresh() {
		return t.state.Access, nil
	}
	if err := t.refresh(ctx); err != nil {
		return "", err
	}
	return t.state.Access, nil
}

// Standing is who the person is to the server, as it said at the enrolment or the last refresh: the language, and the roles in each site. nil: it did not say.
// Roles may have changed since, so what they forbid is worth a warning, and is for the server to refuse.
func (t *StoredTokens) Standing(ctx context.Context) (*roundsv1.Standing, error) {
	var state tokenState
	if err := t.store.View(ctx, deviceScope, func(r store.Reader) error {
		_, err := load(r, single(tableTokens), &state)
		return err
	}); err != nil {
		return nil, in(deviceScope, err)
	}
	if len(state.Standing) == 0 {
		return nil, nil
	}
	standing := new(roundsv1.Standing)
	if err := proto.Unmarshal(state.Standing, standing); err != nil {
		return nil, fmt.Errorf("%w: standing: %v", errGarbled, err)
	}
	return standing, nil
}

// fresh tells whether the access token has not ended, by the server's clock as this boot knows it. A wrong wall clock is not
// asked: before the first refresh of a boot the token is tried, and the server says.
func (t *StoredTokens) fresh() bool {
	now := reading(t.clock)
	return t.at.ServerUS == 0 || t.at.Boot != now.GetBootId() || t.at.at(now) < t.state.AccessExpiresUS-tokenMargin
}

// refresh turns the refresh token. The next one and its nonce are on disk before they are used, and until then the old ones
// stay: a reply that is lost, or a crash, costs nothing.
func (t *StoredTokens) refresh(ctx context.Context) error {
	var me self
	err := t.store.View(ctx, deviceScope, func(r store.Reader) error {
		var err error
		me, err = loadSelf(r)
		return err
	})
	if err != nil {
		return in(deviceScope, err)
	}
	if !me.enrolled() {
		return ErrNotEnrolled
	}
	if t.auth == nil {
		return ErrOffline
	}
	request := &roundsv1.RefreshRequest{RefreshToken: t.state.Refresh, Nonce: t.state.Nonce}
	request.Signature = ed25519.Sign(me.Key, refreshMessage(t.state.Audience, t.state.Refresh, t.state.Nonce))
	answer, err := t.auth.Refresh(ctx, connect.NewRequest(request))
	if err != nil {
		return fmt.Errorf("client: refreshing the tokens: %w", withProblem(err))
	}
	next := tokenState{
		Access: AccessToken(answer.Msg.GetAccessToken()), AccessExpiresUS: answer.Msg.GetAccessExpiresUs(),
		Refresh: answer.Msg.GetRefreshToken(), RefreshExpiresUS: answer.Msg.GetRefreshExpiresUs(), Audience: t.state.Audience,
	}
	if next.Standing, err = proto.Marshal(answer.Msg.GetStanding()); err != nil {
		return fmt.Errorf("%w: standing: %v", ErrProtocol, err)
	}
	if next.Nonce, err = draw(t.rand, nonceBytes); err != nil {
		return err
	}
	if err := t.store.Update(ctx, deviceScope, func(w store.Writer) error { return save(w, single(tableTokens), next) }); err != nil {
		return in(deviceScope, err)
	}
	now := reading(t.clock)
	t.state = next
	t.at = anchor{Boot: now.GetBootId(), MonotonicUS: now.GetMonotonicUs(), WallUS: now.GetWallUs(), ServerUS: answer.Msg.GetServerTimeUs()}
	return nil
}

const nonceBytes = 16

func draw(random io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("client: drawing random bytes: %w", err)
	}
	return b, nil
}

// refreshMessage is what a refresh signs over.
func refreshMessage(audience, refresh string, nonce []byte) []byte {
	sum := sha256.Sum256([]byte(refresh))
	message := append([]byte("rounds.refresh.v1\x00"+audience+"\x00"), sum[:]...)
	return append(message, nonce...)
}

// String keeps the secrets out of messages.
func (s tokenState) String() string { return "[secret]" }
