package auth

import (
	"bytes"
	"context"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// CreatePerson adds a person.
func (d Admin) CreatePerson(ctx context.Context, who Identity, req *roundsv1.CreatePersonRequest) (
	*roundsv1.CreatePersonResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	id, err := d.chosen(req.GetPersonId(), "person_id")
	if err != nil {
		return nil, err
	}
	var p *roundsv1.Person
	err = d.a.committer.commit(ctx, func(t *tx) error {
		now := d.a.now().UnixMicro()
		p = &roundsv1.Person{}
		if found, err := read(t, key(keyPerson, id[:]), p); err != nil {
			return err
		} else if found {
			if !d.a.index.mayAt(actor, p.GetHomeNodeId(), now) {
				return badField("person_id", "编号已被占用", "The id is another person's")
			}
			return nil
		}
		home, _, err := d.node(t, actor, req.GetHomeNodeId(), "home_node_id", now)
		if err != nil {
			return err
		}
		if err := freeExternal(t, req.GetExternalId(), id); err != nil {
			return err
		}
		p = &roundsv1.Person{PersonId: id.String(), Name: req.GetName(), HomeNodeId: home.String(),
			ExternalId: req.GetExternalId(), CreatedUs: now, Language: req.GetLanguage()}
		return putPerson(t, id, home, p)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "create person", p.GetPersonId())
	return &roundsv1.CreatePersonResponse{Person: p}, nil
}

// freeExternal refuses an external id that somebody else has.
func freeExternal(r Reader, external string, self uid) error {
	if external == "" {
		return nil
	}
	ref, found, err := r.Get(externalAt(external))
	if err == nil && found && uid(ref) != self {
		err = badField("external_id", "该工号已属于他人", "The external id is another person's")
	}
	return err
}

// UpdatePerson changes what is set in the request.
func (d Admin) UpdatePerson(ctx context.Context, who Identity, req *roundsv1.UpdatePersonRequest) (
	*roundsv1.UpdatePersonResponse, error) {
	var p *roundsv1.Person
	err := d.person(ctx, who, "update person", req.GetPersonId(), func(t *tx, actor, id uid, now int64, it *roundsv1.Person) error {
		p = it
		if req.Name != nil {
			p.Name = req.GetName()
		}
		if req.Language != nil {
			p.Language = req.GetLanguage()
		}
		// Both decide who can become this person: the id at the identity provider, and who keeps them.
		moves := req.HomeNodeId != nil && !strings.EqualFold(req.GetHomeNodeId(), p.GetHomeNodeId())
		renumbers := req.ExternalId != nil && req.GetExternalId() != p.GetExternalId()
		if (moves || renumbers) && !d.a.index.mayActFor(actor.String(), id, p.GetHomeNodeId(), now) {
			return noRight()
		}
		if renumbers {
			if err := freeExternal(t, req.GetExternalId(), id); err != nil {
				return err
			}
		}
		if moves {
			home, _, err := d.node(t, actor, req.GetHomeNodeId(), "home_node_id", now)
			if err != nil {
				return err
			}
			old, _ := parseUID(p.GetHomeNodeId())
			t.delete(key(keyHome, old[:], id[:]))
			t.set(key(keyHome, home[:], id[:]), nil)
			p.HomeNodeId = home.String()
		}
		if renumbers {
			if p.GetExternalId() != "" {
				t.delete(externalAt(p.GetExternalId()))
			}
			if p.ExternalId = req.GetExternalId(); p.ExternalId != "" {
				t.set(externalAt(p.ExternalId), id[:])
			}
		}
		return t.write(key(keyPerson, id[:]), p)
	})
	if err != nil {
		return nil, err
	}
	return &roundsv1.UpdatePersonResponse{Person: p}, nil
}

// person runs one change on a person whom the actor keeps.
func (d Admin) person(ctx context.Context, who Identity, what, personID string,
	change func(t *tx, actor, id uid, now int64, p *roundsv1.Person) error) error {
	actor, err := d.begin(who)
	if err != nil {
		return err
	}
	err = d.a.committer.commit(ctx, func(t *tx) error {
		now := d.a.now().UnixMicro()
		id, p, err := d.keptAlive(t, actor, personID, now)
		if err != nil {
			return err
		}
		return change(t, actor, id, now, p)
	})
	if err == nil {
		d.did(ctx, who, what, personID)
	}
	return err
}

// SuspendPerson takes all rights from a person from a moment on.
func (d Admin) SuspendPerson(ctx context.Context, who Identity, req *roundsv1.SuspendPersonRequest) (
	*roundsv1.SuspendPersonResponse, error) {
	var p *roundsv1.Person
	err := d.person(ctx, who, "suspend person", req.GetPersonId(), func(t *tx, actor, id uid, now int64, it *roundsv1.Person) error {
		p = it
		from := req.GetFromUs()
		or(&from, now)
		if err := d.lastPerson(t, id, now); err != nil {
			return err
		}
		fresh := &roundsv1.Suspension{FromUs: from, Reason: req.GetReason(), SuspendedBy: actor.String(), CreatedUs: now}
		kept := p.Suspensions[:0:0]
		for _, s := range p.GetSuspensions() {
			switch {
			case s.GetFromUs() >= from: // swallowed
			case s.GetUntilUs() == 0: // it lasts: who took the rights stays who did
				fresh.FromUs, fresh.SuspendedBy, fresh.CreatedUs = s.GetFromUs(), s.GetSuspendedBy(), s.GetCreatedUs()
			default:
				s.UntilUs = min(s.GetUntilUs(), from)
				kept = append(kept, s)
			}
		}
		if len(kept) >= maxSuspensions {
			return tooMany("person_id")
		}
		p.Suspensions = append(kept, fresh)
		return d.writeStanding(t, id, p)
	})
	if err != nil {
		return nil, err
	}
	return &roundsv1.SuspendPersonResponse{Person: p}, nil
}

// ReinstatePerson ends a suspension.
func (d Admin) ReinstatePerson(ctx context.Context, who Identity, req *roundsv1.ReinstatePersonRequest) (
	*roundsv1.ReinstatePersonResponse, error) {
	var p *roundsv1.Person
	err := d.person(ctx, who, "reinstate person", req.GetPersonId(), func(t *tx, actor, id uid, now int64, it *roundsv1.Person) error {
		p = it
		at := req.GetFromUs()
		or(&at, now)
		kept := p.Suspensions[:0:0]
		for _, s := range p.GetSuspensions() {
			if s.GetFromUs() >= at {
				continue
			}
			if openEnd(s.GetUntilUs()) > at {
				s.UntilUs, s.EndedBy = at, actor.String()
			}
			kept = append(kept, s)
		}
		p.Suspensions = kept
		return d.writeStanding(t, id, p)
	})
	if err != nil {
		return nil, err
	}
	return &roundsv1.ReinstatePersonResponse{Person: p}, nil
}

func (d Admin) writeStanding(t *tx, id uid, p *roundsv1.Person) error {
	if len(p.GetSuspensions()) == 0 && p.GetDeletedUs() == 0 {
		t.delete(key(keyStanding, id[:]))
	} else {
		t.set(key(keyStanding, id[:]), nil)
	}
	d.a.followPerson(t, id, p)
	return t.write(key(keyPerson, id[:]), p)
}

// DeletePerson erases the personal data. It may be repeated.
func (d Admin) DeletePerson(ctx context.Context, who Identity, req *roundsv1.DeletePersonRequest) (
	*roundsv1.DeletePersonResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	var p *roundsv1.Person
	err = d.a.committer.commit(ctx, func(t *tx) (err error) {
		var id uid
		now := d.a.now().UnixMicro()
		if id, p, err = d.kept(t, actor, req.GetPersonId(), now); err != nil || p.GetDeletedUs() != 0 {
			return err
		}
		if err := d.lastPerson(t, id, now); err != nil {
			return err
		}
		return d.erase(t, actor, id, p, now)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "delete person", p.GetPersonId())
	return &roundsv1.DeletePersonResponse{Person: p}, nil
}

func (d Admin) erase(t *tx, actor, id uid, p *roundsv1.Person, now int64) error {
	grants, err := grantsOf(t, id)
	if err != nil {
		return err
	}
	codes, err := codesOf(t, id)
	if err != nil {
		return err
	}
	devices, err := devicesOf(t, id)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if openEnd(g.GetUntilUs()) > now {
			g.UntilUs, g.EndedBy = max(now, g.GetFromUs()), actor.String()
			grant, _ := parseUID(g.GetGrantId())
			if err := t.write(key(keyGrant, id[:], grant[:]), g); err != nil {
				return err
			}
		}
	}
	for _, c := range codes {
		if c.GetCancelledUs() == 0 && c.GetUsedUs() == 0 {
			c.CancelledUs = now
			code, _ := parseUID(c.GetCodeId())
			if err := t.write(key(keyCode, id[:], code[:]), c); err != nil {
				return err
			}
		}
	}
	for _, dev := range devices {
		dev.Name, dev.Model = "", ""
		if dev.GetRevokedUs() == 0 {
			dev.Revoked, dev.RevokedUs, dev.RevokedBy = roundsv1.Revocation_REVOCATION_GRACEFUL, now, actor.String()
		}
		device, _ := parseUID(dev.GetDeviceId())
		if err := t.write(key(keyDevice, device[:]), dev); err != nil {
			return err
		}
		t.apply(func(x *index) { x.setDevice(dev) })
	}
	if p.GetExternalId() != "" {
		t.delete(externalAt(p.GetExternalId()))
	}
	for _, s := range p.GetSuspensions() {
		s.Reason = ""
	}
	p.Name, p.ExternalId, p.Language, p.DeletedUs, p.DeletedBy = "", "", "", now, actor.String()
	d.a.followGrants(t, id, grants)
	return d.writeStanding(t, id, p)
}

// ListPeople lists the people whose home is a node or below it.
func (d Admin) ListPeople(ctx context.Context, who Identity, req *roundsv1.ListPeopleRequest) (
	*roundsv1.ListPeopleResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	question := []string{"people", req.GetNodeId(), req.GetNameContains(), req.GetExternalId()}
	position, err := decodePage(req.GetPageToken(), question...)
	if err != nil {
		return nil, err
	}
	resp := &roundsv1.ListPeopleResponse{}
	err = d.a.cfg.Store.View(ctx, func(r Reader) error {
		resp.Reset()
		top, _, err := d.node(r, actor, req.GetNodeId(), "node_id", d.a.now().UnixMicro())
		if err != nil {
			return err
		}
		nodes := d.a.index.subtree(top)
		if req.GetExternalId() != "" {
			return onePerson(r, req, nodes, resp)
		}
		p := pager{size: pageSize(req.GetPageSize())}
		for _, n := range nodes {
			var behind []byte // within this node
			switch prefix := position[:min(len(position), 16)]; {
			case position == nil || bytes.Compare(n[:], prefix) > 0:
			case bytes.Equal(n[:], prefix):
				behind = position[16:]
			default:
				continue
			}
			if err := peopleAt(r, &p, n, behind, req.GetNameContains(), resp); err != nil {
				return err
			}
			if p.more {
				break
			}
		}
		resp.NextPageToken = p.next(question...)
		return nil
	})
	return resp, err
}

func peopleAt(r Reader, p *pager, home uid, behind []byte, contains string, resp *roundsv1.ListPeopleResponse) error {
	prefix := key(keyHome, home[:])
	from := append(bytes.Clone(prefix), behind...)
	if behind != nil {
		from = append(from, 0)
	}
	for e, err := range r.Scan(from, after(prefix)) {
		if err != nil {
			return err
		}
		if p.full() {
			return nil
		}
		one := &roundsv1.Person{}
		found, err := read(r, key(keyPerson, e.Key[len(prefix):]), one)
		if err != nil {
			return err
		}
		taken := found && strings.Contains(one.GetName(), contains)
		if taken {
			resp.People = append(resp.People, one)
		}
		p.looked(e.Key[1:], taken)
	}
	return nil
}

func onePerson(r Reader, req *roundsv1.ListPeopleRequest, nodes []uid, resp *roundsv1.ListPeopleResponse) error {
	ref, found, err := r.Get(externalAt(req.GetExternalId()))
	if err != nil || !found {
		return err
	}
	one := &roundsv1.Person{}
	if _, err := read(r, key(keyPerson, ref), one); err != nil {
		return err
	}
	for _, n := range nodes {
		if n.String() == one.GetHomeNodeId() && strings.Contains(one.GetName(), req.GetNameContains()) {
			resp.People = append(resp.People, one)
		}
	}
	return nil
}
