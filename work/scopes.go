package work

import (
	"strings"

	"github.com/rounds-sync/rounds/sync/merge"
)

// The kinds of records, by their names in Record.
const (
	kindTicket       merge.Kind = "ticket"
	kindInspection   merge.Kind = "inspection"
	kindPhoto        merge.Kind = "photo"
	kindComment      merge.Kind = "comment"
	kindConflict     merge.Kind = "conflict"
	kindSite         merge.Kind = "site"
	kindPlace        merge.Kind = "place"
	kindAsset        merge.Kind = "asset"
	kindStaff        merge.Kind = "staff"
	kindCategory     merge.Kind = "category"
	kindChecklist    merge.Kind = "checklist"
	kindAnnouncement merge.Kind = "announcement"
	kindUnit         merge.Kind = "unit"
	kindCalendar     merge.Kind = "calendar"
	kindPlan         merge.Kind = "plan"
	kindNotice       merge.Kind = "notice"
)

// Class is a class of scopes: what stands before the slash in a scope's name.
type Class string

// The classes of scopes.
const (
	// Site scopes hold one community's work and directory.
	Site Class = "site"
	// Desk scopes hold what only a community's supervisors see.
	Desk Class = "desk"
	// User scopes are personal.
	User Class = "user"
	// Org scopes hold what the whole organisation shares.
	Org Class = "org"
)

// Home says that records of a kind may live in scopes of a class.
type Home struct {
	Class Class
	Kind  merge.Kind
}

// Scopes returns which kinds live where. A mutation of any other pair is refused. The slice is the caller's.
func Scopes() []Home {
	var all []Home
	for _, row := range []struct {
		class Class
		kinds []merge.Kind
	}{
		{Site, []merge.Kind{kindTicket, kindInspection, kindPhoto, kindComment, kindConflict, kindSite, kindPlace, kindAsset, kindStaff, kindPlan, kindNotice}},
		{Desk, []merge.Kind{kindConflict, kindComment}},
		{User, []merge.Kind{kindConflict, kindComment}},
		{Org, []merge.Kind{kindConflict, kindCategory, kindChecklist, kindAnnouncement, kindUnit, kindCalendar}},
	} {
		for _, kind := range row.kinds {
			all = append(all, Home{row.class, kind})
		}
	}
	return all
}

func classOf(scope string) Class {
	class, _, _ := strings.Cut(scope, "/")
	return Class(class)
}
