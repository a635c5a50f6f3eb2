package auth

import (
	"context"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Founding is what the first start makes.
type Founding struct {
	// Root is the node of the whole organisation. It is set at every start.
	Root NodeID
	// Admin is the first administrator, with the roles administrator and manager at the root. It is set at every start.
	Admin PersonID
	// Code enrols the first administrator's device; empty once a device has enrolled.
	Code Secret
	// URI is the same for a QR.
	URI Secret
	// Expires is when the code ends.
	Expires time.Time
}

// Bootstrap founds the organisation in an empty store: its root, the first administrator, and a code to enrol by. As long as no device
// has enrolled, every call answers with a new code and cancels the one before, so that a code lost in a crash is no harm. After that it
// changes nothing.
func (a *Authority) Bootstrap(ctx context.Context, organisation *roundsv1.Text, admin string) (Founding, error) {
	var f Founding
	err := a.committer.commit(ctx, func(t *tx) error {
		f = Founding{}
		ref, found, err := t.Get([]byte{keyFirst})
		if err != nil {
			return err
		}
		var person, root uid
		if found {
			person, root = uid(ref[:16]), uid(ref[16:])
		} else if person, root, err = a.found(t, organisation, admin); err != nil {
			return err
		}
		f.Root, f.Admin = NodeID(root.String()), PersonID(person.String())
		if found {
			if enrolled, err := anyDevice(t); err != nil || enrolled {
				return err
			}
			if err := a.cancelAll(t, person); err != nil {
				return err
			}
		}
		c, code, err := a.makeCode(t, person, "", a.cfg.CodeLife)
		f.Code, f.URI, f.Expires = code, codeURI(a.cfg.Audience, code), time.UnixMicro(c.GetExpiresUs()).UTC()
		return err
	})
	if err != nil {
		return Founding{}, err
	}
	return f, nil
}

func (a *Authority) found(t *tx, organisation *roundsv1.Text, admin string) (person, root uid, err error) {
	now := a.now()
	var ids [4]uid
	for i := range ids {
		if ids[i], err = newUID(now, a.cfg.Rand); err != nil {
			return
		}
	}
	person, root = ids[0], ids[1]
	t.set([]byte{keyFirst}, append(person[:], root[:]...))
	n := &roundsv1.Node{NodeId: root.String(), Type: roundsv1.NodeType_NODE_TYPE_GROUP, Name: organisation, CreatedUs: now.UnixMicro()}
	t.apply(func(x *index) { x.setNode(n) })
	if err = t.write(key(keyNode, root[:]), n); err != nil {
		return
	}
	p := &roundsv1.Person{PersonId: person.String(), Name: admin, HomeNodeId: root.String(), CreatedUs: now.UnixMicro()}
	if err = putPerson(t, person, root, p); err != nil {
		return
	}
	var all []*roundsv1.Grant
	for i, role := range []roundsv1.Role{roundsv1.Role_ROLE_ADMIN, roundsv1.Role_ROLE_MANAGER} {
		g := &roundsv1.Grant{GrantId: ids[2+i].String(), PersonId: person.String(), NodeId: root.String(), Role: role,
			FromUs: now.UnixMicro(), CreatedUs: now.UnixMicro()}
		all = append(all, g)
		if err = a.putGrant(t, person, root, ids[2+i], g, all); err != nil {
			return
		}
	}
	return
}

func anyDevice(r Reader) (bool, error) {
	for _, err := range r.Scan([]byte{keyDevice}, []byte{keyDevice + 1}) {
		return err == nil, err
	}
	return false, nil
}

func (a *Authority) cancelAll(t *tx, person uid) error {
	codes, err := codesOf(t, person)
	if err != nil {
		return err
	}
	for _, c := range codes {
		if c.GetUsedUs() == 0 && c.GetCancelledUs() == 0 {
			c.CancelledUs = a.now().UnixMicro()
			id, _ := parseUID(c.GetCodeId())
			if err := t.write(key(keyCode, person[:], id[:]), c); err != nil {
				return err
			}
		}
	}
	return nil
}
