package work_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// day is what four people did of a find and of a round while none of them had a signal: each lane in its order, all at the same moments in every run.
type day struct {
	*site
	lanes []*phone
	chief *phone
}

func newDay(t *testing.T) *day {
	s := newSiteOf(t, work.Config{Reference: newDesk(7), Tags: library{7}})
	f, x, y, r := s.phone("F", foreman), s.phone("X", worker), s.phone("Y", worker), s.phone("R", butler)
	find, walked := uid("find"), uid("round")
	failed := work.FailureTicketID(merge.RecordID(walked), gate, "gutter")
	place := &roundsv1.Location{PlaceId: gate, Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
	onTicket := func(t *roundsv1.Ticket) *roundsv1.Fact { return &roundsv1.Fact{Record: ticketRecord(t)} }
	onRound := func(i *roundsv1.Inspection) *roundsv1.Fact { return &roundsv1.Fact{Record: round(i)} }
	remark := func(kind, id string) *roundsv1.Fact {
		return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: kind, Id: id}, Words: "wet"}}}}
	}
	by := func(person string) func(*roundsv1.Photo) { return func(p *roundsv1.Photo) { p.PersonId = uid(person) } }

	x.do(uid("before"), shot(find, 1, asBefore))
	x.do(find, labour("Z"))
	x.do(uid("after"), shot(find, 1, by("V")))
	f.do(find, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "a lamp is out", Channel: roundsv1.Channel_CHANNEL_PATROL, CategoryId: "pump", Location: place})})
	y.do(uid("item"), itemShot(walked, by("W")))
	y.do(walked, onRound(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{gate + "/gutter": answer(fail, "full", uid("item"), uid("plain"))}}))
	y.do(uid("before the failure"), shot(string(failed), 1, asBefore))
	r.do(uid("plain"), itemShot(walked, noRole))
	r.do(find, onTicket(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: uid("scan"), CheckpointId: gate}}}))
	x.do(find, onTicket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"gutter": answer(pass, "")}}))
	f.do(walked, &roundsv1.Edit{Record: round(&roundsv1.Inspection{ChecklistId: uid("list"), CheckpointIds: []string{gate, pit}, Route: &roundsv1.Route{Ordered: true}})})
	y.do(walked, onRound(&roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: uid("at the pit"), CheckpointId: pit, Payload: payload(pit)}}}))
	x.do(walked, onRound(&roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: uid("at the gate"), CheckpointId: gate, Payload: payload(gate)}}}))
	r.do(walked, onRound(&roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: uid("at the gate, too"), CheckpointId: gate, Payload: payload(gate)}},
		Labour: []*roundsv1.Labour{{Id: uid("walk"), PersonId: uid("U")}}}))
	x.do(walked, onRound(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"pressure": measured(-3)}}))
	r.do(walked, onRound(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"pressure": measured(3)}}))
	r.do(find, onTicket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"gutter": answer(fail, "burst", uid("after"))}}))
	y.do(find, onTicket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: uid("reading"), Value: 4}}}))
	y.do(uid("second before"), shot(find, 1, asBefore))
	x.do(string(failed), labour("X"))
	y.do(uid("remark"), remark("ticket", find))
	f.do(uid("another remark"), remark("inspection", walked))
	return &day{site: s, lanes: []*phone{f, x, y, r}, chief: s.phone("S", supervisor)}
}

// some sends the next few mutations of a lane.
func (p *phone) some(n int) {
	p.t.Helper()
	all := p.contents
	p.contents = all[:min(len(all), int(p.sent)+n)]
	p.sync()
	p.contents = all
}

// end is what stands of the work, with sets in order.
func (d *day) end() map[string]*roundsv1.Record {
	d.t.Helper()
	d.chief.sync()
	all := map[string]*roundsv1.Record{}
	for id, c := range d.chief.replica {
		record := proto.CloneOf(c.GetRecord())
		t, i := record.GetTicket(), record.GetInspection()
		for _, set := range [][]string{t.GetPerformerIds(), t.GetShownPhotoIds(), t.GetFlags(), i.GetPerformerIds(), i.GetShownPhotoIds(), i.GetFlags()} {
			slices.Sort(set)
		}
		if t != nil || i != nil || record.GetPhoto() != nil || record.GetComment() != nil {
			all[id] = record
		}
	}
	return all
}

// TestFactsInAnyOrder: what people recorded comes to the same whichever phone finds a signal first, and how much it sends with it: photos, scans, answers, readings,
// labour and remarks before what they belong to, and after.
func TestFactsInAnyOrder(t *testing.T) {
	whole := newDay(t)
	for _, p := range whole.lanes { // creations first
		p.sync()
	}
	want := whole.end()
	if ticket := want[uid("find")].GetTicket(); !ticket.GetBeforePhoto() || len(ticket.GetFlags()) != 0 || len(want) != 11 {
		t.Fatalf("%d records: %v", len(want), ticket)
	}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		d := newDay(t)
		for left := slices.Clone(d.lanes); len(left) > 0; {
			at := random.IntN(len(left))
			if left[at].some(1 + random.IntN(4)); left[at].sent == uint64(len(left[at].contents)) {
				left = slices.Delete(left, at, at+1)
			}
		}
		got := d.end()
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if !proto.Equal(got[id], want[id]) {
				t.Errorf("seed %d: %s\n got %v\nwant %v", seed, id, got[id], want[id])
			}
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: %d records, want %d", seed, len(got), len(want))
		}
		if t.Failed() {
			return
		}
	}
}
