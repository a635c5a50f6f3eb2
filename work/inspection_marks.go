package work

import "slices"

// flagInspection marks the round and the outcome. A round that is full of marks stays as it is: the outcome tells all the same.
func (j *judgement) flagInspection(name string) {
	j.verdict.Flags = append(j.verdict.Flags, name)
	if flags := j.walkFlags(); len(flags) < maxFlags && !slices.Contains(flags, name) {
		j.editInspection(inspectionFlags).Flags = append(flags, name)
	}
}

// unflagInspection takes a mark off the round.
func (j *judgement) unflagInspection(name string) {
	if flags := j.walkFlags(); slices.Contains(flags, name) {
		j.editInspection(inspectionFlags).Flags = without(flags, name)
	}
}

// walkFlags are the round's marks as drafted so far; the slice may be changed.
func (j *judgement) walkFlags() []string {
	if j.draft.has(inspectionFlags) {
		return slices.Clone(j.draft.inspection.GetFlags())
	}
	return slices.Clone(j.inspection().GetFlags())
}

// without is a list without one of its words; what is given is not changed.
func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}
