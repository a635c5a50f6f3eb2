// Package community invents the property-service company that the demo and the tests run: its organisation, the community 云栖雅苑 with its places,
// assets and crew, the categories of tickets and the checklists. All of it is made up, and the same seed makes the same.
package community

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Community is the whole of it. It is only read after New.
type Community struct {
	// Seed that it was made from.
	Seed uint64
	// Nodes of the organisation below the group, parents first.
	Nodes []Node
	// Site is the node of the community in full detail.
	Site Node
	// Places of the site, parents first.
	Places []Place
	// Assets of the site.
	Assets []Asset
	// Crew is everybody who works at the site.
	Crew []Person
	// Categories of tickets, and Checklists: shared by the organisation.
	Categories []Category
	Checklists []Checklist
}

// Node is a node of the organisation tree.
type Node struct {
	ID     string
	Parent string // empty: the group
	Type   roundsv1.NodeType
	Name   *roundsv1.Text
	Code   string
}

// Place is a place of the site.
type Place struct {
	ID string
	*roundsv1.Place
}

// Asset is an asset of the site.
type Asset struct {
	ID string
	*roundsv1.Asset
}

// Person is one of the crew.
type Person struct {
	ID   string
	Name string
	Role roundsv1.Role
	// Night: works from 20:00 to 8:00 instead of from 8:00 to 20:00.
	Night bool
	*roundsv1.Staff
}

// Category is a kind of ticket.
type Category struct {
	ID string
	*roundsv1.Category
}

// Checklist is the published first version of a list of questions. What names a list names its series.
type Checklist struct {
	ID string // of this version
	*roundsv1.Checklist
}

// space is the UUID name space of all ids here.
var space = uuid.MustParse("4f4b6c55-0b0e-5d44-8a53-7d0f4f1e6a10")

// id derives an id from what it names and the seed, so that communities of different seeds do not meet.
func (m *maker) id(kind, name string) string {
	seed := binary.BigEndian.AppendUint64(nil, m.seed)
	return uuid.NewSHA1(space, append(seed, kind+"\x00"+name...)).String()
}

type maker struct {
	seed   uint64
	random *rand.Rand
	*Community
}

// New makes the community of a seed.
func New(seed uint64) *Community {
	m := &maker{seed: seed, random: rand.New(rand.NewPCG(seed, 0x726f756e6473)), Community: &Community{Seed: seed}}
	m.organisation()
	m.places()
	m.assets()
	m.crew()
	m.catalogue()
	return m.Community
}

// In returns the people of the crew who hold a role, in order.
func (c *Community) In(role roundsv1.Role) []Person {
	var found []Person
	for _, p := range c.Crew {
		if p.Role == role {
			found = append(found, p)
		}
	}
	return found
}

// Silent returns the places where a phone receives nothing.
func (c *Community) Silent() []Place {
	var found []Place
	for _, p := range c.Places {
		if p.GetSignal() == roundsv1.Signal_SIGNAL_NONE {
			found = append(found, p)
		}
	}
	return found
}

func text(zh, en string) *roundsv1.Text { return &roundsv1.Text{Zh: zh, En: en} }
