package export

import (
	"context"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// The kinds of records that exports know.
const (
	kindTicket     merge.Kind = "ticket"
	kindInspection merge.Kind = "inspection"
	kindPhoto      merge.Kind = "photo"
	kindComment    merge.Kind = "comment"
	kindSite       merge.Kind = "site"
	kindPlace      merge.Kind = "place"
	kindAsset      merge.Kind = "asset"
	kindStaff      merge.Kind = "staff"
	kindCategory   merge.Kind = "category"
)

// names finds what ids are called. It keeps what it found, up to a bound.
type names struct {
	records      Records
	scope        store.Scope
	organisation store.Scope
	lang         language
	account      func(context.Context, store.Scope, engine.PersonID) (string, error) // nil: none is known
	known        map[string]string
}

// mostNames is how many names are kept.
const mostNames = 20_000

func (n *names) find(ctx context.Context, scope store.Scope, kind merge.Kind, id string, name func(*roundsv1.Record) string) (string, error) {
	return n.record(ctx, scope, kind, "", id, name)
}

// record finds something that a record says; what names it among all that is asked about the kind. Of a record that does not exist it is "".
func (n *names) record(ctx context.Context, scope store.Scope, kind merge.Kind, what, id string, say func(*roundsv1.Record) string) (string, error) {
	if id == "" || scope == "" {
		return "", nil
	}
	key := what + " " + string(scope) + " " + string(kind) + " " + id
	if found, ok := n.known[key]; ok {
		return found, nil
	}
	found := ""
	if parsed, err := uuid.Parse(id); err == nil && parsed.String() == id { // no other id is a record's, whatever somebody wrote
		change, err := n.records.Record(ctx, scope, kind, merge.RecordID(id))
		if err != nil {
			return "", err
		}
		if change != nil {
			found = say(change.GetRecord())
		}
	}
	if len(n.known) >= mostNames {
		clear(n.known)
	}
	n.known[key] = found
	return found, nil
}

// person is what somebody is called; the id where neither the directory nor an account tells.
func (n *names) person(ctx context.Context, id string) (string, error) {
	name, err := n.find(ctx, n.scope, kindStaff, id, func(r *roundsv1.Record) string { return r.GetStaff().GetName() })
	if err == nil && name == "" {
		name, err = n.find(ctx, n.organisation, kindStaff, id, func(r *roundsv1.Record) string { return r.GetStaff().GetName() })
	}
	if err == nil && name == "" {
		name, err = n.byAccount(ctx, id)
	}
	if name == "" {
		name = id
	}
	return name, err
}

// byAccount is what somebody is called who is in no list of staff.
func (n *names) byAccount(ctx context.Context, id string) (string, error) {
	if n.account == nil || id == "" {
		return "", nil
	}
	key := "account " + id
	if found, ok := n.known[key]; ok {
		return found, nil
	}
	found, err := n.account(ctx, n.scope, engine.PersonID(id))
	if err == nil {
		n.known[key] = found
	}
	return found, err
}

// people are several, with commas.
func (n *names) people(ctx context.Context, ids []string) (string, error) {
	all := ""
	for i, id := range ids {
		name, err := n.person(ctx, id)
		if err != nil {
			return "", err
		}
		if i > 0 {
			all += ", "
		}
		all += name
	}
	return all, nil
}

func (n *names) place(ctx context.Context, id string) (string, error) {
	return n.find(ctx, n.scope, kindPlace, id, func(r *roundsv1.Record) string { return n.lang.text(r.GetPlace().GetName()) })
}

// where is a location in words: the place's name and what was said besides.
func (n *names) where(ctx context.Context, at *roundsv1.Location) (string, error) {
	name, err := n.place(ctx, at.GetPlaceId())
	words := at.GetWords()
	switch {
	case name == "":
		return words, err
	case words == "" || words == name:
		return name, err
	}
	return name + " · " + words, err
}

func (n *names) asset(ctx context.Context, id string) (string, error) {
	return n.find(ctx, n.scope, kindAsset, id, func(r *roundsv1.Record) string { return n.lang.text(r.GetAsset().GetName()) })
}

func (n *names) category(ctx context.Context, id string) (string, error) {
	return n.find(ctx, n.organisation, kindCategory, id, func(r *roundsv1.Record) string { return n.lang.text(r.GetCategory().GetName()) })
}

// title of a ticket or round.
func (n *names) title(ctx context.Context, ref *roundsv1.RecordRef) (string, error) {
	switch kind := merge.Kind(ref.GetKind()); kind {
	case kindTicket:
		return n.find(ctx, n.scope, kind, ref.GetId(), func(r *roundsv1.Record) string { return r.GetTicket().GetTitle() })
	case kindInspection:
		return n.find(ctx, n.scope, kind, ref.GetId(), func(r *roundsv1.Record) string { return r.GetInspection().GetTitle() })
	}
	return "", nil
}
