package auth

import (
	"math"
	"sync"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// maxDepth is how many nodes stand at most between a root and a site, both included.
const maxDepth = 16

// forever stands for the end of what has no end.
const forever = math.MaxInt64

// span is a time, from <= t < until, in microseconds since 1970.
type span struct{ from, until int64 }

func (s span) holds(t int64) bool { return s.from <= t && t < s.until }

func (s span) meet(o span) span { return span{max(s.from, o.from), min(s.until, o.until)} }

func (s span) empty() bool { return s.from >= s.until }

// openEnd reads an until_us, where 0 means that there is no end.
func openEnd(untilUS int64) int64 {
	if untilUS == 0 {
		return forever
	}
	return untilUS
}

// none is the parent of a root.
const none int32 = -1

// node is a node of the tree; nodes refer to each other by their place in index.nodes.
type node struct {
	id       uid
	parent   int32
	typ      roundsv1.NodeType
	code     string
	name     *roundsv1.Text // as the store has it; never changed in place
	moves    []move
	children []int32
}

// move says under which node one stood until a moment; oldest first.
type move struct {
	parent int32
	until  int64
}

type grant struct {
	span
	node    int32
	role    roundsv1.Role
	endedBy uid // zero: it ends by itself, or it is not known who ended it
}

// suspension is one span of a person's.
type suspension struct {
	span
	by uid // zero: not known
}

// standing is kept of those people only who were ever suspended, or were deleted.
type standing struct {
	suspended []suspension
	deleted   int64 // 0: not
	deletedBy uid
}

type device struct {
	person    uid
	key       [32]byte
	since     int64 // of the revocation
	revokedBy uid   // zero: not known
	revoked   roundsv1.Revocation
	shut      bool
}

// index is what every request needs, in memory. It is changed only after the store holds the change.
type index struct {
	mu       sync.RWMutex // guards all below
	nodes    []node
	byID     map[uid]int32
	codes    map[string][]int32
	grants   map[uid][]grant
	standing map[uid]standing
	devices  map[uid]device
}

func newIndex() *index {
	return &index{byID: map[uid]int32{}, codes: map[string][]int32{}, grants: map[uid][]grant{}, standing: map[uid]standing{}, devices: map[uid]device{}}
}

// take replaces all that the index holds.
func (x *index) take(y *index) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.nodes, x.byID, x.codes, x.grants, x.standing, x.devices = y.nodes, y.byID, y.codes, y.grants, y.standing, y.devices
}

// parentAt returns the node above n at a moment.
func (x *index) parentAt(n int32, t int64) int32 {
	for _, m := range x.nodes[n].moves {
		if t < m.until {
			return m.parent
		}
	}
	return x.nodes[n].parent
}

// path appends n and the nodes above it at a moment.
func (x *index) path(to []int32, n int32, t int64) []int32 {
	for ; n != none && len(to) < maxDepth; n = x.parentAt(n, t) {
		to = append(to, n)
	}
	return to
}

// root returns the root above n.
func (x *index) root(n int32) int32 {
	for x.nodes[n].parent != none {
		n = x.nodes[n].parent
	}
	return n
}

// depth returns how many nodes stand from n to its root, both included.
func (x *index) depth(n int32) int {
	d := 0
	for ; n != none; n = x.nodes[n].parent {
		d++
	}
	return d
}

// height returns how many levels the subtree of n has.
func (x *index) height(n int32) int {
	h := 0
	for _, c := range x.nodes[n].children {
		h = max(h, x.height(c))
	}
	return h + 1
}

// setNode adds a node, or changes where it stands. The nodes that it names are there already.
func (x *index) setNode(n *roundsv1.Node) {
	id, _ := parseUID(n.GetNodeId())
	at, ok := x.byID[id]
	if !ok {
		at = int32(len(x.nodes))
		x.byID[id] = at
		x.nodes = append(x.nodes, node{id: id, parent: none})
	}
	parent := x.find(n.GetParentId())
	e := &x.nodes[at]
	if old := e.parent; old != parent {
		if old != none {
			siblings := x.nodes[old].children
			for i, c := range siblings {
				if c == at {
					x.nodes[old].children = append(siblings[:i:i], siblings[i+1:]...)
					break
				}
			}
		}
		if parent != none {
			x.nodes[parent].children = append(x.nodes[parent].children, at)
		}
	}
	e.parent, e.typ, e.moves = parent, n.GetType(), nil
	e.name = proto.CloneOf(n.GetName())
	x.setCode(at, n.GetCode())
	for _, m := range n.GetMoves() {
		e.moves = append(e.moves, move{x.find(m.GetParentId()), m.GetUntilUs()})
	}
}

// find returns the place of a node by its id, or none.
func (x *index) find(id string) int32 {
	u, ok := parseUID(id)
	if !ok {
		return none
	}
	return x.findUID(u)
}

func (x *index) findUID(u uid) int32 {
	if at, ok := x.byID[u]; ok {
		return at
	}
	return none
}

func (x *index) grantOf(g *roundsv1.Grant) grant {
	endedBy, _ := parseUID(g.GetEndedBy())
	return grant{span{g.GetFromUs(), openEnd(g.GetUntilUs())}, x.find(g.GetNodeId()), g.GetRole(), endedBy}
}

// setGrants replaces the grants of a person.
func (x *index) setGrants(person uid, all []*roundsv1.Grant) {
	list := make([]grant, 0, len(all))
	for _, g := range all {
		list = append(list, x.grantOf(g))
	}
	x.grants[person] = list
}

// setPerson takes over suspensions and deletion.
func (x *index) setPerson(p *roundsv1.Person) {
	id, _ := parseUID(p.GetPersonId())
	if len(p.GetSuspensions()) == 0 && p.GetDeletedUs() == 0 {
		delete(x.standing, id)
		return
	}
	deletedBy, _ := parseUID(p.GetDeletedBy())
	s := standing{deleted: p.GetDeletedUs(), deletedBy: deletedBy}
	for _, one := range p.GetSuspensions() {
		by, _ := parseUID(one.GetSuspendedBy())
		s.suspended = append(s.suspended, suspension{span{one.GetFromUs(), openEnd(one.GetUntilUs())}, by})
	}
	x.standing[id] = s
}

func (x *index) setDevice(d *roundsv1.Device) {
	id, _ := parseUID(d.GetDeviceId())
	x.devices[id] = deviceOf(d)
}

// barred says whether a person has no rights at a moment, being suspended or deleted.
func (x *index) barred(person uid, t int64) bool {
	return x.barring(person, t).Cause != CauseNone
}
