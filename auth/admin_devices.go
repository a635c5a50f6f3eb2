package auth

import (
	"context"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// deviceOf is what the index keeps of a device.
func deviceOf(d *roundsv1.Device) device {
	person, _ := parseUID(d.GetPersonId())
	by, _ := parseUID(d.GetRevokedBy())
	e := device{person: person, since: d.GetRevokedUs(), revokedBy: by, revoked: d.GetRevoked(), shut: d.GetShutUs() != 0}
	copy(e.key[:], d.GetPublicKey())
	return e
}

func devicesOf(r Reader, person uid) ([]*roundsv1.Device, error) {
	prefix := key(keyDeviceOf, person[:])
	var ids []uid
	for e, err := range r.Scan(prefix, after(prefix)) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, uid(e.Key[len(prefix):]))
	}
	var all []*roundsv1.Device
	for _, id := range ids {
		d := newDevice()
		if _, err := read(r, key(keyDevice, id[:]), d); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// ListDevices lists the devices of a person.
func (d Admin) ListDevices(ctx context.Context, who Identity, req *roundsv1.ListDevicesRequest) (
	*roundsv1.ListDevicesResponse, error) {
	resp := &roundsv1.ListDevicesResponse{}
	err := d.personsRows(ctx, who, req.GetPersonId(), "devices", req.GetPageToken(), req.GetPageSize(), keyDeviceOf,
		func() { resp.Reset() },
		func(r Reader, _ uid, e Entry) error {
			one, err := deviceNow(r, uid(e.Key[17:]))
			resp.Devices = append(resp.Devices, one)
			return err
		},
		func(next string) { resp.NextPageToken = next })
	return resp, err
}

// deviceNow reads a device with when it was last seen.
func deviceNow(r Reader, id uid) (*roundsv1.Device, error) {
	one, state := newDevice(), &roundsv1.RefreshState{}
	err := readAll(r, key(keyDevice, id[:]), one, key(keyRefresh, id[:]), state)
	one.LastSeenUs = max(state.GetIssuedUs(), one.GetEnrolledUs())
	return one, err
}

// RevokeDevice takes a device out of service, for good.
func (d Admin) RevokeDevice(ctx context.Context, who Identity, req *roundsv1.RevokeDeviceRequest) (
	*roundsv1.RevokeDeviceResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	switch req.GetRevocation() {
	case roundsv1.Revocation_REVOCATION_GRACEFUL, roundsv1.Revocation_REVOCATION_IMMEDIATE:
	default:
		return nil, badField("revocation", "请选择吊销方式", "Say how: graceful or immediate")
	}
	id, ok := parseUID(req.GetDeviceId())
	if !ok {
		return nil, noRecord("device_id")
	}
	var one *roundsv1.Device
	err = d.a.committer.commit(ctx, func(t *tx) error {
		now := d.a.now().UnixMicro()
		one = newDevice()
		if found, err := read(t, key(keyDevice, id[:]), one); err != nil {
			return err
		} else if !found {
			return noRecord("device_id")
		}
		if _, _, err := d.kept(t, actor, one.GetPersonId(), now); err != nil {
			return err
		}
		if one.GetRevoked() >= req.GetRevocation() {
			return nil
		}
		one.Revoked, one.RevokedUs, one.RevokedBy = req.GetRevocation(), now, actor.String()
		stored := one
		t.apply(func(x *index) { x.setDevice(stored) })
		t.tell(Change{Person: PersonID(one.GetPersonId()), Device: DeviceID(one.GetDeviceId())})
		return t.write(key(keyDevice, id[:]), one)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "revoke device", one.GetDeviceId())
	err = d.a.cfg.Store.View(ctx, func(r Reader) (err error) {
		one, err = deviceNow(r, id)
		return err
	})
	return &roundsv1.RevokeDeviceResponse{Device: one}, err
}

// RotateSigningKey makes new keys for access tokens and refresh tokens.
func (d Admin) RotateSigningKey(ctx context.Context, who Identity, req *roundsv1.RotateSigningKeyRequest) (
	*roundsv1.RotateSigningKeyResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	if !d.a.index.atSomeRoot(actor, d.a.now().UnixMicro()) {
		return nil, noRight()
	}
	lead := req.GetLead().AsDuration()
	if lead < 0 || lead > 0 && req.GetCompromised() {
		return nil, badField("lead", "密钥泄露时必须立即更换", "Keys in foreign hands are replaced at once")
	}
	k, err := d.a.rotate(ctx, lead, req.GetCompromised())
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "rotate signing key", k.id)
	return &roundsv1.RotateSigningKeyResponse{SigningKey: k.message()}, nil
}

// ListSigningKeys lists the keys for access tokens that still verify, newest first.
func (d Admin) ListSigningKeys(_ context.Context, who Identity, _ *roundsv1.ListSigningKeysRequest) (
	*roundsv1.ListSigningKeysResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	now := d.a.now().UnixMicro()
	if !d.a.index.atSomeRoot(actor, now) {
		return nil, noRight()
	}
	resp := &roundsv1.ListSigningKeysResponse{}
	for _, k := range d.a.keys.Load().access {
		if k.verifies(now) {
			resp.SigningKeys = append(resp.SigningKeys, k.message())
		}
	}
	return resp, nil
}

func (k signingKey) message() *roundsv1.SigningKey {
	m := &roundsv1.SigningKey{KeyId: k.id, PublicKey: k.public(), CreatedUs: k.created, SignsFromUs: k.signsFrom}
	if k.until != forever {
		m.VerifiesUntilUs = k.until
	}
	return m
}
