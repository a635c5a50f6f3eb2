package arbitration_test

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// shift is a site at work: a ticket that was dispatched to X and accepted, and everybody has seen that.
type shift struct {
	*site
	id         string
	x, y, f, d *phone
}

// shift begins with a household's report.
func (s *site) shift() *shift {
	s.t.Helper()
	w := &shift{site: s, x: s.phone("X"), y: s.phone("Y"), f: s.phone("F"), d: s.phone("D")}
	w.id = w.reported("楼道灯不亮")
	w.f.sync()
	w.f.do(w.id, dispatch(w.x))
	w.f.sync()
	w.x.sync()
	w.x.do(w.id, accept(1))
	w.x.sync()
	w.all()
	return w
}

// reported is a new ticket that D takes in.
func (w *shift) reported(title string) string {
	w.t.Helper()
	ref := w.d.create("", ofTicket(&roundsv1.Ticket{Title: title, CustomerWords: title, ReporterId: w.reporter(), Channel: roundsv1.Channel_CHANNEL_PHONE,
		Location: &roundsv1.Location{Words: "3 栋 2 单元," + title, Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}))
	w.d.sync()
	w.d.do(string(ref.ID), triage(w.categories["lighting"]))
	w.d.sync()
	w.stands(string(ref.ID), isTriaged)
	return string(ref.ID)
}

// reporter is the household that reports: H where there is one.
func (s *site) reporter() string {
	if h := s.people["H"]; h != nil {
		return h.id
	}
	return "household-3-2"
}

// all lets everybody see what there is.
func (s *site) all() {
	s.t.Helper()
	for _, p := range s.phones {
		p.sync()
	}
}

// reassigned lets F give the ticket to Y without a signal.
func (w *shift) reassigned() client.Ref {
	w.t.Helper()
	return w.f.do(w.id, dispatch(w.y))
}

// crew puts Y beside X, and lets everybody see that.
func (w *shift) crew() {
	w.t.Helper()
	w.f.edit(w.id, &roundsv1.Ticket{CrewIds: []string{w.y.id()}}, "crew_ids")
	w.f.sync()
	w.all()
}

// reviewable lets X do the work of a round, until it waits for confirmation, and everybody see that. It returns the photo.
func (w *shift) reviewable(round uint32) string {
	w.t.Helper()
	w.x.do(w.id, start())
	w.x.works(w.id)
	_, photo := w.x.completes(w.id, round)
	w.x.sync()
	w.inState(w.id, isInReview)
	w.all()
	return photo
}
