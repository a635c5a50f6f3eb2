package deadline_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/deadline"
)

const resident = "resident"

// asks gives the steps that begin with a round other times, minutes; 0: no such step.
func (s story) asks(respond, arrive, finish int) story {
	s.told() // what stood before
	minute := time.Minute.Microseconds()
	need := proto.CloneOf(s.Requirements)
	need.RespondUs, need.ArriveUs, need.FinishUs = int64(respond)*minute, int64(arrive)*minute, int64(finish)*minute
	s.Requirements = need
	return s
}

// visits is how many working days the follow-up visit is given.
func (s story) visits(days uint32) story {
	s.told()
	s.Requirements = proto.CloneOf(s.Requirements)
	s.Requirements.FollowUpDays = days
	return s
}

// TestOtherTimes: the times that a corrected category gives count for the steps that run. What is over is as it was, and what nobody had asked for by then is none.
func TestOtherTimes(t *testing.T) {
	noVisit := func(r *roundsv1.Requirements) { r.FollowUpDays = 0 }
	noArrival := func(r *roundsv1.Requirements) { r.FollowUpDays, r.ArriveUs = 0, 0 }
	for name, c := range map[string]struct {
		is   story
		want string
	}{
		"what runs is due at another time": {begin(noVisit).asks(10, 60, 600), "respond open 10; arrive open 60; finish open 600"},
		"what is over is as it was": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").asks(1, 1, 600),
			"respond met 20/5 ann; arrive met 120/30 xu; finish open 600"},
		"also where it was missed": {begin(noVisit).move(45, triaged, "ann").move(130, inProgress, "xu").asks(60, 200, 600),
			"respond breached 20/45 ann; arrive breached 120/130 xu; finish open 600"},
		"also where it is not asked for any more": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").asks(0, 0, 600),
			"respond met 20/5 ann; arrive met 120/30 xu; finish open 600"},
		"what was over before it was asked for is none": {begin(noArrival).move(5, triaged, "ann").move(30, inProgress, "xu").asks(20, 10, 240),
			"respond met 20/5 ann; finish open 240"},
		"what is asked for now and not done runs": {begin(noArrival).move(5, triaged, "ann").asks(20, 60, 240), "respond met 20/5 ann; arrive open 60; finish open 240"},
		"a visit that was not asked for of an earlier round": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").move(60, done, "xu").
			move(61, reviewing, "").move(70, closed, "bo").move(100, triaged, resident, "next").visits(3).move(101, dispatched, "ann"),
			"respond met 20/5 ann; arrive met 120/30 xu; finish met 240/60 xu; review met 121/70 bo; 2:respond met 120/101 ann; 2:arrive open 220; 2:finish open 340"},
		"a visit of an earlier round that is not asked for now": {begin().move(5, triaged, "ann").move(30, inProgress, "xu").move(60, done, "xu").
			move(61, reviewing, "").move(70, closed, "bo").visits(3).move(100, triaged, resident, "next").visits(0),
			"respond met 20/5 ann; arrive met 120/30 xu; finish met 240/60 xu; review met 121/70 bo; follow_up void 4390 bo; 2:respond open 120; 2:arrive open 220; 2:finish open 340"},
		"missed and noticed, and not by the new time": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").look(300).asks(20, 120, 600),
			"respond met 20/5 ann; arrive met 120/30 xu; finish open 600 told@300"},
		"done by the new time": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").look(300).asks(20, 120, 600).again().move(500, done, "xu"),
			"respond met 20/5 ann; arrive met 120/30 xu; finish met 600/500 xu told@300"},
		"done by the new time, as some clock says": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").look(300).asks(20, 120, 600).again().
			move(500, done, "xu", "x"), "respond met 20/5 ann; arrive met 120/30 xu; finish met 600/500 xu told@300"},
		"missed by the new time": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").look(300).asks(20, 120, 600).again().move(700, done, "xu"),
			"respond met 20/5 ann; arrive met 120/30 xu; finish breached 600/700 xu told@300"},
		"done in time without signal, by the old time": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").look(300).move(200, done, "xu").asks(20, 120, 600),
			"respond met 20/5 ann; arrive met 120/30 xu; finish met_late_sync 240/200 xu told@300 false_alarm"},
		"cancelled": {begin(noVisit).move(5, triaged, "ann").move(30, inProgress, "xu").look(300).asks(20, 120, 600).again().move(400, cancelled, "ann"),
			"respond met 20/5 ann; arrive met 120/30 xu; finish void 600 told@300"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				if got := c.is.told(); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

// again computes once more, as each act does.
func (s story) again() story { s.told(); return s }

// TestAnew: of breaches by a time that a step is not given any more, those that are none by the new time are told, and those that are stay.
func TestAnew(t *testing.T) {
	s := begin().move(5, triaged, "ann").move(30, inProgress, "xu").look(300)
	was := s.Deadlines
	after := s.asks(20, 120, 600).again().Deadlines
	all, anew := deadline.Anew(was, after, at(310))
	if len(anew) != 1 || anew[0].GetStep() != finish || deadline.Find(all, finish, 1).GetState() != roundsv1.DeadlineState_DEADLINE_STATE_OPEN ||
		len(deadline.Corrected(was, after)) != 0 {
		t.Errorf("%v %v", all, anew)
	}
	s.Deadlines = was
	all, anew = deadline.Anew(was, after, at(700))
	d := deadline.Find(all, finish, 1)
	if len(anew) != 0 || d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_BREACHED || d.GetBreachedUs() != at(600) || deadline.Waits(d) {
		t.Errorf("%v %v", all, anew)
	}
	s.Deadlines = all
	if s.told(); deadline.Find(s.Deadlines, finish, 1).GetState() != roundsv1.DeadlineState_DEADLINE_STATE_BREACHED {
		t.Errorf("%v", s.Deadlines)
	}
	if deadline.Find(after, finish, 1).GetState() != roundsv1.DeadlineState_DEADLINE_STATE_OPEN {
		t.Error("what was given was changed")
	}
}
