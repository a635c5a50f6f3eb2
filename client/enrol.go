package client

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/sync/store"
)

// Enrolment is what a device shows to be taken in. Auth, Audience and one of Code and IDToken are needed.
type Enrolment struct {
	Auth roundsv1connect.AuthServiceClient
	// Audience is the server's address as the enrolment code's QR has it.
	Audience string
	// Code as an administrator gave it, or IDToken of the company's own identity provider.
	Code, IDToken string
	// Name of the device in lists, and its make and model; may be empty.
	Name, Model string
	// Rand makes the key. Default: crypto/rand.Reader.
	Rand io.Reader
}

// pendingEnrolment is kept while an enrolment is under way, so that it can be repeated with the same key when its reply was lost.
// Where the device had an identity before, it also keeps the new tokens until Reenrol.
type pendingEnrolment struct {
	Proof  []byte      `json:"proof"` // SHA-256 of code or token
	Seed   []byte      `json:"seed"`
	Device DeviceID    `json:"device_id,omitempty"`
	Tokens *tokenState `json:"tokens,omitempty"`
}

// Enrol takes the device in at a server. The identity and the tokens are in the store before it returns; Open and OpenTokens
// find them there. When the reply is lost, calling it again with the same proof gives the same device. On a store that has an
// identity already (after ErrForked) nothing changes until the returned identity is handed to Reenrol.
func Enrol(ctx context.Context, s store.Store, e Enrolment) (Identity, error) {
	cfg, err := Config{Store: s, Rand: e.Rand}.withDefaults()
	if err != nil {
		return Identity{}, err
	}
	if e.Auth == nil || e.Audience == "" || (e.Code == "") == (e.IDToken == "") {
		return Identity{}, errors.New("client: enrolment: Auth, Audience and one of Code and IDToken are needed")
	}
	request := &roundsv1.EnrollRequest{Audience: e.Audience, DeviceName: e.Name, DeviceModel: e.Model}
	proof := e.IDToken
	if e.Code != "" {
		proof = canonicalCode(e.Code)
		request.Proof = &roundsv1.EnrollRequest_Code{Code: proof}
	} else {
		request.Proof = &roundsv1.EnrollRequest_IdToken{IdToken: proof}
	}
	sum := sha256.Sum256([]byte(proof))
	key, err := enrolmentKey(ctx, cfg, sum)
	if err != nil {
		return Identity{}, in(deviceScope, err)
	}
	request.PublicKey = key.Public().(ed25519.PublicKey)
	message := append([]byte("rounds.enroll.v1\x00"+e.Audience+"\x00"), sum[:]...)
	request.Signature = ed25519.Sign(key, append(message, request.PublicKey...))
	answer, err := e.Auth.Enroll(ctx, connect.NewRequest(request))
	if err != nil {
		return Identity{}, fmt.Errorf("client: enrolling: %w", withProblem(err))
	}
	identity := Identity{Device: DeviceID(answer.Msg.GetDeviceId()), Person: PersonID(answer.Msg.GetPersonId()), Key: key}
	if err := identity.check(); err != nil {
		return Identity{}, fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	nonce, err := draw(cfg.Rand, nonceBytes)
	if err != nil {
		return Identity{}, err
	}
	tokens := tokenState{
		Access: AccessToken(answer.Msg.GetAccessToken()), AccessExpiresUS: answer.Msg.GetAccessExpiresUs(),
		Refresh: answer.Msg.GetRefreshToken(), RefreshExpiresUS: answer.Msg.GetRefreshExpiresUs(),
		Nonce: nonce, Audience: answer.Msg.GetAudience(),
	}
	if tokens.Standing, err = proto.Marshal(answer.Msg.GetStanding()); err != nil {
		return Identity{}, fmt.Errorf("%w: standing: %v", ErrProtocol, err)
	}
	return identity, in(deviceScope, storeEnrolment(ctx, s, identity, tokens))
}

// enrolmentKey makes the device's key, or finds the one of an attempt before with the same proof.
func enrolmentKey(ctx context.Context, cfg Config, proof [32]byte) (ed25519.PrivateKey, error) {
	var p pendingEnrolment
	err := cfg.Store.Update(ctx, deviceScope, func(w store.Writer) error {
		found, err := load(w, single(tableEnrolment), &p)
		if err != nil || (found && string(p.Proof) == string(proof[:]) && len(p.Seed) == ed25519.SeedSize) {
			return err
		}
		p.Proof = proof[:]
		if p.Seed, err = draw(cfg.Rand, ed25519.SeedSize); err != nil {
			return err
		}
		if err := w.Set(single(tableFormat), []byte{formatVersion}); err != nil {
			return err
		}
		return save(w, single(tableEnrolment), p)
	})
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(p.Seed), nil
}

func storeEnrolment(ctx context.Context, s store.Store, identity Identity, tokens tokenState) error {
	return s.Update(ctx, deviceScope, func(w store.Writer) error {
		was, err := loadSelf(w)
		if err != nil {
			return err
		}
		if was.enrolled() && !was.same(identity) {
			var p pendingEnrolment
			if _, err := load(w, single(tableEnrolment), &p); err != nil {
				return err
			}
			p.Device, p.Tokens = identity.Device, &tokens
			return save(w, single(tableEnrolment), p)
		}
		if !was.enrolled() {
			if err := saveSelf(w, self{Identity: identity, branch: 1}); err != nil {
				return err
			}
		}
		if err := save(w, single(tableTokens), tokens); err != nil {
			return err
		}
		return w.Delete(single(tableEnrolment))
	})
}

// adoptTokens makes the tokens of a new enrolment the present ones.
func adoptTokens(w store.Writer, of DeviceID) error {
	var p pendingEnrolment
	found, err := load(w, single(tableEnrolment), &p)
	if err != nil || !found || p.Device != of || p.Tokens == nil {
		return err
	}
	if err := save(w, single(tableTokens), p.Tokens); err != nil {
		return err
	}
	return w.Delete(single(tableEnrolment))
}

// canonicalCode is an enrolment code as it is signed: capitals, no blanks and hyphens, and no letters that look like digits.
func canonicalCode(code string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\n', '\r':
			return -1
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, strings.ToUpper(code))
}
