package auth

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The key space. A key is one letter and the 16 or 32 raw bytes of each id or hash that follows it; values are the messages named, or
// empty where the key says all.
const (
	keyFormat    = 'v' // the format version, one byte
	keyFirst     = 'b' // the first administrator and the root: person id, node id
	keyNode      = 'n' // node                    Node
	keyPerson    = 'p' // person                  Person
	keyStanding  = 's' // person                  empty: was suspended or deleted
	keyExternal  = 'x' // SHA-256 of external id  person id
	keyHome      = 'h' // home node, person       empty
	keyGrant     = 'g' // person, grant           Grant
	keyGrantAt   = 'G' // node, grant             person id
	keyDevice    = 'd' // device                  Device
	keyDeviceOf  = 'D' // person, device          empty
	keyPublicKey = 'k' // SHA-256 of public key   device id
	keyRefresh   = 'r' // device                  RefreshState
	keyCode      = 'c' // person, code id         EnrolmentCode
	keyCodeHash  = 'C' // SHA-256 of the code     person id, code id
	keySigning   = 'K' // SHA-256 of key id       SigningKeyState
	keyNodeCode  = 'N' // SHA-256 of node code    node id; of codes that were given since this key is there
)

// format is the version of the key space that this program writes and reads.
const format = 1

func key(letter byte, ids ...[]byte) []byte {
	k := []byte{letter}
	for _, id := range ids {
		k = append(k, id...)
	}
	return k
}

// after returns the first key behind all that begin with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

func read(r Reader, k []byte, into proto.Message) (bool, error) {
	value, found, err := r.Get(k)
	if err != nil || !found {
		return false, err
	}
	if err := proto.Unmarshal(value, into); err != nil {
		return false, fmt.Errorf("auth: damaged value at key %x: %w", k, err)
	}
	return true, nil
}

// each visits the values below a prefix, decoded into a message of its own each.
func each[M proto.Message](r Reader, prefix []byte, blank func() M, visit func(k []byte, m M) error) error {
	for e, err := range r.Scan(prefix, after(prefix)) {
		if err != nil {
			return err
		}
		m := blank()
		if err := proto.Unmarshal(e.Value, m); err != nil {
			return fmt.Errorf("auth: damaged value at key %x: %w", e.Key, err)
		}
		if err := visit(e.Key, m); err != nil {
			return err
		}
	}
	return nil
}

var errFormat = errors.New("auth: the store holds people and devices of a format that this program does not know")

// load builds the index and the keys from the store.
func load(ctx context.Context, s Store) (*index, []*roundsv1.SigningKeyState, error) {
	x := newIndex()
	var keys []*roundsv1.SigningKeyState
	err := s.View(ctx, func(r Reader) error {
		x, keys = newIndex(), nil
		version, found, err := r.Get([]byte{keyFormat})
		if err != nil {
			return err
		}
		if found && (len(version) != 1 || version[0] != format) {
			return errFormat
		}
		if err := loadNodes(r, x); err != nil {
			return err
		}
		err = each(r, []byte{keyGrant}, newGrant, func(k []byte, g *roundsv1.Grant) error {
			person := uid(k[1:17])
			x.grants[person] = append(x.grants[person], x.grantOf(g))
			return nil
		})
		if err != nil {
			return err
		}
		err = each(r, []byte{keyDevice}, newDevice, func(_ []byte, d *roundsv1.Device) error {
			x.setDevice(d)
			return nil
		})
		if err != nil {
			return err
		}
		if err := loadStanding(r, x); err != nil {
			return err
		}
		return each(r, []byte{keySigning}, newKeyState, func(_ []byte, k *roundsv1.SigningKeyState) error {
			keys = append(keys, k)
			return nil
		})
	})
	return x, keys, err
}

func loadNodes(r Reader, x *index) error {
	var all []*roundsv1.Node
	err := each(r, []byte{keyNode}, newNode, func(_ []byte, n *roundsv1.Node) error {
		all = append(all, n)
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range all { // ids first: a node may name one with a greater id
		x.setNode(&roundsv1.Node{NodeId: n.GetNodeId(), Type: n.GetType()})
	}
	for _, n := range all {
		x.setNode(n)
	}
	return nil
}

func loadStanding(r Reader, x *index) error {
	var people []uid
	for e, err := range r.Scan([]byte{keyStanding}, []byte{keyStanding + 1}) {
		if err != nil {
			return err
		}
		people = append(people, uid(e.Key[1:17]))
	}
	for _, id := range people {
		var p roundsv1.Person
		if _, err := read(r, key(keyPerson, id[:]), &p); err != nil {
			return err
		}
		x.setPerson(&p)
	}
	return nil
}

func newNode() *roundsv1.Node                { return &roundsv1.Node{} }
func newGrant() *roundsv1.Grant              { return &roundsv1.Grant{} }
func newDevice() *roundsv1.Device            { return &roundsv1.Device{} }
func newCode() *roundsv1.EnrolmentCode       { return &roundsv1.EnrolmentCode{} }
func newKeyState() *roundsv1.SigningKeyState { return &roundsv1.SigningKeyState{} }
