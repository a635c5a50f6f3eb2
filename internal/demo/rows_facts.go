package demo

import (
	"encoding/hex"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// roundTrack is what a journal said of one inspection round so far.
type roundTrack struct {
	answers  map[string][]answered // by item
	visits   map[string][]seen     // by checkpoint
	underOld uint64                // the first answer under a version that was no longer the newest; 0: none
}

// answered is what somebody said of an item.
type answered struct {
	seen
	result roundsv1.AnswerResult
}

// inspection follows the facts of a round, and whether it came after its window.
func (c *chronicle) inspection(a act) {
	r := c.rounds[a.record]
	if r == nil {
		r = &roundTrack{answers: map[string][]answered{}, visits: map[string][]seen{}}
		c.rounds[a.record] = r
	}
	if a.GetCommand() != nil && a.stands() && a.flagged("late_sync") {
		c.note(30, a)
	}
	said := a.GetFact().GetRecord().GetInspection()
	if said == nil || !a.stands() {
		return
	}
	is := c.records[a.record].GetInspection()
	for item, answer := range said.GetAnswers() {
		differs := func(o answered) bool { return o.result != answer.GetResult() && a.unseen(o.seen) }
		if slices.ContainsFunc(r.answers[item], differs) {
			c.note(27, a)
		}
		r.answers[item] = append(r.answers[item], answered{a.seen, answer.GetResult()})
		if r.underOld == 0 && c.published > 0 && a.takenUs > c.published && is.GetChecklistVersion() < c.newest[is.GetChecklistId()] {
			r.underOld = a.seq
		}
	}
	for _, scan := range said.GetVisits() {
		at := scan.GetCheckpointId()
		if slices.ContainsFunc(r.visits[at], func(s seen) bool { return s.person != a.person && a.unseen(s) }) && confirmed(is, at) {
			c.note(29, a)
		}
		r.visits[at] = append(r.visits[at], a.seen)
	}
}

// confirmed: whether one visit of a checkpoint is the official one, and somebody else's confirms it.
func confirmed(i *roundsv1.Inspection, checkpoint string) bool {
	return slices.ContainsFunc(i.GetOfficialVisits(), func(v *roundsv1.Visit) bool {
		return v.GetCheckpointId() == checkpoint && v.GetPersonId() != "" && len(v.GetConfirmedByIds()) > 0
	})
}

// photoTrack is the subject of a photo.
type photoTrack struct {
	subject, hash string
}

// hiddenField is Photo.hidden.
const hiddenField = 16

// photo follows photos: of earlier rounds, of bytes that were there before, hidden, and drawn upon.
func (c *chronicle) photo(a act) {
	if !a.stands() {
		return
	}
	if edit := a.GetEdit(); edit != nil && slices.Contains(edit.GetFields(), hiddenField) && edit.GetRecord().GetPhoto().GetHidden() != nil {
		c.hidden[a.record] = a.seen
	}
	p := a.GetFact().GetRecord().GetPhoto()
	if p == nil || p.GetSubject() == nil {
		return
	}
	about, hash := p.GetSubject().GetId(), hex.EncodeToString(p.GetSha256())
	if _, known := c.photos[a.record]; known {
		return
	}
	c.photos[a.record] = photoTrack{about, hash}
	if t := c.tickets[about]; t != nil && p.GetSubject().GetKind() == "ticket" {
		if p.GetRound() < t.round && t.sentBack.seq > 0 && a.timeUs < t.sentBack.takenUs && !c.counts(a.record, t.round) {
			c.noteAt(8, about, a.seq)
		}
	}
	if first, known := c.bytes[hash]; !known {
		c.bytes[hash] = a.record
	} else if c.photos[first].subject != about && (p.GetShared() || reused(c.records[a.record].GetPhoto()) || reused(c.records[first].GetPhoto())) {
		c.noteAt(26, about, a.seq)
	}
	if gone, ok := c.hidden[string(p.GetAnnotationOfId())]; ok {
		c.onHidden(a, p.GetAnnotationOfId(), gone)
	}
}

// counts: whether a photo proves a round.
func (c *chronicle) counts(photo string, round uint32) bool {
	return slices.Contains(c.tickets[c.photos[photo].subject].manifests[round], photo)
}

// reused: whether the checks found that a photo's bytes were another's.
func reused(p *roundsv1.Photo) bool {
	return slices.ContainsFunc(p.GetReport().GetFindings(), func(f *roundsv1.Finding) bool { return f.GetCode() == reusedCode })
}

func (c *chronicle) comment(a act) {
	about := a.GetFact().GetRecord().GetComment().GetSubject()
	if gone, ok := c.hidden[about.GetId()]; ok && a.stands() && about.GetKind() == "photo" {
		c.onHidden(a, about.GetId(), gone)
	}
}

// onHidden: something was said of a photo, or drawn upon it, before its author could know that it is hidden; it is kept, and the photo stays out of sight.
func (c *chronicle) onHidden(a act, photo string, gone seen) {
	if a.device != gone.device && a.timeUs < gone.takenUs && c.records[photo].GetPhoto().GetHidden() != nil && c.records[a.record] != nil {
		c.noteAt(25, photo, a.seq)
	}
}

// spend follows a counter.
func (c *chronicle) spend(a act, counter string) {
	name := a.record + " " + counter
	if slices.ContainsFunc(c.spent[name], a.unseen) {
		c.note(28, a)
	}
	c.spent[name] = append(c.spent[name], a.seen)
}
