package auth

import (
	"context"
	"crypto/sha1" // UUIDv5 is made with it
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// PersonEntry is a person as they shall be.
type PersonEntry struct {
	// ID of a new person.
	ID PersonID
	// External id, by which the person is found; where nobody has it, ID counts, and the person gets it. Empty: ID alone counts.
	External string
	// Name, Home node and Language; nil: as they are. A new person needs a name and a home.
	Name, Home, Language *string
	// Grants that the list gives from now on; nil: as they are. A role that the person holds there already is not given twice, one that an earlier list
	// gave and this one does not is ended, and one that was given otherwise stays.
	Grants []GrantEntry
	// Leaves ends every grant that runs. Grants is not looked at then.
	Leaves bool
	// OnlyNew: somebody who is there already is told as with dry, and stays as they are.
	OnlyNew bool
}

// GrantEntry is a role at a node.
type GrantEntry struct {
	Role roundsv1.Role
	Node NodeID
}

// given is what one entry finds in the store.
type given struct {
	id     uid
	found  bool
	person *roundsv1.Person
	grants []*roundsv1.Grant
	// settled: the entry changes no grants, and they were not read.
	settled bool
}

// EnterPeople makes and changes people and their grants, all in one transaction, so that a list of thousands costs a few syncs of the disk. What each may
// do is what CreatePerson, UpdatePerson, CreateGrant and EndGrant may; an entry that is refused keeps no other from being taken. With dry the answers
// are those that would be, and nothing is done. The error is of the store, or says that the caller is nobody in service.
func (d Admin) EnterPeople(ctx context.Context, who Identity, entries []PersonEntry, dry bool) ([]Entered, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	var results []Entered
	err = d.a.committer.commit(ctx, func(t *tx) error {
		results = make([]Entered, len(entries))
		l := &personList{Admin: d, t: t, actor: actor, now: d.a.now().UnixMicro(), nodes: map[NodeID]*heldNode{}, named: map[uid]bool{}}
		all := make([]given, len(entries))
		for i, e := range entries { // first all that scans: a transaction does not after it has written
			if all[i], err = l.find(e); !refused(err, &results[i]) {
				return err
			}
		}
		for i, e := range entries {
			if results[i].Refused == nil {
				if err := l.enter(e, all[i], &results[i]); !refused(err, &results[i]) {
					return err
				}
			}
		}
		if dry {
			return errDry
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDry) {
		return nil, err
	}
	if !dry {
		d.did(ctx, who, "enter people", count(results))
	}
	return results, nil
}

// count tells for the log how many entries did something.
func count(results []Entered) string {
	n := 0
	for _, r := range results {
		if r.Created || len(r.Changed) > 0 {
			n++
		}
	}
	return strconv.Itoa(n)
}

// personList is one run through a list of people.
type personList struct {
	Admin
	t     *tx
	actor uid
	now   int64
	nodes map[NodeID]*heldNode
	named map[uid]bool
}

type heldNode struct {
	id  uid
	err error
}

// at is a node at which the actor is an administrator, read once.
func (l *personList) at(id NodeID, field string) (uid, error) {
	have := l.nodes[id]
	if have == nil {
		u, _, err := l.node(l.t, l.actor, string(id), field, l.now)
		have = &heldNode{u, err}
		l.nodes[id] = have
	}
	return have.id, have.err
}

func (l *personList) find(e PersonEntry) (given, error) {
	id, ok := parseUID(string(e.ID))
	if !ok {
		return given{}, badField("person_id", "编号无效", "This is no id")
	}
	if e.External != "" {
		ref, found, err := l.t.Get(externalAt(e.External))
		if err != nil {
			return given{}, err
		}
		if found {
			id = uid(ref)
		}
	}
	if l.named[id] {
		return given{}, badField("person_id", "同一人员在名单中出现两次", "The same person stands in the list twice")
	}
	l.named[id] = true
	g := given{id: id, person: &roundsv1.Person{}, settled: e.Grants == nil && !e.Leaves}
	var err error
	if g.found, err = read(l.t, key(keyPerson, id[:]), g.person); err != nil || !g.found {
		return g, err
	}
	if g.settled = g.settled || l.a.index.holdsJust(id, e, l.now); g.settled {
		return g, nil // to read them costs more than all the rest
	}
	g.grants, err = grantsOf(l.t, id)
	return g, err
}

// holdsJust: whether the grants of a person are those of an entry already, and none besides, so that the entry changes none. Operations that share the
// transaction are not in the index yet: then it is as if the list had come before them.
func (x *index) holdsJust(person uid, e PersonEntry, now int64) bool {
	if e.Leaves {
		return false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	wanted := map[grant]bool{}
	for _, g := range e.Grants {
		wanted[grant{node: x.find(string(g.Node)), role: g.Role}] = true
	}
	running := map[grant]bool{}
	for _, g := range x.grants[person] {
		if g.until > now {
			running[grant{node: g.node, role: g.role}] = true
		}
	}
	return maps.Equal(wanted, running)
}

func (l *personList) enter(e PersonEntry, have given, to *Entered) error {
	to.ID = have.id.String()
	p := have.person
	if !have.found {
		if e.Name == nil || *e.Name == "" {
			return badField("name", "新人员需要姓名", "A new person needs a name")
		}
		if e.Home == nil {
			return badField("home_node_id", "新人员需要所属节点", "A new person needs a home node")
		}
		p = &roundsv1.Person{PersonId: have.id.String(), CreatedUs: l.now}
		to.Created = true
	} else {
		to.PersonBefore = proto.CloneOf(p)
		for _, g := range have.grants {
			if openEnd(g.GetUntilUs()) > l.now {
				to.GrantsBefore = append(to.GrantsBefore, proto.CloneOf(g))
			}
		}
		switch {
		case !l.a.index.mayAt(l.actor, p.GetHomeNodeId(), l.now):
			return noRight()
		case p.GetDeletedUs() != 0:
			return wasDeleted()
		}
	}
	home, changed, err := l.change(e, have, p)
	if err != nil {
		return err
	}
	before := p.GetHomeNodeId()
	grants, ended, made, err := l.regrant(e, have)
	if err != nil {
		return err
	}
	if have.found && e.OnlyNew {
		if to.Changed = changed; len(ended)+len(made) > 0 {
			to.Changed = append(to.Changed, "grants")
		}
		return nil
	}
	// From here on nothing is refused, so that nothing is written for an entry that is.
	if slices.Contains(changed, "external_id") {
		if p.GetExternalId() != "" {
			l.t.delete(externalAt(p.GetExternalId()))
		}
		p.ExternalId = e.External
		l.t.set(externalAt(e.External), have.id[:])
	}
	if slices.Contains(changed, "home_node_id") {
		if old, ok := parseUID(before); ok {
			l.t.delete(key(keyHome, old[:], have.id[:]))
		}
		l.t.set(key(keyHome, home[:], have.id[:]), nil)
		p.HomeNodeId = home.String()
	}
	if slices.Contains(changed, "name") {
		p.Name = *e.Name
	}
	if slices.Contains(changed, "language") {
		p.Language = *e.Language
	}
	if len(changed) > 0 {
		if err := l.t.write(key(keyPerson, have.id[:]), p); err != nil {
			return err
		}
	}
	for _, g := range slices.Concat(ended, made) {
		grant, _ := parseUID(g.GetGrantId())
		at, _ := parseUID(g.GetNodeId())
		l.t.set(key(keyGrantAt, at[:], grant[:]), have.id[:])
		if err := l.t.write(key(keyGrant, have.id[:], grant[:]), g); err != nil {
			return err
		}
	}
	if len(ended)+len(made) > 0 {
		changed = append(changed, "grants")
		l.a.followGrants(l.t, have.id, grants)
	}
	if !to.Created {
		to.Changed = changed
	}
	return nil
}

// change says what of a person an entry changes, and checks that it may. It changes nothing.
func (l *personList) change(e PersonEntry, have given, p *roundsv1.Person) (home uid, changed []string, err error) {
	if e.Name != nil && *e.Name != p.GetName() {
		changed = append(changed, "name")
	}
	if e.Language != nil && *e.Language != p.GetLanguage() {
		changed = append(changed, "language")
	}
	moves := e.Home != nil && *e.Home != p.GetHomeNodeId()
	renumbers := e.External != "" && e.External != p.GetExternalId()
	if have.found && (moves || renumbers) && !l.a.index.mayActFor(l.actor.String(), have.id, p.GetHomeNodeId(), l.now) {
		return home, nil, noRight()
	}
	if moves {
		if home, err = l.at(NodeID(*e.Home), "home_node_id"); err != nil {
			return home, nil, err
		}
		changed = append(changed, "home_node_id")
	}
	if renumbers {
		if err := freeExternal(l.t, e.External, have.id); err != nil {
			return home, nil, err
		}
		changed = append(changed, "external_id")
	}
	return home, changed, nil
}

// regrant says which grants an entry ends and makes; all are the person's, with both.
func (l *personList) regrant(e PersonEntry, have given) (all, ended, made []*roundsv1.Grant, err error) {
	all = have.grants
	if have.settled {
		return all, nil, nil, nil
	}
	wanted := map[GrantEntry]bool{}
	if !e.Leaves {
		for _, g := range e.Grants {
			wanted[g] = true
		}
	}
	held := map[GrantEntry]bool{}
	for i, g := range all {
		if openEnd(g.GetUntilUs()) <= l.now {
			continue
		}
		is := GrantEntry{g.GetRole(), NodeID(g.GetNodeId())}
		if !e.Leaves && (wanted[is] || !listed(have.id, g, len(all))) {
			held[is] = true
			continue
		}
		at, _ := parseUID(g.GetNodeId())
		switch {
		case !l.a.index.mayAt(l.actor, g.GetNodeId(), l.now):
			return nil, nil, nil, noRight()
		case g.GetRole() == roundsv1.Role_ROLE_ADMIN && slices.Contains(l.a.index.roots(), at):
			return nil, nil, nil, refuse(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "组织根节点的管理员不能通过名单撤销",
				"A list does not take the role of an administrator at the root away: end that grant by itself")
		}
		g = proto.CloneOf(g)
		g.UntilUs, g.EndedBy = max(l.now, g.GetFromUs()), l.actor.String()
		all[i], ended = g, append(ended, g)
	}
	for _, w := range e.Grants {
		if e.Leaves || held[w] {
			continue
		}
		if w.Role <= roundsv1.Role_ROLE_UNSPECIFIED || w.Role >= roundsv1.Role_ROLE_SYSTEM {
			return nil, nil, nil, badField("role", "该角色不能授予", "This role is not for granting")
		}
		at, err := l.at(w.Node, "node_id")
		if err != nil {
			return nil, nil, nil, err
		}
		if len(all) >= maxGrants {
			return nil, nil, nil, tooMany("person_id")
		}
		id := listGrant(have.id, w, len(all))
		made = append(made, &roundsv1.Grant{GrantId: id.String(), PersonId: have.id.String(), NodeId: at.String(), Role: w.Role, FromUs: l.now,
			GrantedBy: l.actor.String(), CreatedUs: l.now})
		all = append(all, made[len(made)-1])
		held[w] = true
	}
	return all, ended, made, nil
}

// listGrant is the id of the nth grant of a person when a list gives it. Ids of earlier ones are taken, also after they have ended.
func listGrant(person uid, g GrantEntry, n int) uid {
	at, _ := parseUID(string(g.Node))
	h := sha1.New()
	h.Write(person[:])
	h.Write([]byte("list grant"))
	h.Write(at[:])
	h.Write(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(g.Role)), uint32(n)))
	u := uid(h.Sum(nil)[:16])
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}

// listed: whether a list gave a grant, and not an administrator by hand.
func listed(person uid, g *roundsv1.Grant, of int) bool {
	for n := range of {
		if listGrant(person, GrantEntry{g.GetRole(), NodeID(g.GetNodeId())}, n).String() == g.GetGrantId() {
			return true
		}
	}
	return false
}
