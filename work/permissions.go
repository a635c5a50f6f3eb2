package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Permission lets the holders of a role do one thing with records of a kind. That it is permitted does not mean that it is possible: the
// workflow may ask more, for instance to be the ticket's assignee.
type Permission struct {
	Role      roundsv1.Role
	Kind      merge.Kind
	Operation Operation
	// Own narrows it to tickets that the person reported, and to what is said and shown of these.
	Own bool
	// Served narrows it to tickets at places that the person serves, where the site's places name butlers (Place.butler_ids).
	Served bool
}

// Permissions returns the whole table of rights; what is not in it is denied. Nobody holds a right as ROLE_SYSTEM: the server does not ask
// itself. Nobody but the server writes conflict records; people decide on them by commands. A manager may do what supervisors, foremen and
// dispatchers may, so that a small site can be run. The slice is the caller's.
func Permissions() []Permission {
	const (
		resident   = roundsv1.Role_ROLE_RESIDENT
		worker     = roundsv1.Role_ROLE_WORKER
		foreman    = roundsv1.Role_ROLE_FOREMAN
		butler     = roundsv1.Role_ROLE_BUTLER
		dispatcher = roundsv1.Role_ROLE_DISPATCHER
		supervisor = roundsv1.Role_ROLE_SUPERVISOR
		manager    = roundsv1.Role_ROLE_MANAGER
		admin      = roundsv1.Role_ROLE_ADMIN
	)
	type roles = []roundsv1.Role
	staff := roles{worker, foreman, butler, dispatcher, supervisor, manager}
	leaders := roles{foreman, supervisor, manager}
	chiefs := roles{supervisor, manager}
	directory := []merge.Kind{kindSite, kindPlace, kindAsset, kindStaff, kindCategory, kindChecklist, kindAnnouncement, kindUnit, kindCalendar}

	table := []struct {
		kind  merge.Kind
		op    Operation
		roles roles
		own   roles // may do it to what they reported
	}{
		{kindTicket, Create, staff, roles{resident}},
		{kindTicket, Edit, staff, nil},
		{kindTicket, Fact, staff, nil},
		{kindTicket, Triage, roles{dispatcher, butler, manager}, nil},
		{kindTicket, Dispatch, roles{foreman, dispatcher, manager}, nil},
		{kindTicket, Accept, staff, nil},
		{kindTicket, Decline, staff, nil},
		{kindTicket, Start, staff, nil},
		{kindTicket, Pause, staff, nil},
		{kindTicket, Resume, staff, nil},
		{kindTicket, SubmitCompletion, staff, nil},
		{kindTicket, Approve, roles{butler, supervisor, manager}, nil},
		{kindTicket, Reject, roles{butler, supervisor, manager}, nil},
		{kindTicket, Cancel, chiefs, roles{resident, worker, foreman, butler, dispatcher}},
		{kindTicket, Merge, roles{dispatcher, manager}, nil},
		{kindTicket, Escalate, roles{butler, dispatcher, supervisor, manager}, nil},
		{kindTicket, CustomerAccept, nil, roles{resident}},
		{kindTicket, Dispute, roles{butler, dispatcher, manager}, roles{resident}}, // staff: a follow-up visit that failed
		{kindTicket, ForceClose, roles{foreman, butler, dispatcher, supervisor, manager}, nil},

		{kindTicket, Split, roles{foreman, dispatcher, manager}, nil},
		{kindTicket, Ask, roles{butler, supervisor, manager}, nil},
		{kindTicket, FollowUp, roles{butler, dispatcher, supervisor, manager}, nil},
		{kindTicket, Reopen, chiefs, nil},

		{kindInspection, Create, staff, nil}, // waits as PLANNED until a leader releases it
		{kindInspection, Edit, staff, nil},
		{kindInspection, Fact, staff, nil},
		{kindInspection, Release, leaders, nil},
		{kindInspection, Start, staff, nil},
		{kindInspection, Submit, staff, nil},
		{kindInspection, Approve, chiefs, nil},
		{kindInspection, Return, chiefs, nil},
		{kindInspection, Excuse, chiefs, nil},

		{kindPhoto, Create, staff, roles{resident}},
		{kindPhoto, Fact, staff, roles{resident}},
		{kindPhoto, Edit, roles{foreman, butler, supervisor, manager}, nil}, // to hide it
		{kindComment, Create, staff, roles{resident}},
		{kindComment, Fact, staff, roles{resident}},
		{kindComment, Edit, roles{foreman, butler, supervisor, manager}, nil}, // to hide it

		{kindConflict, Admit, leaders, nil},
		{kindConflict, Dismiss, leaders, nil},
		{kindConflict, Decide, roles{foreman, butler, dispatcher, supervisor, manager}, nil}, // Deciders narrows it by type
		{kindConflict, Assign, leaders, nil},

		{kindNotice, Edit, roles{resident, worker, foreman, butler, dispatcher, supervisor, manager}, nil}, // to mark it as seen

		{kindPlan, Create, roles{supervisor, manager, admin}, nil},
		{kindPlan, Edit, roles{supervisor, manager, admin}, nil},
		{kindPlan, Delete, roles{supervisor, manager, admin}, nil},

		{kindAsset, Fact, roles{worker, foreman, supervisor, manager}, nil}, // stock taken

		{kindStaff, Edit, roles{manager}, nil}, // rosters, skills and absences of the site's people; who they are comes from administrators
	}
	for _, kind := range directory {
		for _, op := range []Operation{Create, Edit, Delete} {
			table = append(table, struct {
				kind  merge.Kind
				op    Operation
				roles roles
				own   roles
			}{kind, op, roles{admin}, nil})
		}
	}
	var all []Permission
	for _, row := range table {
		for _, role := range row.roles {
			all = append(all, Permission{Role: role, Kind: row.kind, Operation: row.op, Served: role == butler && decidesWork(row.kind, row.op)})
		}
		for _, role := range row.own {
			all = append(all, Permission{Role: role, Kind: row.kind, Operation: row.op, Own: true})
		}
	}
	return all
}

// decidesWork: whether an operation is a decision on finished work, which the butler of the unit makes.
func decidesWork(kind merge.Kind, op Operation) bool {
	return kind == kindTicket && (op == Approve || op == Reject || op == Ask)
}

// rights is the table as it is asked: by kind and operation.
type rights map[right]holders

type right struct {
	kind merge.Kind
	op   Operation
}

// holders are the roles that have a right, a bit each: all of them, those of them that have it where they serve, and those that have it for their own.
type holders struct{ any, served, own uint64 }

func rightsOf(table []Permission) rights {
	all := rights{}
	for _, p := range table {
		h := all[right{p.Kind, p.Operation}]
		if p.Own {
			h.own |= bit(p.Role)
		} else {
			h.any |= bit(p.Role)
			if p.Served {
				h.served |= bit(p.Role)
			}
		}
		all[right{p.Kind, p.Operation}] = h
	}
	return all
}

// bit is the role's place in holders; 0 for a role that is not known.
func bit(role roundsv1.Role) uint64 {
	if role <= 0 || role > 63 {
		return 0
	}
	return 1 << uint(role)
}

func bits(roles []roundsv1.Role) uint64 {
	var b uint64
	for _, role := range roles {
		b |= bit(role)
	}
	return b
}

// allowed says why the person may not do this, or nil.
func (r *Rules) allowed(j *judgement) *roundsv1.Problem {
	if j.Admitted || j.foresees {
		return nil
	}
	holders, held := r.rights[right{j.Kind, j.op}], bits(j.Roles)
	switch {
	case holders.any&held&^holders.served != 0, holders.any&held != 0 && j.serves():
		return nil
	case holders.any&held != 0:
		return j.notServed()
	case holders.own&held == 0:
		zh, en := j.op.words()
		return j.problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "", "您没有"+zh+"的权限，请联系班长或主管。",
			"You have no right to "+en+" here. Ask a foreman or a supervisor.")
	case !j.own():
		return j.problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "", "您只能处理自己上报的工单。其他工单请联系班长或主管。",
			"You may do this only with what you reported yourself. For others ask a foreman or a supervisor.")
	}
	return nil
}

// own: whether the mutation is about a ticket that the person reported.
func (j *judgement) own() bool {
	if classOf(string(j.Scope)) == User {
		return true
	}
	switch j.Kind {
	case kindTicket:
		if j.Current == nil {
			return slices.Contains([]string{"", string(j.Person)}, j.written().GetTicket().GetReporterId())
		}
		return j.reported(j.Current)
	case kindPhoto, kindComment:
		if subject := j.subject(); subject != nil {
			return j.reported(subject)
		}
	}
	return false
}

// reported: whether the person made the ticket, or it was made in their name.
func (j *judgement) reported(ticket *roundsv1.Change) bool {
	if j.Person == "" {
		return false
	}
	person := string(j.Person)
	return ticket.GetRecord().GetTicket().GetReporterId() == person || writer(ticket, ticketReportedTime).GetPersonId() == person
}
