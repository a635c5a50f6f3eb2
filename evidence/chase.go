package evidence

import (
	"cmp"
	"context"
	"encoding/base64"
	"iter"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

const (
	defaultPage = 100
	longestPage = 500
	// mostLooked bounds the entries that one page looks at: with a filter few of them may be wanted.
	mostLooked = 5_000
	// mostCounted bounds the entries that the summary by device counts.
	mostCounted = 200_000
	mostDevices = 500
	// The ages from which on a missing photo is somebody else's to see to.
	firstLevel  = 24 * time.Hour
	secondLevel = 72 * time.Hour
)

// Chase lists what was promised and is not stored, the longest promised first. Foremen, supervisors, managers, administrators and auditors see all, others what
// they took themselves.
func (d *Desk) Chase(ctx context.Context, caller engine.Caller, req *roundsv1.ChaseRequest) (*roundsv1.ChaseResponse, error) {
	scope := store.Scope(req.GetScope())
	person, err := d.mayChase(caller, scope, engine.PersonID(req.GetPersonId()))
	if err != nil {
		return nil, err
	}
	var from []byte
	if token := req.GetPageToken(); token != "" {
		key, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(key) != 24 {
			return nil, refuse(engine.Invalid, scope, "page_token", problem(roundsv1.ProblemCode_PROBLEM_CODE_LINK, "分页标记无效。", "This is no page token of this server."))
		}
		from = append(key, 0)
	}
	wanted := func(m *roundsv1.MissingPhoto) bool {
		return (req.GetDeviceId() == "" || m.GetDeviceId() == req.GetDeviceId()) && (person == "" || m.GetPersonId() == string(person))
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	size = min(size, longestPage)

	resp := &roundsv1.ChaseResponse{}
	owners := owners{desk: d, scope: scope, of: map[string]string{}}
	now, looked := d.cfg.Now().UnixMicro(), 0
	var last []byte
	for m, err := range d.missing(ctx, scope, from) {
		if err != nil {
			return nil, err
		}
		if len(resp.Photos) == size || looked == mostLooked {
			resp.NextPageToken = base64.RawURLEncoding.EncodeToString(last)
			break
		}
		looked, last = looked+1, m.key
		if !wanted(m.MissingPhoto) {
			continue
		}
		m.AgeUs = max(0, now-m.GetPromisedUs())
		if m.OwnerId, m.Level, err = owners.find(ctx, m.MissingPhoto); err != nil {
			return nil, err
		}
		resp.Photos = append(resp.Photos, m.MissingPhoto)
	}
	if from == nil {
		if resp.Devices, err = d.devices(ctx, scope, wanted); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// mayChase returns whose photos a caller is told of who asks for those of a person; empty: everybody's.
func (d *Desk) mayChase(caller engine.Caller, scope store.Scope, person engine.PersonID) (engine.PersonID, error) {
	if d.holds(caller, scope, roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER, roundsv1.Role_ROLE_ADMIN,
		roundsv1.Role_ROLE_AUDITOR) {
		return person, nil
	}
	if err := d.mayDeliver(caller, scope); err != nil {
		return "", err
	}
	if person != "" && person != caller.Person {
		return "", noRight(scope)
	}
	return caller.Person, nil
}

// missing is a photo that a scope waits for.
type missing struct {
	*roundsv1.MissingPhoto
	key []byte // of its entry in indexMissing
}

// missing visits what a scope waits for from a key on, the longest promised first.
func (d *Desk) missing(ctx context.Context, scope store.Scope, from []byte) iter.Seq2[missing, error] {
	return func(yield func(missing, error) bool) {
		for entry, err := range d.cfg.Records.Find(ctx, scope, indexMissing, store.Span{From: from}) {
			m := missing{&roundsv1.MissingPhoto{}, entry.Key}
			if err == nil {
				if fault := proto.Unmarshal(entry.Value, m.MissingPhoto); fault != nil {
					err = damaged(indexMissing, fault)
				}
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// devices sums up what is missing by device, those that hold most first.
func (d *Desk) devices(ctx context.Context, scope store.Scope, wanted func(*roundsv1.MissingPhoto) bool) ([]*roundsv1.WaitingDevice, error) {
	by := map[string]*roundsv1.WaitingDevice{}
	counted := 0
	for m, err := range d.missing(ctx, scope, nil) {
		if err != nil {
			return nil, err
		}
		if counted++; counted > mostCounted {
			break
		}
		if !wanted(m.MissingPhoto) {
			continue
		}
		one := by[m.GetDeviceId()]
		if one == nil {
			one = &roundsv1.WaitingDevice{DeviceId: m.GetDeviceId(), PersonId: m.GetPersonId(), OldestUs: m.GetPromisedUs()}
			if seen := d.cfg.Access.LastSeen(engine.DeviceID(m.GetDeviceId())); !seen.IsZero() {
				one.LastSeenUs = seen.UnixMicro()
			}
			by[m.GetDeviceId()] = one
		}
		one.Photos++
		one.Bytes += m.GetSizeBytes()
	}
	var list []*roundsv1.WaitingDevice
	for _, one := range by {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b *roundsv1.WaitingDevice) int {
		return cmp.Or(cmp.Compare(b.Photos, a.Photos), cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.DeviceId, b.DeviceId))
	})
	return list[:min(len(list), mostDevices)], nil
}

// owners finds who has to see to a missing photo, and remembers the people of subjects within one page.
type owners struct {
	desk  *Desk
	scope store.Scope
	of    map[string]string // subject to its assignee or inspector
}

func (o owners) find(ctx context.Context, m *roundsv1.MissingPhoto) (owner string, level uint32, err error) {
	switch age := time.Duration(m.GetAgeUs()) * time.Microsecond; {
	case age < firstLevel:
		return m.GetPersonId(), 0, nil
	case age >= secondLevel:
		return "", 2, nil
	}
	key := m.GetSubject().GetKind() + "/" + m.GetSubject().GetId()
	who, known := o.of[key]
	if !known {
		change, err := o.desk.cfg.Records.Record(ctx, o.scope, merge.Kind(m.GetSubject().GetKind()), merge.RecordID(m.GetSubject().GetId()))
		if err != nil {
			return "", 0, err
		}
		if who = change.GetRecord().GetTicket().GetAssigneeId(); who == "" {
			who = change.GetRecord().GetInspection().GetInspectorId()
		}
		o.of[key] = who
	}
	return who, 1, nil
}

// isSite: whether a scope is one of those that hold photos.
func isSite(scope store.Scope) bool { return strings.HasPrefix(string(scope), "site/") }

// sitesAmong are the scopes that hold photos.
func sitesAmong(scopes []store.Scope) []store.Scope {
	return slices.DeleteFunc(slices.Clone(scopes), func(s store.Scope) bool { return !isSite(s) })
}
