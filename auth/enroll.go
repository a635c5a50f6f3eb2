package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"net/netip"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Enroll takes a device in. The remote address is the one that guesses are counted for. Repeated by the same device with the same proof
// after the reply was lost, it answers with the same device. Refusals: ENROLMENT_CODE, TOKEN (a bad ID token), BAD_SIGNATURE,
// INVALID_FIELD (public_key enrolled before, other audience), NO_RIGHT (person suspended), RATE.
func (a *Authority) Enroll(ctx context.Context, remote netip.Addr, req *roundsv1.EnrollRequest) (*roundsv1.EnrollResponse, error) {
	verdict, wait := a.enrolments.begin(remote)
	if verdict == nil {
		return nil, tooOften(wait)
	}
	resp, err := a.enroll(ctx, req)
	verdict(guessed(err))
	return resp, err
}

// guessed says whether a refusal looks like guessing.
func guessed(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Problem.GetCode() {
	case roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE, roundsv1.ProblemCode_PROBLEM_CODE_TOKEN,
		roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE:
		return true
	}
	return false
}

func (a *Authority) enroll(ctx context.Context, req *roundsv1.EnrollRequest) (*roundsv1.EnrollResponse, error) {
	if req.GetAudience() != a.cfg.Audience {
		return nil, badField("audience", "服务器地址与邀请不符", "The device means to enrol at another server: use the address in the invitation")
	}
	proof := req.GetIdToken()
	code, isCode := "", false
	if _, byCode := req.GetProof().(*roundsv1.EnrollRequest_Code); byCode {
		if code, isCode = NormalizeCode(req.GetCode()); !isCode {
			return nil, badCode("注册码无效", "The enrolment code is false")
		}
		proof = code
	}
	if proof == "" || len(req.GetPublicKey()) != ed25519.PublicKeySize ||
		!ed25519.Verify(req.GetPublicKey(), EnrollChallenge(a.cfg.Audience, proof, req.GetPublicKey()), req.GetSignature()) {
		return nil, badSignature()
	}
	var admit func(*tx, time.Time) (uid, func(device uid) error, error)
	if isCode {
		admit = a.admitByCode(code, req.GetPublicKey())
	} else {
		id, err := a.externals.identify(ctx, req.GetIdToken(), req.GetPublicKey())
		if err != nil {
			return nil, err
		}
		admit = a.admitByExternal(id)
	}
	var person, dev uid
	var made *roundsv1.Device
	var state *roundsv1.RefreshState
	err := a.committer.commit(ctx, func(t *tx) (err error) {
		person, dev, made, state, err = a.takeIn(t, req, admit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.welcome(ctx, person, dev, made, state)
}

// takeIn makes the device, or finds the one that the same request made before.
func (a *Authority) takeIn(t *tx, req *roundsv1.EnrollRequest, admit func(*tx, time.Time) (uid, func(uid) error, error)) (
	person, dev uid, d *roundsv1.Device, state *roundsv1.RefreshState, err error) {
	now := a.now()
	sum := sha256.Sum256(req.GetPublicKey())
	at := key(keyPublicKey, sum[:])
	before, found, err := t.Get(at)
	if err != nil {
		return
	}
	person, use, err := admit(t, now)
	if err != nil {
		return
	}
	d, state = &roundsv1.Device{}, &roundsv1.RefreshState{}
	if found {
		dev = uid(before)
		if err = readAll(t, key(keyDevice, dev[:]), d, key(keyRefresh, dev[:]), state); err != nil {
			return
		}
		if d.GetPersonId() != person.String() || state.GetGeneration() != 1 || d.GetShutUs() != 0 || d.GetRevokedUs() != 0 {
			err = badField("public_key", "该设备密钥已注册过，请生成新密钥", "This key is enrolled: a device enrols anew with a new key")
		}
		return
	}
	if a.index.barredNow(person, now.UnixMicro()) {
		err = noRight().because(errors.New("the person is suspended or deleted"))
		return
	}
	if dev, err = newUID(now, a.cfg.Rand); err != nil {
		return
	}
	if err = use(dev); err != nil {
		return
	}
	d = &roundsv1.Device{DeviceId: dev.String(), PersonId: person.String(), Name: req.GetDeviceName(), Model: req.GetDeviceModel(),
		PublicKey: req.GetPublicKey(), EnrolledUs: now.UnixMicro()}
	state = &roundsv1.RefreshState{Generation: 1, ExpiresUs: now.Add(a.cfg.RefreshLife).UnixMicro(), IssuedUs: now.UnixMicro()}
	err = putDevice(t, person, dev, d, state)
	return
}

func readAll(r Reader, deviceAt []byte, d *roundsv1.Device, stateAt []byte, s *roundsv1.RefreshState) error {
	for _, one := range []func() (bool, error){
		func() (bool, error) { return read(r, deviceAt, d) },
		func() (bool, error) { return read(r, stateAt, s) },
	} {
		if found, err := one(); err != nil {
			return err
		} else if !found {
			return errors.New("auth: a device is kept in part")
		}
	}
	return nil
}

// putDevice writes a new device with all that refers to it.
func putDevice(t *tx, person, dev uid, d *roundsv1.Device, state *roundsv1.RefreshState) error {
	sum := sha256.Sum256(d.GetPublicKey())
	t.set(key(keyPublicKey, sum[:]), dev[:])
	t.set(key(keyDeviceOf, person[:], dev[:]), nil)
	if err := t.write(key(keyDevice, dev[:]), d); err != nil {
		return err
	}
	t.apply(func(x *index) { x.setDevice(d) })
	return t.write(key(keyRefresh, dev[:]), state)
}

// admitByCode finds whom a code enrols; use marks it as used. A code that was used lets in again only the key that used it.
func (a *Authority) admitByCode(code string, publicKey []byte) func(*tx, time.Time) (uid, func(uid) error, error) {
	return func(t *tx, now time.Time) (uid, func(uid) error, error) {
		ref, found, err := t.Get(key(keyCodeHash, codeHash(code)))
		if err != nil {
			return uid{}, nil, err
		}
		if !found {
			return uid{}, nil, badCode("注册码无效", "The enrolment code is false")
		}
		person := uid(ref[:16])
		at := key(keyCode, ref)
		var c roundsv1.EnrolmentCode
		if found, err = read(t, at, &c); err != nil {
			return uid{}, nil, err
		}
		switch {
		case !found || c.GetCancelledUs() != 0:
			return uid{}, nil, badCode("注册码已取消", "The enrolment code was cancelled")
		case now.UnixMicro() >= c.GetExpiresUs():
			return uid{}, nil, badCode("注册码已过期", "The enrolment code has expired")
		case c.GetUsedUs() != 0:
			var d roundsv1.Device
			used, _ := parseUID(c.GetDeviceId())
			if _, err := read(t, key(keyDevice, used[:]), &d); err != nil {
				return uid{}, nil, err
			}
			if !equal(d.GetPublicKey(), publicKey) {
				return uid{}, nil, badCode("注册码已使用", "The enrolment code was used before")
			}
		case c.GetCreatedBy() != "" && !a.index.mayActFor(c.GetCreatedBy(), person, home(t, person), now.UnixMicro()):
			return uid{}, nil, badCode("注册码已失效", "Whoever made the enrolment code may no longer act for the person")
		}
		return person, func(dev uid) error {
			c.UsedUs, c.DeviceId = now.UnixMicro(), dev.String()
			return t.write(at, &c)
		}, nil
	}
}

// welcome answers a device that is in.
func (a *Authority) welcome(ctx context.Context, person, dev uid, d *roundsv1.Device, state *roundsv1.RefreshState) (*roundsv1.EnrollResponse, error) {
	now := a.now()
	inMemory := deviceOf(d)
	access, accessEnds, err := a.issueAccess(person, dev, inMemory, now)
	if err != nil {
		return nil, err
	}
	refresh, err := a.issueRefresh(person, dev, inMemory, state, now)
	if err != nil {
		return nil, err
	}
	resp := &roundsv1.EnrollResponse{DeviceId: dev.String(), PersonId: person.String(), AccessToken: access,
		AccessExpiresUs: accessEnds.UnixMicro(), RefreshToken: refresh, RefreshExpiresUs: state.GetExpiresUs(), Audience: a.cfg.Audience,
		ServerTimeUs: now.UnixMicro()}
	for _, s := range a.Scopes(PersonID(person.String()), now) {
		resp.Scopes = append(resp.Scopes, string(s))
	}
	resp.Standing, err = a.standing(ctx, person, now)
	return resp, err
}
