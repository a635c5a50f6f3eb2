package export

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

// answers writes the checklist: what is asked once, then what is asked at each checkpoint, in the order of the route and of the list; and behind it what the list does not name.
func (p *paper) answers(answers map[string]*roundsv1.Answer, field uint32, series string, version uint32, checkpoints []string) {
	list, stamps := p.checklist(p.s, series, version), stampsOf(p.change)
	var rows [][]string
	add := func(item, question string, a *roundsv1.Answer, stamp *roundsv1.Stamp, beside bool) {
		result, reading := p.lang.in(a.GetResult()), ""
		if beside {
			result += p.say("（并存）", " (beside)")
		}
		if a.Reading != nil {
			reading = strconv.FormatFloat(a.GetReading(), 'f', -1, 64)
		}
		rows = append(rows, []string{question, result, reading, a.GetNote(), p.person(stamp.GetPersonId()), p.when(stamp.GetTimeUs())})
	}
	named, order := map[string]string{}, []string{}
	p.items = named
	for _, asked := range checklist.Ask(list, checkpoints, answers) {
		named[asked.Key] = p.question(asked)
		order = append(order, asked.Key)
	}
	for _, item := range slices.Sorted(maps.Keys(answers)) {
		if named[item] == "" {
			named[item] = item
			if asked, ok := checklist.Find(list, checkpoints, item); ok { // by its own id, and at a checkpoint too
				named[item] = p.question(asked)
			}
			order = append(order, item)
		}
	}
	beside := besides(p.change, field)
	for _, item := range order {
		if a := answers[item]; a != nil {
			add(item, named[item], a, stamps[element{field, item}], false)
		} else if len(answers) > 0 {
			rows = append(rows, []string{named[item], p.say("未答", "open"), "", "", "", ""})
		}
		for _, b := range beside {
			if b.item == item {
				add(item, named[item], b.answer, b.stamp, true)
			}
		}
	}
	p.section("检查项", "Checklist", []float64{0.3, 0.14, 0.1, 0.2, 0.11, 0.15}, [][2]string{{"检查项", "Item"}, {"结果", "Result"}, {"读数", "Reading"}, {"说明", "Note"},
		{"人员", "Person"}, {"时间", "Time"}}, rows)
}

// question is what was asked, and where; with how much it weighs, and whether it decides alone.
func (p *paper) question(asked checklist.Question) string {
	question := cmp.Or(p.lang.text(asked.Item.GetQuestion()), asked.Item.GetId())
	if at := asked.Checkpoint; at != "" {
		question = cmp.Or(p.line.look(func() (string, error) { return p.s.names.place(p.ctx, at) }), at) + " · " + question
	}
	if weight := asked.Item.GetWeight(); weight > 0 {
		question += fmt.Sprintf(p.say("（权重 %v）", " (weight %v)"), weight)
	}
	if asked.Item.GetRedLine() {
		question += p.say("（红线）", " (red line)")
	}
	return question
}

// measured writes readings and intervals of work.
func (p *paper) measured(readings []*roundsv1.Reading, labour []*roundsv1.Labour, readingField, labourField uint32) {
	stamps := stampsOf(p.change)
	var rows [][]string
	for _, r := range readings {
		stamp := stamps[element{readingField, r.GetId()}]
		rows = append(rows, []string{r.GetQuantity(), strconv.FormatFloat(r.GetValue(), 'f', -1, 64) + " " + r.GetUnit(), p.person(stamp.GetPersonId()), p.when(stamp.GetTimeUs())})
	}
	p.section("读数", "Readings", []float64{0.34, 0.22, 0.22, 0.22}, [][2]string{{"测量项", "Quantity"}, {"数值", "Value"}, {"人员", "Person"}, {"时间", "Time"}}, rows)
	rows = nil
	for _, one := range labour {
		spent := ""
		if m := minutes(one); m != nil {
			spent = strconv.FormatFloat(*m, 'f', 1, 64)
		}
		rows = append(rows, []string{p.person(one.GetPersonId()), spent, p.when(stamps[element{labourField, one.GetId()}].GetTimeUs())})
	}
	p.section("工时", "Labour", []float64{0.4, 0.3, 0.3}, [][2]string{{"人员", "Person"}, {"分钟", "Minutes"}, {"记录时间", "Recorded"}}, rows)
}

// remarks writes what was said.
func (p *paper) remarks() {
	var rows [][]string
	for _, one := range p.notes {
		c, stamp := one.GetRecord().GetComment(), created(one)
		words := c.GetWords()
		if c.GetHidden() != nil {
			words = p.say("（已隐藏：", "(hidden: ") + c.GetHidden().GetReason() + p.say("）", ")")
		}
		rows = append(rows, []string{p.when(stamp.GetTimeUs()), p.person(cmp.Or(c.GetPersonId(), stamp.GetPersonId())), words})
	}
	p.section("备注记录", "Remarks", []float64{0.22, 0.18, 0.6}, [][2]string{{"时间", "Time"}, {"人员", "Person"}, {"内容", "Words"}}, rows)
}
