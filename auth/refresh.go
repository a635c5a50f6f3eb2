package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/netip"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// Refresh gives new tokens for the last refresh token. The remote address is the one that guesses are counted for. The device proves its
// key first, so that a stolen token neither opens anything nor shuts its owner out. Repeated with the same nonce after the reply was
// lost, it gives out the same refresh token again; with another nonce, or with an older token, the device is shut out, for then
// two hold its key and tokens. A revoked device and a barred person get tokens to the end of the refresh token that they had.
// Refusals: TOKEN, BAD_SIGNATURE, RATE.
func (a *Authority) Refresh(ctx context.Context, remote netip.Addr, req *roundsv1.RefreshRequest) (*roundsv1.RefreshResponse, error) {
	now := a.now()
	token, sealedBy, err := openRefresh(req.GetRefreshToken(), a.keys.Load().refresh, a.cfg.Audience, now.UnixMicro())
	if err != nil {
		return nil, a.failedRefresh(remote, badToken(err))
	}
	a.index.mu.RLock()
	d, known := a.index.devices[token.device]
	a.index.mu.RUnlock()
	if !known {
		d = device{person: token.person, key: token.publicKey}
	}
	signed := ed25519.Verify(d.key[:], RefreshChallenge(a.cfg.Audience, req.GetRefreshToken(), req.GetNonce()), req.GetSignature())
	switch {
	case !signed:
		return nil, a.failedRefresh(remote, badSignature())
	case d.person != token.person:
		return nil, badToken(errors.New("the device is another person's"))
	case now.UnixMicro() >= token.expires:
		return nil, badToken(errors.New("the refresh token has expired"))
	case d.shut:
		return nil, badToken(errors.New("the device was shut out"))
	case !known && sealedBy.compromised:
		return nil, badToken(errors.New("unknown device, and its token's key may be in foreign hands"))
	}
	return a.turn(ctx, token, req.GetNonce())
}

// failedRefresh counts a try that looks like guessing. A good token passes all the same: behind the address of a whole site nobody is
// locked out by a neighbour, and a seal of 256 bits with a signature on top is guessed by no rate of tries.
func (a *Authority) failedRefresh(remote netip.Addr, refusal *Error) error {
	verdict, wait := a.refreshes.begin(remote)
	if verdict == nil {
		return tooOften(wait)
	}
	verdict(true)
	return refusal
}

// turn moves the device's refresh token on.
func (a *Authority) turn(ctx context.Context, token refreshToken, nonce []byte) (*roundsv1.RefreshResponse, error) {
	var state *roundsv1.RefreshState
	var d *roundsv1.Device
	var shut error
	err := a.committer.commit(ctx, func(t *tx) error {
		state, d, shut = &roundsv1.RefreshState{}, &roundsv1.Device{}, nil
		now := a.now()
		deviceAt, stateAt := key(keyDevice, token.device[:]), key(keyRefresh, token.device[:])
		found, err := read(t, deviceAt, d)
		if err != nil {
			return err
		}
		if !found {
			if d, err = a.remember(t, token, now); err != nil {
				return err
			}
		} else if _, err := read(t, stateAt, state); err != nil {
			return err
		}
		if d.GetShutUs() != 0 {
			return badToken(errors.New("the device was shut out"))
		}
		sum := sha256.Sum256(nonce)
		if token.generation < state.GetGeneration() {
			if token.generation+1 == state.GetGeneration() && equal(sum[:], state.GetNonceHash()) {
				return nil // the reply was lost: done is done
			}
			d.ShutUs = now.UnixMicro()
			shut = badToken(errors.New("an old refresh token turned up: the device was shut out"))
			t.apply(func(x *index) { x.setDevice(d) })
			t.tell(Change{Person: PersonID(d.GetPersonId()), Device: DeviceID(d.GetDeviceId())})
			return t.write(deviceAt, d)
		}
		// A generation greater than ours was given out before this server was restored from a backup.
		expires := now.Add(a.cfg.RefreshLife).UnixMicro()
		if d.GetRevokedUs() != 0 || a.index.barredNow(token.person, now.UnixMicro()) {
			expires = token.expires
		}
		state = &roundsv1.RefreshState{Generation: token.generation + 1, NonceHash: sum[:], ExpiresUs: expires, IssuedUs: now.UnixMicro()}
		return t.write(stateAt, state)
	})
	if err == nil {
		err = shut
	}
	if err != nil {
		return nil, err
	}
	now := a.now()
	inMemory := deviceOf(d)
	access, ends, err := a.issueAccess(token.person, token.device, inMemory, now)
	if err != nil {
		return nil, err
	}
	refresh, err := a.issueRefresh(token.person, token.device, inMemory, state, now)
	if err != nil {
		return nil, err
	}
	standing, err := a.standing(ctx, token.person, now)
	return &roundsv1.RefreshResponse{AccessToken: access, AccessExpiresUs: ends.UnixMicro(), RefreshToken: refresh,
		RefreshExpiresUs: state.GetExpiresUs(), ServerTimeUs: now.UnixMicro(), Standing: standing}, err
}

// remember makes again a device that enrolled after the backup from which this server was restored. Its token, sealed by this server,
// says whose it is and by which key.
func (a *Authority) remember(t *tx, token refreshToken, now time.Time) (*roundsv1.Device, error) {
	var p roundsv1.Person
	found, err := read(t, key(keyPerson, token.person[:]), &p)
	if err != nil {
		return nil, err
	}
	if !found || p.GetDeletedUs() != 0 {
		return nil, badToken(errors.New("unknown device of an unknown person"))
	}
	sum := sha256.Sum256(token.publicKey[:])
	if _, found, err = t.Get(key(keyPublicKey, sum[:])); err != nil {
		return nil, err
	} else if found {
		return nil, badToken(errors.New("unknown device with the key of another"))
	}
	d := &roundsv1.Device{DeviceId: token.device.String(), PersonId: token.person.String(), PublicKey: token.publicKey[:],
		EnrolledUs: now.UnixMicro()}
	return d, putDevice(t, token.person, token.device, d, &roundsv1.RefreshState{})
}

func (a *Authority) issueRefresh(person, dev uid, d device, state *roundsv1.RefreshState, now time.Time) (string, error) {
	k, ok := signer(a.keys.Load().refresh, now.UnixMicro())
	if !ok {
		return "", errors.New("auth: no key to seal with")
	}
	t := refreshToken{device: dev, person: person, publicKey: d.key, generation: state.GetGeneration(), expires: state.GetExpiresUs()}
	return t.seal(k, a.cfg.Audience)
}
