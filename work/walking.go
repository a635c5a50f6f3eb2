package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// walkersIn are the people of whom an act on a round shows that they walked some of it: who acted, by what was sent as them, and who is named besides by a photo that
// an answer rests on. Labour names people, too: that stands in the record for good by itself.
func (j *judgement) walkersIn() (acted, byWord []string) {
	i := j.written().GetInspection()
	switch j.op {
	case Start, Submit:
		return named([]string{string(j.Person)}), nil
	}
	scanned := func(s *roundsv1.Scan) bool { at, _ := j.checkTag(s.GetPayload(), s.GetCheckpointId()); return at != "" }
	if len(i.GetAnswers()) > 0 || slices.ContainsFunc(i.GetVisits(), scanned) {
		acted = append(acted, string(j.Person))
	}
	for _, a := range i.GetAnswers() {
		for _, id := range a.GetPhotoIds() {
			photo := j.lookup(kindPhoto, id)
			acted = append(acted, writer(photo, photoSubject).GetPersonId())
			byWord = append(byWord, photo.GetRecord().GetPhoto().GetPersonId())
		}
	}
	return named(acted), named(byWord)
}

// noteWalkers keeps for good who walked some of the round: an answer that somebody replaces does not tell any more whose it was.
func (j *judgement) noteWalkers() {
	if j.foresees && j.Mutation.GetCommand() == nil {
		return // tags, and photos of others, are known to the server alone
	}
	acted, byWord := j.walkersIn()
	j.walkers(acted, byWord)
}

// walkers writes them, with the bounds that a ticket's performers have.
func (j *judgement) walkers(acted, byWord []string) {
	i := j.inspection()
	was := i.GetPerformerIds()
	if j.draft.has(inspectionPerformers) {
		was = j.draft.inspection.GetPerformerIds()
	}
	if all := withWalkers(i, was, acted, byWord); !slices.Equal(all, was) {
		j.editInspection(inspectionPerformers).PerformerIds = all
	}
}

// withWalkers are the performers of a round with some that were learnt of. Whoever acted gets in: where there is no room, one goes who is known by a submission or by
// labour too. Names that somebody else gave can be invented, and fill it by half. What is given is not changed.
func withWalkers(i *roundsv1.Inspection, was, acted, byWord []string) []string {
	all := slices.Clone(was)
	for _, id := range acted {
		if id == "" || slices.Contains(all, id) {
			continue
		}
		if len(all) >= maxPerformers {
			at := slices.IndexFunc(all, func(id string) bool { return submittedOrLaboured(i, id) })
			if at < 0 {
				break // full: nobody decides on it
			}
			all = slices.Delete(all, at, at+1)
		}
		all = append(all, id)
	}
	for _, id := range byWord {
		if id != "" && len(all) < maxByWord && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

func submittedOrLaboured(i *roundsv1.Inspection, person string) bool {
	return slices.ContainsFunc(i.GetLabour(), func(l *roundsv1.Labour) bool { return l.GetPersonId() == person }) ||
		slices.ContainsFunc(i.GetCompletions(), func(c *roundsv1.Completion) bool { return c.GetPersonId() == person })
}

// fullOfWalkers: whether somebody who walked some of the round may not be among its performers, because there was no room.
func fullOfWalkers(i *roundsv1.Inspection) bool { return len(i.GetPerformerIds()) >= maxPerformers }
