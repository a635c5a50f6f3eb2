package review

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/term"
)

// mostDetailed is how many elements of a field a sentence names.
const mostDetailed = 3

// details says which items, checkpoints and deadlines a sentence is about.
type details struct {
	names map[string]*roundsv1.Text
	list  *roundsv1.Checklist // what the record's items are called by; nil where nobody knows
	site  policy.Policy       // what its reasons are called by
}

// of are the details of what was written, by the names of the fields. Replaced is what stood there before, as far as that is known.
func (d details) of(written, replaced *roundsv1.Record) map[string]inBoth {
	t, i := written.GetTicket(), written.GetInspection()
	all := map[string]inBoth{
		"answers":   d.answers(firstOf(t.GetAnswers(), i.GetAnswers())),
		"scans":     d.scans(t.GetScans()),
		"visits":    d.scans(i.GetVisits()),
		"readings":  d.readings(slices.Concat(t.GetReadings(), i.GetReadings())),
		"deadlines": d.deadlines(t.GetDeadlines(), replaced.GetTicket().GetDeadlines()),
		"flags":     marks(slices.Concat(t.GetFlags(), i.GetFlags())),
	}
	if level := t.GetEscalationLevel(); level > 0 {
		number := strconv.FormatUint(uint64(level), 10)
		all["escalation_level"] = inBoth{number + "级", "now " + number}
	}
	return all
}

func firstOf(all ...map[string]*roundsv1.Answer) map[string]*roundsv1.Answer {
	for _, one := range all {
		if len(one) > 0 {
			return one
		}
	}
	return nil
}

// few are the words of the first elements.
func few[T any](all []T, words func(T) inBoth) inBoth {
	var zh, en []string
	for _, one := range all[:min(len(all), mostDetailed)] {
		w := words(one)
		zh, en = append(zh, w.zh), append(en, w.en)
	}
	if len(all) > mostDetailed {
		zh, en = append(zh, "…"), append(en, "…")
	}
	return inBoth{strings.Join(zh, "、"), strings.Join(en, ", ")}
}

// marks are the words of those flags that have some.
func marks(flags []string) inBoth {
	return few(slices.DeleteFunc(slices.Clone(flags), func(flag string) bool { return term.Flag(flag) == nil }), func(flag string) inBoth {
		return inBoth{term.Flag(flag).GetZh(), term.Flag(flag).GetEn()}
	})
}

// answers says which items were answered, and how.
func (d details) answers(all map[string]*roundsv1.Answer) inBoth {
	return few(slices.Sorted(maps.Keys(all)), func(key string) inBoth {
		a, what := all[key], d.item(key)
		verdict := answerWords(a.GetResult())
		if a.Reading != nil {
			value := strings.TrimSpace(strconv.FormatFloat(a.GetReading(), 'g', -1, 64) + " " + d.unit(key))
			if verdict != (inBoth{}) {
				value = " " + value
			}
			verdict = inBoth{verdict.zh + value, verdict.en + value}
		}
		if verdict != (inBoth{}) {
			what = inBoth{what.zh + "：" + verdict.zh, what.en + ": " + verdict.en}
		}
		return what
	})
}

// item is what a key of the answers is called: the question, at its checkpoint where it has one.
func (d details) item(key string) inBoth {
	place, code := splitKey(key)
	what := inBoth{"「" + code + "」", "“" + code + "”"}
	if q, known := d.asked(key); known {
		text := q.Item.GetQuestion()
		if zh, en := either(text.GetZh(), text.GetEn()), either(text.GetEn(), text.GetZh()); zh != "" {
			what = inBoth{"「" + zh + "」", "“" + en + "”"}
		}
	}
	if place != "" {
		at := d.place(place)
		what = inBoth{at.zh + what.zh, what.en + " at " + at.en}
	}
	return what
}

func (d details) asked(key string) (checklist.Question, bool) {
	place, _ := splitKey(key)
	return checklist.Find(d.list, []string{place}, key)
}

func (d details) unit(key string) string {
	q, _ := d.asked(key)
	return q.Item.GetUnit()
}

// splitKey parts the checkpoint of a key of the answers from its item; "" where the item is asked once.
func splitKey(key string) (place, item string) {
	if before, after, at := strings.Cut(key, "/"); at {
		if _, is := parseUID(before); is {
			return before, after
		}
	}
	return "", key
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// scans says where tags were scanned.
func (d details) scans(all []*roundsv1.Scan) inBoth {
	all = slices.DeleteFunc(slices.Clone(all), func(s *roundsv1.Scan) bool { return s.GetCheckpointId() == "" })
	return few(all, func(s *roundsv1.Scan) inBoth { return d.place(s.GetCheckpointId()) })
}

// place is what a place is called, in the other language where it has a name in that alone.
func (d details) place(id string) inBoth {
	is := called(id, d.names)
	return inBoth{either(is.zh, is.en), either(is.en, is.zh)}
}

func (d details) readings(all []*roundsv1.Reading) inBoth {
	return few(all, func(r *roundsv1.Reading) inBoth {
		text := strings.TrimSpace(strings.Join([]string{r.GetQuantity(), strconv.FormatFloat(r.GetValue(), 'g', -1, 64), r.GetUnit()}, " "))
		return inBoth{text, text}
	})
}

// deadlines says which deadlines are new or stand differently than before: those that were missed, that are disputed, or whose clock was stopped say so.
func (d details) deadlines(now, before []*roundsv1.Deadline) inBoth {
	var changed []*roundsv1.Deadline
	for _, one := range now {
		was := slices.IndexFunc(before, func(b *roundsv1.Deadline) bool { return b.GetStep() == one.GetStep() && b.GetRound() == one.GetRound() })
		if was < 0 || before[was].GetState() != one.GetState() || before[was].GetDueUs() != one.GetDueUs() || before[was].GetDoneUs() != one.GetDoneUs() {
			changed = append(changed, one)
		}
	}
	ended := slices.DeleteFunc(slices.Clone(changed), func(one *roundsv1.Deadline) bool { return deadlineWords(one) == inBoth{} })
	if len(before) == 0 && len(ended) > 0 {
		changed = ended // the rules wrote them first, of which the journal says nothing: those that still run are perhaps as they were
	}
	return few(changed, func(one *roundsv1.Deadline) inBoth {
		step, state := stepWords(one.GetStep()), deadlineWords(one)
		if state == (inBoth{}) {
			return step
		}
		return inBoth{step.zh + "：" + state.zh, step.en + ": " + state.en}
	})
}

// stepWords name a step that has a deadline.
func stepWords(step roundsv1.Step) inBoth {
	words := []inBoth{{"步骤", "a step"}, {"响应", "response"}, {"到场", "arrival"}, {"完工", "finish"}, {"确认", "review"}, {"回访", "follow-up"}}
	if int(step) < len(words) && step > 0 {
		return words[step]
	}
	return words[0]
}

// deadlineWords say what became of a deadline; of one that runs nothing.
func deadlineWords(d *roundsv1.Deadline) inBoth {
	switch d.GetState() {
	case roundsv1.DeadlineState_DEADLINE_STATE_BREACHED:
		if d.GetDoneUs() != 0 {
			return inBoth{"超时完成", "done late"}
		}
		return inBoth{"超时", "missed"}
	case roundsv1.DeadlineState_DEADLINE_STATE_MET:
		return inBoth{"按时", "met"}
	case roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC:
		return inBoth{"按时，消息晚到", "met, heard of late"}
	case roundsv1.DeadlineState_DEADLINE_STATE_VOID:
		return inBoth{"不再计时", "void"}
	case roundsv1.DeadlineState_DEADLINE_STATE_STOPPED:
		return inBoth{"停表", "clock stopped"}
	case roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED:
		return inBoth{"时间有争议", "time disputed"}
	}
	return inBoth{}
}

// answerWords name a verdict; nothing where there is none.
func answerWords(r roundsv1.AnswerResult) inBoth {
	switch r {
	case roundsv1.AnswerResult_ANSWER_RESULT_PASS:
		return inBoth{"合格", "pass"}
	case roundsv1.AnswerResult_ANSWER_RESULT_FAIL:
		return inBoth{"不合格", "fail"}
	case roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED:
		return inBoth{"跳过", "skipped"}
	case roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE:
		return inBoth{"不适用", "does not apply"}
	}
	return inBoth{}
}

// places are the ids of checkpoints that the sentence about what was written names.
func placesIn(written *roundsv1.Record) (ids []string) {
	for key := range firstOf(written.GetTicket().GetAnswers(), written.GetInspection().GetAnswers()) {
		place, _ := splitKey(key)
		ids = append(ids, place)
	}
	for _, scan := range slices.Concat(written.GetTicket().GetScans(), written.GetInspection().GetVisits()) {
		ids = append(ids, scan.GetCheckpointId())
	}
	return ids
}

// listOf is the checklist that a record is answered with; nil where it has none, or nobody knows it.
func (d *desk) listOf(scope int, r *roundsv1.Record) *roundsv1.Checklist {
	series, version := r.GetInspection().GetChecklistId(), r.GetInspection().GetChecklistVersion()
	if need := r.GetTicket().GetRequirements(); need != nil {
		series, version = need.GetChecklistId(), need.GetChecklistVersion()
	}
	if series == "" || d.cfg.Checklist == nil {
		return nil
	}
	return d.cfg.Checklist(d.scopes[scope], series, version)
}
