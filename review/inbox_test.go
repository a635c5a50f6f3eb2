package review_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// TestInbox: questions are shown to whom they are asked, the oldest first, with names, and are gone once decided.
func TestInbox(t *testing.T) {
	w := newWorld(t)
	now := w.now
	ask := func(name string, age time.Duration, of0 roundsv1.ConflictType, change func(*roundsv1.Conflict)) engine.Derived {
		q := &roundsv1.Conflict{Type: of0, State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, OpenedTimeUs: now.Add(-age).UnixMicro(), Subject: of("ticket", uid("t")),
			Sides:   []*roundsv1.Side{{Record: of("ticket", uid("t")), PersonId: uid("X")}, {Record: of("ticket", uid("t2")), PersonId: uid("Y")}},
			Actions: []roundsv1.ConflictAction{roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH}}
		if change != nil {
			change(q)
		}
		return made(uid(name), conflict(q))
	}
	const (
		double    = roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK
		duplicate = roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE
		cancelled = roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL
	)
	w.write(site, made(uid("X"), staff("小明")), made(uid("t"), ticket(&roundsv1.Ticket{Title: "leak"})), made(uid("t2"), ticket(&roundsv1.Ticket{Title: "leak again"})),
		ask("foreman's", 3*time.Hour, double, func(q *roundsv1.Conflict) { q.OwnerRole = foreman }),
		ask("anna's", time.Hour, duplicate, func(q *roundsv1.Conflict) { q.OwnerRole, q.OwnerId = foreman, uid("anna") }),
		ask("supervisor's", 2*time.Hour, cancelled, func(q *roundsv1.Conflict) { q.OwnerRole = supervisor }),
		ask("by type", 4*time.Hour, double, nil),
		ask("decided", 5*time.Hour, double, func(q *roundsv1.Conflict) { q.State = roundsv1.ConflictState_CONFLICT_STATE_RESOLVED }))
	inbox := func(caller engine.Caller, change func(*roundsv1.InboxRequest)) *roundsv1.InboxResponse {
		t.Helper()
		req := &roundsv1.InboxRequest{Scopes: []string{string(site)}}
		if change != nil {
			change(req)
		}
		resp, err := w.service.Inbox(t.Context(), caller, req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	idsIn := func(r *roundsv1.InboxResponse) (ids []string) {
		for _, item := range r.GetItems() {
			ids = append(ids, item.GetRow().GetRecordId())
		}
		return ids
	}
	bob, anna, chief, boss := w.person("bob", foreman), w.person("anna", worker), w.person("chief", supervisor), w.person("boss", manager)
	same(t, "a foreman", idsIn(inbox(bob, nil)), []string{uid("by type"), uid("foreman's")})
	same(t, "by name", idsIn(inbox(anna, nil)), []string{uid("anna's")})
	same(t, "a supervisor", idsIn(inbox(chief, nil)), []string{uid("by type"), uid("supervisor's")})
	same(t, "a manager", idsIn(inbox(boss, nil)), []string{uid("by type"), uid("foreman's"), uid("supervisor's")})
	same(t, "everybody's", idsIn(inbox(anna, func(r *roundsv1.InboxRequest) { r.Everybody = true })),
		[]string{uid("by type"), uid("foreman's"), uid("supervisor's"), uid("anna's")})
	same(t, "of a type", idsIn(inbox(boss, func(r *roundsv1.InboxRequest) { r.Types = []roundsv1.ConflictType{cancelled} })), []string{uid("supervisor's")})
	same(t, "of an age", idsIn(inbox(boss, func(r *roundsv1.InboxRequest) { r.MinAgeUs = (150 * time.Minute).Microseconds() })), []string{uid("by type"), uid("foreman's")})
	same(t, "about a side", idsIn(inbox(boss, func(r *roundsv1.InboxRequest) { r.Subject = of("ticket", uid("t2")) })),
		[]string{uid("by type"), uid("foreman's"), uid("supervisor's")})
	resp := inbox(boss, func(r *roundsv1.InboxRequest) { r.Types = []roundsv1.ConflictType{cancelled}; r.PageSize = 1 })
	if c := resp.GetCounts(); len(c) != 2 || c[0].GetType() != double || c[0].GetCount() != 2 || c[1].GetCount() != 1 || resp.GetTotal() != 1 {
		t.Errorf("counts %v", resp)
	}
	item := resp.GetItems()[0]
	if item.GetSubjectTitle() != "leak" || item.GetSides()[1].GetTitle() != "leak again" || item.GetSides()[0].GetPerson().GetZh() != "小明" ||
		item.GetSides()[1].GetPerson() != nil || len(item.GetActions()) != 1 || item.GetAgeUs() != (2*time.Hour).Microseconds() {
		t.Errorf("item %v", item)
	}
	if got := inbox(anna, func(r *roundsv1.InboxRequest) { r.Everybody = true }).GetItems()[0].GetActions(); len(got) > 0 {
		t.Errorf("a worker is offered %v of what is for others", got)
	}
	w.write(site, changed(uid("supervisor's"), conflict(&roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED}), 40))
	same(t, "once decided", idsIn(inbox(chief, nil)), []string{uid("by type")})
}

// TestCounts: what belongs to a ticket is counted once, however often it changes, and no more once it is hidden or decided.
func TestCounts(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	open := &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, Subject: of("ticket", uid("t"))}
	w.write(site, made(uid("t"), ticket(&roundsv1.Ticket{Title: "t"})), made(uid("q"), conflict(open)),
		made(uid("p"), photo(&roundsv1.Photo{Subject: of("ticket", uid("t"))})), made(uid("c"), comment(&roundsv1.Comment{Subject: of("ticket", uid("t"))})))
	counts := func() [3]uint32 {
		t.Helper()
		resp, err := w.service.ListTickets(t.Context(), boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}})
		if err != nil {
			t.Fatal(err)
		}
		row := resp.GetRows()[0]
		return [3]uint32{row.GetPhotos(), row.GetComments(), row.GetQuestions()}
	}
	if got := counts(); got != [3]uint32{1, 1, 1} {
		t.Errorf("at first: %v", got)
	}
	w.write(site, changed(uid("q"), conflict(&roundsv1.Conflict{Reminders: 1}), 14), changed(uid("p"), photo(&roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_STORED}), 40))
	if got := counts(); got != [3]uint32{1, 1, 1} {
		t.Errorf("after changes: %v", got)
	}
	w.write(site, changed(uid("q"), conflict(&roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED}), 40),
		changed(uid("p"), photo(&roundsv1.Photo{Hidden: &roundsv1.Hidden{Reason: "r"}}), 16), changed(uid("c"), comment(&roundsv1.Comment{Hidden: &roundsv1.Hidden{Reason: "r"}}), 5))
	if got := counts(); got != [3]uint32{} {
		t.Errorf("in the end: %v", got)
	}
}

// TestNotices: a person sees what is told by name or by role, the newest first, and what was seen is left out where that is asked.
func TestNotices(t *testing.T) {
	w := newWorld(t)
	tell := func(name string, at int64, n *roundsv1.Notice) engine.Derived {
		n.TimeUs = at
		return made(uid(name), notice(n))
	}
	anna, bob := w.person("anna", worker), w.person("bob", foreman)
	w.write(site,
		tell("anna's", 1, &roundsv1.Notice{Code: roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, PersonIds: []string{uid("anna")}}),
		tell("anna's second", 5, &roundsv1.Notice{Code: roundsv1.NoticeCode_NOTICE_CODE_STOP, PersonIds: []string{uid("x"), uid("anna")}, SeenByIds: []string{uid("anna")}}),
		tell("foremen's", 3, &roundsv1.Notice{Code: roundsv1.NoticeCode_NOTICE_CODE_BREACHED, Role: foreman, SeenByIds: []string{uid("anna")}}))
	list := func(caller engine.Caller, req *roundsv1.ListNoticesRequest) []string {
		t.Helper()
		req.Scopes = []string{string(site)}
		resp, err := w.service.ListNotices(t.Context(), caller, req)
		if err != nil {
			t.Fatal(err)
		}
		return idsOf(resp.GetRows())
	}
	same(t, "anna", list(anna, &roundsv1.ListNoticesRequest{}), []string{uid("anna's second"), uid("anna's")})
	same(t, "anna, unseen", list(anna, &roundsv1.ListNoticesRequest{Unseen: true}), []string{uid("anna's")})
	same(t, "a foreman", list(bob, &roundsv1.ListNoticesRequest{Unseen: true}), []string{uid("foremen's")})
	same(t, "of a code", list(anna, &roundsv1.ListNoticesRequest{Codes: []roundsv1.NoticeCode{roundsv1.NoticeCode_NOTICE_CODE_STOP}}), []string{uid("anna's second")})
	same(t, "of a time", list(anna, &roundsv1.ListNoticesRequest{Told: &roundsv1.TimeRange{ToUs: 5}}), []string{uid("anna's")})
}

// TestNoticesAreSharedAsTheyAre: a record that was read is kept for all who ask, so nothing is written behind what it lists either.
func TestNoticesAreSharedAsTheyAre(t *testing.T) {
	w := newWorld(t)
	anna := w.person("anna", worker)
	w.write(site, made(uid("three"), notice(&roundsv1.Notice{TimeUs: 1, CausedById: uid("boss"), PersonIds: []string{uid("anna"), uid("x"), uid("y")}})))
	resp, err := w.service.ListNotices(t.Context(), anna, &roundsv1.ListNoticesRequest{Scopes: []string{string(site)}})
	if err != nil || len(resp.GetRows()) != 1 {
		t.Fatalf("%v, %v", resp, err)
	}
	ids := resp.GetRows()[0].GetRecord().GetNotice().GetPersonIds()
	for _, behind := range ids[len(ids):cap(ids)] {
		if behind != "" {
			t.Errorf("%q was written behind the people of a notice that others read", behind)
		}
	}
}
