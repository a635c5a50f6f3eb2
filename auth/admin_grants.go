package auth

import (
	"context"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func grantsOf(r Reader, person uid) ([]*roundsv1.Grant, error) {
	var all []*roundsv1.Grant
	err := each(r, key(keyGrant, person[:]), newGrant, func(_ []byte, g *roundsv1.Grant) error {
		all = append(all, g)
		return nil
	})
	return all, err
}

// CreateGrant gives a person a role at a node and all below it.
func (d Admin) CreateGrant(ctx context.Context, who Identity, req *roundsv1.CreateGrantRequest) (
	*roundsv1.CreateGrantResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	id, err := d.chosen(req.GetGrantId(), "grant_id")
	if err != nil {
		return nil, err
	}
	if req.GetRole() <= roundsv1.Role_ROLE_UNSPECIFIED || req.GetRole() >= roundsv1.Role_ROLE_SYSTEM {
		return nil, badField("role", "该角色不能授予", "This role is not for granting")
	}
	var g *roundsv1.Grant
	err = d.a.committer.commit(ctx, func(t *tx) error {
		now := d.a.now().UnixMicro()
		at, node, err := d.node(t, actor, req.GetNodeId(), "node_id", now)
		if err != nil {
			return err
		}
		person, ok := parseUID(req.GetPersonId())
		var p roundsv1.Person
		if found, err := read(t, key(keyPerson, person[:]), &p); err != nil {
			return err
		} else if !ok || !found {
			return noRecord("person_id")
		}
		all, err := grantsOf(t, person)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.GetGrantId() != id.String() {
				continue
			}
			if one.GetNodeId() != node.GetNodeId() || one.GetRole() != req.GetRole() {
				return badField("grant_id", "编号已被占用", "The id is another grant's")
			}
			g = one
			return nil
		}
		if _, taken, err := t.Get(key(keyGrantAt, at[:], id[:])); err != nil {
			return err
		} else if taken {
			return badField("grant_id", "编号已被占用", "The id is another grant's")
		}
		if p.GetDeletedUs() != 0 {
			return wasDeleted()
		}
		if len(all) >= maxGrants {
			return tooMany("person_id")
		}
		from := req.GetFromUs()
		or(&from, now)
		if until := req.GetUntilUs(); until != 0 && until <= from {
			return badField("until_us", "结束时间早于开始时间", "It would end before it begins")
		}
		g = &roundsv1.Grant{GrantId: id.String(), PersonId: person.String(), NodeId: at.String(), Role: req.GetRole(), FromUs: from,
			UntilUs: req.GetUntilUs(), GrantedBy: actor.String(), CreatedUs: now}
		return d.a.putGrant(t, person, at, id, g, append(all, g))
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "create grant", g.GetGrantId())
	return &roundsv1.CreateGrantResponse{Grant: g}, nil
}

// putGrant writes a new grant; all are the person's, with it.
func (a *Authority) putGrant(t *tx, person, at, id uid, g *roundsv1.Grant, all []*roundsv1.Grant) error {
	t.set(key(keyGrantAt, at[:], id[:]), person[:])
	a.followGrants(t, person, all)
	return t.write(key(keyGrant, person[:], id[:]), g)
}

// EndGrant ends a grant.
func (d Admin) EndGrant(ctx context.Context, who Identity, req *roundsv1.EndGrantRequest) (*roundsv1.EndGrantResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	person, okPerson := parseUID(req.GetPersonId())
	id, okGrant := parseUID(req.GetGrantId())
	if !okPerson || !okGrant {
		return nil, noRecord("grant_id")
	}
	var g *roundsv1.Grant
	err = d.a.committer.commit(ctx, func(t *tx) error {
		now := d.a.now().UnixMicro()
		g = nil
		all, err := grantsOf(t, person)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.GetGrantId() == id.String() {
				g = one
			}
		}
		if g == nil {
			return noRecord("grant_id")
		}
		if !d.a.index.mayAt(actor, g.GetNodeId(), now) {
			return noRight()
		}
		until := req.GetUntilUs()
		or(&until, now)
		if until = max(until, g.GetFromUs()); until >= openEnd(g.GetUntilUs()) {
			return nil // over by then anyway
		}
		for _, root := range d.a.index.roots() {
			if err := d.lastOne(t, root, now, func(_, grant uid) bool { return grant == id }); err != nil {
				return err
			}
		}
		g.UntilUs, g.EndedBy = until, actor.String()
		d.a.followGrants(t, person, all)
		return t.write(key(keyGrant, person[:], id[:]), g)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "end grant", g.GetGrantId())
	return &roundsv1.EndGrantResponse{Grant: g}, nil
}

// ListGrants lists the grants of a person, or those at one node.
func (d Admin) ListGrants(ctx context.Context, who Identity, req *roundsv1.ListGrantsRequest) (
	*roundsv1.ListGrantsResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	now := d.a.now().UnixMicro()
	question := []string{"grants", req.GetPersonId(), req.GetNodeId()}
	if req.GetIncludeEnded() {
		question = append(question, "ended")
	}
	position, err := decodePage(req.GetPageToken(), question...)
	if err != nil {
		return nil, err
	}
	resp := &roundsv1.ListGrantsResponse{}
	take := func(g *roundsv1.Grant, shown bool) bool {
		if !shown || !req.GetIncludeEnded() && openEnd(g.GetUntilUs()) <= now {
			return false
		}
		resp.Grants = append(resp.Grants, g)
		return true
	}
	err = d.a.cfg.Store.View(ctx, func(r Reader) error {
		resp.Reset()
		p := pager{size: pageSize(req.GetPageSize())}
		if req.GetNodeId() != "" {
			id, _, err := d.node(r, actor, req.GetNodeId(), "node_id", now)
			if err != nil {
				return err
			}
			prefix := key(keyGrantAt, id[:])
			err = p.rows(r, prefix, position, func(e Entry) (bool, error) {
				g := &roundsv1.Grant{}
				found, err := read(r, key(keyGrant, e.Value, e.Key[len(prefix):]), g)
				return found && take(g, true), err
			})
			if err != nil {
				return err
			}
		} else if err := d.personsGrants(r, &p, actor, req.GetPersonId(), position, now, take); err != nil {
			return err
		}
		resp.NextPageToken = p.next(question...)
		return nil
	})
	return resp, err
}

func (d Admin) personsGrants(r Reader, p *pager, actor uid, personID string, position []byte, now int64,
	take func(*roundsv1.Grant, bool) bool) error {
	person, ok := parseUID(personID)
	if !ok {
		return noRecord("person_id")
	}
	keeps := d.a.index.mayAt(actor, home(r, person), now)
	shownAny := false
	prefix := key(keyGrant, person[:])
	err := p.rows(r, prefix, position, func(e Entry) (bool, error) {
		g := &roundsv1.Grant{}
		if _, err := read(r, e.Key, g); err != nil {
			return false, err
		}
		shown := keeps || d.a.index.mayAt(actor, g.GetNodeId(), now)
		shownAny = shownAny || shown
		return take(g, shown), nil
	})
	if err == nil && !keeps && !shownAny && position == nil {
		return noRight()
	}
	return err
}
