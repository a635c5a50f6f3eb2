package work

import (
	"cmp"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
	"github.com/rounds-sync/rounds/work/tag"
)

// Marks of a visit, as Visit.flags has them.
const (
	visitOutOfOrder = "out_of_order"
	visitTooSoon    = "too_soon"
	visitTooLate    = "too_late"
	visitTooEarly   = flagTooEarly
	visitFalseTag   = "false_tag"
	visitTagBroken  = "tag_broken"
	visitOtherTag   = "other_tag"
)

// maxVisits and maxConfirmed are the schema's bounds of what counts of the scans.
const (
	maxVisits    = 1024
	maxConfirmed = 64
)

// arrived is a scan as it came in.
type arrived struct {
	id, checkpoint, person string
	timeUs                 int64
	round                  uint32
	// mark of its tag: "" where it is the checkpoint's.
	mark string
}

// proves: whether a scan shows that somebody was at the checkpoint. One with a false tag, or with another checkpoint's, does not; one without, because the tag
// is broken, is taken at the person's word.
func proves(mark string) bool { return mark != visitFalseTag && mark != visitOtherTag }

// officialVisits is what counts of all scans: those that counted so far, with some that have come in. Of the scans of a checkpoint in a round the earliest that
// proves the visit is official, and who made the others confirms it; where none proves it, the earliest of all. What comes out does not depend on the order in
// which scans arrive, but for more people than the schema has room for. Visits before a moment, microseconds since 1970, are too early. No argument is changed.
func officialVisits(counted []*roundsv1.Visit, scans []arrived, i *roundsv1.Inspection, fromUS int64) []*roundsv1.Visit {
	all := make([]*roundsv1.Visit, 0, len(counted)+len(scans))
	for _, v := range counted {
		all = append(all, &roundsv1.Visit{CheckpointId: v.GetCheckpointId(), ScanId: v.GetScanId(), PersonId: v.GetPersonId(), TimeUs: v.GetTimeUs(),
			ConfirmedByIds: slices.Clone(v.GetConfirmedByIds()), Flags: tagMarks(v), Round: v.GetRound()})
	}
	for _, s := range scans {
		at := slices.IndexFunc(all, func(v *roundsv1.Visit) bool { return v.GetCheckpointId() == s.checkpoint && v.GetRound() == s.round })
		if at >= 0 {
			count(all[at], s)
			continue
		}
		if len(all) < maxVisits {
			v := &roundsv1.Visit{CheckpointId: s.checkpoint, Round: s.round}
			official(v, s)
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b *roundsv1.Visit) int {
		return cmp.Or(cmp.Compare(a.GetRound(), b.GetRound()), cmp.Compare(a.GetTimeUs(), b.GetTimeUs()), cmp.Compare(a.GetScanId(), b.GetScanId()))
	})
	markRoute(all, i, fromUS)
	return all
}

// count adds a scan to what is known of its checkpoint.
func count(v *roundsv1.Visit, s arrived) {
	old := arrived{id: v.GetScanId(), person: v.GetPersonId(), timeUs: v.GetTimeUs()}
	if len(v.GetFlags()) > 0 {
		old.mark = v.GetFlags()[0]
	}
	if s.id == old.id {
		return
	}
	other := old
	if proves(s.mark) != proves(old.mark) {
		if !proves(s.mark) {
			other = s
		}
	} else if cmp.Or(cmp.Compare(s.timeUs, old.timeUs), cmp.Compare(s.id, old.id)) > 0 {
		other = s
	}
	if other.id == old.id {
		official(v, s)
	}
	people := v.GetConfirmedByIds()
	if proves(other.mark) && other.person != "" {
		people = append(people, other.person)
	}
	slices.Sort(people)
	people = slices.DeleteFunc(slices.Compact(people), func(id string) bool { return id == v.GetPersonId() })
	v.ConfirmedByIds = people[:min(len(people), maxConfirmed)]
}

// official makes a scan the one that counts.
func official(v *roundsv1.Visit, s arrived) {
	v.ScanId, v.PersonId, v.TimeUs, v.Flags = s.id, s.person, s.timeUs, nil
	if s.mark != "" {
		v.Flags = []string{s.mark}
	}
}

// tagMarks are the marks of a visit that its own scan says; those of the route are reckoned anew.
func tagMarks(v *roundsv1.Visit) []string {
	for _, f := range v.GetFlags() {
		switch f {
		case visitFalseTag, visitTagBroken, visitOtherTag:
			return []string{f}
		}
	}
	return nil
}

// markRoute marks visits against the route: out of order is one of a checkpoint that comes before another that was visited earlier; too soon and too late are
// measured from the visit before, too early from the window. They are ordered by round and time.
func markRoute(all []*roundsv1.Visit, i *roundsv1.Inspection, fromUS int64) {
	furthest := -1
	for n, v := range all {
		first := n == 0 || all[n-1].GetRound() != v.GetRound()
		if first {
			furthest = -1
		}
		at := slices.Index(i.GetCheckpointIds(), v.GetCheckpointId())
		if i.GetRoute().GetOrdered() && at >= 0 && at < furthest {
			v.Flags = append(v.Flags, visitOutOfOrder)
		}
		furthest = max(furthest, at)
		if v.GetTimeUs() < fromUS {
			v.Flags = append(v.Flags, visitTooEarly)
		}
		if first {
			continue
		}
		gap := v.GetTimeUs() - all[n-1].GetTimeUs()
		if least := i.GetRoute().GetMinGapUs(); least > 0 && gap < least {
			v.Flags = append(v.Flags, visitTooSoon)
		}
		if most := i.GetRoute().GetMaxGapUs(); most > 0 && gap > most {
			v.Flags = append(v.Flags, visitTooLate)
		}
	}
}

// countVisits is row 29: it reckons anew what counts of the scans, with those that the mutation brings.
func (j *judgement) countVisits() {
	i := j.inspection()
	if j.foresees {
		return // tags are known to the server alone
	}
	var scans []arrived
	early := false
	for _, scan := range j.written().GetInspection().GetVisits() {
		if scan.GetId() == "" || slices.ContainsFunc(i.GetVisits(), func(s *roundsv1.Scan) bool { return s.GetId() == scan.GetId() }) {
			continue
		}
		checkpoint, mark := j.checkTag(scan.GetPayload(), scan.GetCheckpointId())
		if mark == visitFalseTag {
			j.verdict.Flags = append(j.verdict.Flags, visitFalseTag)
		}
		if checkpoint == "" {
			continue
		}
		at := j.moment(scan.GetScanned())
		early = early || j.tooEarly(at)
		scans = append(scans, arrived{id: scan.GetId(), checkpoint: checkpoint, person: string(j.Person), timeUs: at, round: j.roundOfTime(at), mark: mark})
	}
	if len(scans) > 0 {
		before := tagged(i.GetOfficialVisits())
		after := officialVisits(i.GetOfficialVisits(), scans, j.route(), j.walkableFrom())
		j.editInspection(inspectionVisits).OfficialVisits = after
		for _, checkpoint := range sortedKeys(tagged(after)) {
			if !before[checkpoint] {
				j.placeFound(checkpoint)
			}
		}
	}
	if early {
		j.flagInspection(flagTooEarly)
	}
}

// tagged are the checkpoints at which somebody was by the tag there.
func tagged(visits []*roundsv1.Visit) map[string]bool {
	at := map[string]bool{}
	for _, v := range visits {
		if len(tagMarks(v)) == 0 {
			at[v.GetCheckpointId()] = true
		}
	}
	return at
}

// placeFound says of the tickets that the round made of failures at a checkpoint that the place is known by its tag, as it would have said had the scan come before the
// answer. What somebody said of the place of one stands.
func (j *judgement) placeFound(checkpoint string) {
	for _, item := range j.checklistOf(j.route()).GetItems() {
		if j.inspection().GetAnswers()[checklist.Key(checkpoint, item.GetId())] == nil {
			continue
		}
		for _, id := range []string{j.derivedFailure(checkpoint, item.GetId(), 1), j.derivedFailure(checkpoint, item.GetId(), j.inspection().GetRound())} {
			change := j.lookup(kindTicket, id)
			at := change.GetRecord().GetTicket().GetLocation()
			if at.GetPlaceId() != checkpoint || at.GetSource() != roundsv1.LocationSource_LOCATION_SOURCE_TYPED || writer(change, ticketLocation).GetPersonId() != "" || hasSiblings(change, ticketLocation) {
				continue
			}
			if t := j.beside(change); t != nil {
				t.editTicket(ticketLocation).Location = &roundsv1.Location{PlaceId: checkpoint, Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
			}
		}
	}
}

// route is the round as it is or, where this act makes it, as it will be.
func (j *judgement) route() *roundsv1.Inspection {
	if j.Current == nil {
		return j.written().GetInspection()
	}
	return j.inspection()
}

// checkTag tells which checkpoint a scan is for, and what mark its tag earns. Where the site's keys are not known nothing is verified. A tag that is not of ours
// (of an older system, say) is taken where the directory has it for the place.
func (j *judgement) checkTag(payload, checkpoint string) (at, mark string) {
	if payload == "" {
		return checkpoint, visitTagBroken
	}
	keys := j.rules.tags.TagKeys(j.Scope)
	if len(keys) == 0 {
		return checkpoint, ""
	}
	said, err := tag.Read(payload, keys)
	switch {
	case err != nil:
		if !tag.Ours(payload) && checkpoint != "" && j.lookup(kindPlace, checkpoint).GetRecord().GetPlace().GetTag() == payload {
			return checkpoint, ""
		}
		return checkpoint, visitFalseTag
	case checkpoint == "":
		return said.Place, ""
	case said.Place != checkpoint:
		return checkpoint, visitOtherTag
	}
	return checkpoint, ""
}

// moment is the effective time of something that the device's clocks showed when it happened, microseconds since 1970. Only what happened within the boot of the
// mutation, and before it, can be placed better than the mutation itself.
func (j *judgement) moment(c *roundsv1.Clock) int64 {
	made := j.Mutation.GetClock()
	ago := made.GetMonotonicUs() - c.GetMonotonicUs()
	if c == nil || c.GetBootId() == "" || c.GetBootId() != made.GetBootId() || ago < 0 || ago > made.GetMonotonicUs() {
		return j.Time.UnixMicro()
	}
	return j.Time.UnixMicro() - ago
}

// roundOfTime is the round that a moment belongs to: each return begins the next.
func (j *judgement) roundOfTime(us int64) uint32 {
	round := uint32(1)
	for _, review := range j.inspection().GetReviews() {
		if review.GetVerdict() == roundsv1.Verdict_VERDICT_REJECTED && review.GetTimeUs() <= us {
			round = max(round, review.GetRound()+1)
		}
	}
	return round
}
