package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// lateNotices counts the notices of late evidence of a record that name a person.
func (s *shift) lateNotices(about, person string) (n int) {
	s.chief.sync()
	for _, c := range s.chief.replica {
		notice := c.GetRecord().GetNotice()
		if notice.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE && notice.GetSubject().GetId() == about && slices.Contains(notice.GetPersonIds(), uid(person)) {
			n++
		}
	}
	return n
}

// remarkOn is a remark about a record.
func remarkOn(kind, id string) *roundsv1.Fact {
	return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Words: "called Li",
		Subject: &roundsv1.RecordRef{Kind: kind, Id: id}}}}}
}

// lateFacts are one fact of each kind about a ticket which has a photo, by name: the record that it is sent to, and what is sent.
func lateFacts(ticket, photo string) map[string]func() (id string, act any) {
	on := func(t *roundsv1.Ticket) func() (string, any) {
		return func() (string, any) { return ticket, &roundsv1.Fact{Record: ticketRecord(t)} }
	}
	new := func(act *roundsv1.Fact) func() (string, any) {
		return func() (string, any) { return uid("late " + act.String()), act }
	}
	role := func(r roundsv1.PhotoRole) *roundsv1.Fact {
		return shot(ticket, 1, func(p *roundsv1.Photo) { p.Role = r })
	}
	edit := func(t *roundsv1.Ticket, field uint32) func() (string, any) {
		return func() (string, any) {
			return ticket, &roundsv1.Edit{Record: ticketRecord(t), Fields: []uint32{field}}
		}
	}
	answered := map[string]*roundsv1.Answer{"dry": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}}
	parts := map[string]int64{"lamp": 1}
	return map[string]func() (string, any){
		"a photo":                 new(role(roleAfter)),
		"a photo of a fault":      new(role(roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)),
		"a signature":             new(role(roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE)),
		"a remark or a call":      new(remarkOn("ticket", ticket)),
		"a remark on a photo":     new(remarkOn("photo", photo)),
		"a reading":               on(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: uid("reading"), Value: 1}}}),
		"labour":                  on(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: uid("labour"), PersonId: uid("Y")}}}),
		"a scan":                  on(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: uid("scan")}}}),
		"an answer":               on(&roundsv1.Ticket{Answers: answered}),
		"a part":                  on(&roundsv1.Ticket{PartsUsed: parts}),
		"a visit":                 on(&roundsv1.Ticket{Visits: 1}),
		"an answer, as an edit":   edit(&roundsv1.Ticket{Answers: answered}, 23),
		"a part, as an edit":      edit(&roundsv1.Ticket{PartsUsed: parts}, 18),
		"a visit, as an edit":     edit(&roundsv1.Ticket{Visits: 1}, 19),
		"a photo without a round": new(shot(ticket, 0)),
	}
}

// TestLateFactOfEachKind: whatever fact comes for a ticket that has ended is appended, marked as late, and told to who ended it, once for the closure; of a merged ticket
// to who ended the one that it goes on in. What they add themselves tells nobody, and hides nothing of others.
func TestLateFactOfEachKind(t *testing.T) {
	ends := map[string]func(*town) (told string){
		"closed":    func(w *town) string { w.r.done(w.id, w.r.approves(w.id, 1)); return "R" },
		"cancelled": func(w *town) string { w.chief.done(w.id, cancel()); return "S" },
		"merged into a ticket that is cancelled": func(w *town) string {
			w.report(uid("other"), "light")
			w.desk.done(w.id, mergeInto(uid("other")))
			w.chief.done(uid("other"), cancel())
			return "S"
		},
	}
	for end, ended := range ends {
		for kind := range lateFacts("", "") {
			t.Run(end+", "+kind, func(t *testing.T) {
				w := newTown(t, "light")
				photo := uid("first")
				if end == "closed" {
					photo = w.inReview()
				} else {
					w.y.done(photo, shot(w.id, 1, asBefore))
				}
				about, told := w.id, ended(w)
				if w.chief.ticket(w.id).GetState() == roundsv1.TicketState_TICKET_STATE_MERGED {
					about = uid("other")
				}
				own := map[string]*phone{"R": w.r, "S": w.chief}[told]
				own.done(uid("own"), remarkOn("ticket", w.id))
				if n := w.lateNotices(about, told); n != 0 {
					t.Fatalf("told %d times of what they said themselves", n)
				}
				id, act := lateFacts(w.id, photo)[kind]()
				seq := w.y.tries(id, act)
				w.y.applied(seq)
				if flags := w.y.outcomes[seq].GetFlags(); !slices.Contains(flags, "late") {
					t.Errorf("the outcome says %v", flags)
				}
				w.y.done(uid("another"), remarkOn("ticket", w.id))
				flagged(t, w.chief.ticket(w.id), "late")
				flagged(t, w.chief.ticket(about), "late")
				if n := w.lateNotices(about, told); n != 1 {
					t.Errorf("told %d times", n)
				}
			})
		}
	}
}

// TestNoFactIsNotLate: a better title of a ticket that has ended, and a remark on one that goes on or that is not here, tell nobody.
func TestNoFactIsNotLate(t *testing.T) {
	w := newTown(t, "light")
	w.y.done(uid("early"), remarkOn("ticket", w.id))
	w.y.done(uid("nowhere"), remarkOn("ticket", uid("not here")))
	w.inReview()
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "lamp"}), Fields: []uint32{1}})
	again := w.second("Y's second", "Y", worker) // enrolled anew: it sends what is here already
	seq := again.do(uid("early"), remarkOn("ticket", w.id))
	again.sync()
	again.applied(seq)
	if got := w.chief.ticket(w.id); slices.Contains(got.GetFlags(), "late") || w.lateNotices(w.id, "R") != 0 {
		t.Errorf("%v", got.GetFlags())
	}
}

// TestLateFactOfARound: a remark on an approved round, and an answer that is sent as an edit, are marked and told like any other fact.
func TestLateFactOfARound(t *testing.T) {
	for name, act := range map[string]func(p *patrol){
		"a remark":              func(p *patrol) { p.y.done(uid("late"), remarkOn("inspection", p.id)) },
		"a remark on its photo": func(p *patrol) { p.y.done(uid("late"), remarkOn("photo", uid("crack"))) },
		"an answer, as an edit": func(p *patrol) {
			p.y.done(p.id, &roundsv1.Edit{Record: round(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"gutter": answer(pass, "dry")}}), Fields: []uint32{7}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := walkedAndApproved(t)
			act(p)
			p.y.done(uid("more"), remarkOn("inspection", p.id))
			w := &shift{site: p.site, chief: p.chief}
			if i := p.round(); !slices.Contains(i.GetFlags(), "late") || w.lateNotices(p.id, "S") != 1 {
				t.Errorf("%v, told %d times", i.GetFlags(), w.lateNotices(p.id, "S"))
			}
		})
	}
}
