package demo

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/journal"
)

// Answers is how soon somebody answered what was reported from one origin, at places of one class of signal.
type Answers struct {
	// Origin of the tickets, as in Day.Tickets; Signal is none, weak or ok: what a phone receives where it was; unknown: no place was named.
	Origin string `json:"origin"`
	Signal string `json:"signal"`
	// Tickets that were answered, and those of them within 20 minutes of the report.
	Tickets int `json:"tickets"`
	InTime  int `json:"in_time"`
	// Unheard took the larger part of the time to reach the server, since their phone had no signal; Waiting waited longer there, in quarantine or not, for an answer.
	Unheard int `json:"late_reached_the_server_late"`
	Waiting int `json:"late_waited_for_an_answer"`
}

// LateAnswer is a ticket that nobody answered within 20 minutes of the report, and why.
type LateAnswer struct {
	Ticket string `json:"ticket"`
	Origin string `json:"origin"`
	Signal string `json:"signal"`
	Place  string `json:"place"`
	// Minutes from the report until the server had it, until it let it in, which is the same unless somebody had to decide that, and until a person answered.
	ReachedMin  float64 `json:"reached_the_server_min"`
	AdmittedMin float64 `json:"let_in_min"`
	AnsweredMin float64 `json:"answered_min"`

	placeZh string
}

// answer is the first answer to a ticket.
type answer struct {
	ticket, origin, place  string
	reportedUs, answeredUs int64
}

func (a answer) took() time.Duration {
	return time.Duration(a.answeredUs-a.reportedUs) * time.Microsecond
}

func (a answer) late() bool { return a.took() > responseTime }

func (a answer) until(us int64) float64 { return float64(us-a.reportedUs) / 60e6 }

// arrival is when the server had a ticket first, when the ticket came to be, and at which place, which may have been corrected since.
type arrival struct {
	reachedUs, madeUs int64
	place             string
}

// arrivals are those of all tickets, by their ids, as the journals have them.
func arrivals(scopes []promises.Scope) map[string]arrival {
	all := map[string]arrival{}
	walked := map[string]*roundsv1.Inspection{}
	for _, s := range scopes {
		for _, change := range s.Records {
			if i := change.GetRecord().GetInspection(); i != nil {
				walked[change.GetRecordId()] = i
			}
		}
		for _, encoded := range s.Journal {
			head, content, _, err := journal.Open(encoded)
			if err != nil || head.GetRecord().GetKind() != "ticket" {
				continue
			}
			id := head.GetRecord().GetId()
			one, known := all[id]
			if !known {
				one.reachedUs = head.GetTakenUs()
				if m := new(roundsv1.Mutation); proto.Unmarshal(content, m) == nil {
					one.place = m.GetEdit().GetRecord().GetTicket().GetLocation().GetPlaceId()
				}
			}
			stands := act{EntryHead: head}.stands() || head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DERIVED
			if one.madeUs == 0 && stands {
				one.madeUs = head.GetTakenUs()
			}
			all[id] = one
		}
		for _, change := range s.Records {
			one, known := all[change.GetRecordId()]
			if from := change.GetRecord().GetTicket().GetOrigin(); known && from != nil && one.place == "" { // an item of a round is answered where that ends
				route := walked[from.GetInspectionId()].GetCheckpointIds()
				if one.place = from.GetCheckpointId(); one.place == "" && len(route) > 0 {
					one.place = route[len(route)-1]
				}
				all[change.GetRecordId()] = one
			}
		}
	}
	return all
}

// explainAnswers says by origin and signal what was answered in time, and of each ticket that was not, why.
func (d *Day) explainAnswers(places []community.Place, came map[string]arrival) {
	groups := map[[2]string]*Answers{}
	for _, a := range d.answers {
		at := came[a.ticket]
		signal, name, reported := "unknown", &roundsv1.Text{}, cmp.Or(at.place, a.place)
		if i := slices.IndexFunc(places, func(p community.Place) bool { return p.ID == reported }); i >= 0 {
			signal = stateName(places[i].GetSignal().String(), "SIGNAL_")
			name = places[i].GetName()
		}
		g := groups[[2]string{a.origin, signal}]
		if g == nil {
			g = &Answers{Origin: a.origin, Signal: signal}
			groups[[2]string{a.origin, signal}] = g
		}
		g.Tickets++
		if !a.late() {
			g.InTime++
			continue
		}
		late := LateAnswer{Ticket: a.ticket, Origin: a.origin, Signal: signal, Place: name.GetEn(), placeZh: name.GetZh(),
			ReachedMin: a.until(at.reachedUs), AdmittedMin: a.until(at.madeUs), AnsweredMin: a.until(a.answeredUs)}
		if late.ReachedMin > late.AnsweredMin-late.ReachedMin {
			g.Unheard++
		} else {
			g.Waiting++
		}
		d.Late = append(d.Late, late)
	}
	for _, g := range groups {
		d.Answers = append(d.Answers, *g)
	}
	slices.SortFunc(d.Answers, func(a, b Answers) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Signal, b.Signal))
	})
	slices.SortFunc(d.Late, func(a, b LateAnswer) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.AnsweredMin, b.AnsweredMin), cmp.Compare(a.Ticket, b.Ticket))
	})
}

// why is what made an answer late, in words.
func (l LateAnswer) why(p paper) string {
	if l.AnsweredMin <= l.ReachedMin { // a task of a ticket: the time of the report is the ticket's
		return fmt.Sprintf(p.in("made %.0f min after its ticket was reported|所属工单报事 %.0f 分钟后拆分"), l.AnsweredMin)
	}
	words := fmt.Sprintf(p.in("reached the server after %.0f min|%.0f 分钟后到达服务器"), l.ReachedMin)
	last := l.ReachedMin
	if l.AdmittedMin > l.ReachedMin+1 {
		words += fmt.Sprintf(p.in(", was let in by a leader %.0f min later|，又过 %.0f 分钟由主管采纳"), l.AdmittedMin-l.ReachedMin)
		last = l.AdmittedMin
	}
	return words + fmt.Sprintf(p.in(", answered %.0f min after that|，再过 %.0f 分钟响应"), max(0, l.AnsweredMin-last))
}
