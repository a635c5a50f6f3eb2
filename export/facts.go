package export

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/sheet"
	"github.com/rounds-sync/rounds/sync/merge"
)

// fact is one row of the facts.
type fact struct {
	kind    word
	code    string
	id      string
	subject *roundsv1.RecordRef
	title   string // of the subject, where it is at hand
	titled  bool
	stamp   *roundsv1.Stamp
	person  string // who did it, where that is another than the stamp's
	round   uint32
	item    string
	words   string
	beside  bool // it stands beside another that counts

	quantity, unit string
	value          *float64
	result         roundsv1.AnswerResult
	place          string // a checkpoint
	location       *roundsv1.Location
	payload        string
	minutes        *float64
	startedWallUs  int64
	endedWallUs    int64
	photo          *roundsv1.Photo
	photos         []string
	hidden         *roundsv1.Hidden
}

// The numbers of the fields that hold facts.
const (
	ticketReadings, ticketLabour, ticketScans, ticketAnswers = 20, 21, 22, 23
	roundAnswers, roundVisits, roundReadings, roundLabour    = 7, 8, 9, 10
)

// factRow fills the row of one fact.
func (j *job) factRow(l *line, s *scope, from any) {
	f, _ := from.(*fact)
	if f == nil {
		f = &fact{}
	}
	l.text("范围", "scope", string(s.name))
	l.text("项目", "site", s.site)
	l.text("时区", "time zone", s.zoneName())
	l.text("类型代码", "type code", f.code)
	l.text("类型", "type", l.lang.of(f.kind))
	l.text("编号", "id", f.id)
	l.text("所属类型", "of kind", f.subject.GetKind())
	l.text("所属编号", "of id", f.subject.GetId())
	l.text("所属标题", "of title", l.look(func() (string, error) {
		if f.titled {
			return f.title, nil
		}
		return s.names.title(l.ctx, f.subject)
	}))
	l.time(s, "时间", "time", f.stamp.GetTimeUs())
	person := f.person
	if person == "" {
		person = f.stamp.GetPersonId()
	}
	l.person(s, "人员", "person", person)
	l.text("设备编号", "device id", f.stamp.GetDeviceId())
	round := sheet.Cell{}
	if f.round > 0 {
		round = sheet.Int(f.round)
	}
	l.add("轮次", "round", round)
	l.text("检查项", "item", f.item)
	l.enum("结果", "result", f.result)
	l.text("内容", "words", f.words)
	l.text("测量项", "quantity", f.quantity)
	l.add("数值", "value", optional(f.value))
	l.text("单位", "unit", f.unit)
	l.text("点位编号", "checkpoint id", f.place)
	l.text("点位", "checkpoint", l.look(func() (string, error) { return s.names.place(l.ctx, f.place) }))
	l.text("标签内容", "tag payload", f.payload)
	l.enum("定位方式", "located by", f.location.GetSource())
	l.text("地点", "place", l.look(func() (string, error) { return s.names.where(l.ctx, f.location) }))
	fix := f.location.GetLatitude() != 0 || f.location.GetLongitude() != 0
	l.add("纬度", "latitude", numberIf(fix, f.location.GetLatitude()))
	l.add("经度", "longitude", numberIf(fix, f.location.GetLongitude()))
	l.add("精度（米）", "accuracy (m)", numberIf(fix, float64(f.location.GetAccuracyM())))
	l.time(s, "开始（手机时钟）", "began (phone's clock)", f.startedWallUs)
	l.time(s, "结束（手机时钟）", "ended (phone's clock)", f.endedWallUs)
	l.add("分钟", "minutes", optional(f.minutes))
	l.enum("照片用途", "photo role", f.photo.GetRole())
	l.enum("照片来源", "photo source", f.photo.GetSource())
	l.enum("照片状态", "photo state", f.photo.GetState())
	l.text("检查发现", "findings", strings.Join(f.photo.GetFindings(), ", "))
	l.text("SHA-256", "SHA-256", hex.EncodeToString(f.photo.GetSha256()))
	l.add("字节", "bytes", numberIf(f.photo.GetSizeBytes() > 0, float64(f.photo.GetSizeBytes())))
	l.text("照片编号", "photo ids", strings.Join(f.photos, ", "))
	l.yes("并存（另一值为准）", "stands beside the one that counts", f.beside)
	l.text("隐藏原因", "hidden because", f.hidden.GetReason())
}

func optional(value *float64) sheet.Cell {
	if value == nil {
		return sheet.Cell{}
	}
	return sheet.Number(*value)
}

func numberIf(is bool, value float64) sheet.Cell {
	if !is {
		return sheet.Cell{}
	}
	return sheet.Number(value)
}

// facts are the rows of one record: a photo or remark is one; a ticket or round has those in its fields.
func (j *job) facts(s *scope, kind merge.Kind, change *roundsv1.Change, write func(any) error) error {
	put := func(f *fact) error {
		if !j.within(f.stamp.GetTimeUs()) {
			return nil
		}
		return write(f)
	}
	self := &roundsv1.RecordRef{Kind: string(kind), Id: change.GetRecordId()}
	switch kind {
	case kindPhoto, kindComment:
		return j.recordFact(s, kind, change, put)
	case kindTicket:
		if !j.stateWanted(change.GetRecord()) {
			return nil
		}
		t := change.GetRecord().GetTicket()
		return writeAll(put, parts{subject: self, title: t.GetTitle(), stamps: stampsOf(change), besides: besides(change, ticketAnswers),
			fields:   partFields{readings: ticketReadings, labour: ticketLabour, scans: ticketScans, answers: ticketAnswers},
			readings: t.GetReadings(), labour: t.GetLabour(), scans: t.GetScans(), answers: t.GetAnswers(), completions: t.GetCompletions()}.facts())
	case kindInspection:
		if !j.stateWanted(change.GetRecord()) {
			return nil
		}
		i := change.GetRecord().GetInspection()
		return writeAll(put, parts{subject: self, title: i.GetTitle(), stamps: stampsOf(change), besides: besides(change, roundAnswers),
			fields:   partFields{readings: roundReadings, labour: roundLabour, scans: roundVisits, answers: roundAnswers},
			readings: i.GetReadings(), labour: i.GetLabour(), scans: i.GetVisits(), answers: i.GetAnswers(), completions: i.GetCompletions()}.facts())
	}
	return nil
}

// recordFact writes a photo or a remark.
func (j *job) recordFact(s *scope, kind merge.Kind, change *roundsv1.Change, put func(*fact) error) error {
	f := &fact{id: change.GetRecordId(), stamp: created(change)}
	if kind == kindPhoto {
		p := change.GetRecord().GetPhoto()
		f.kind, f.code, f.subject, f.person, f.round, f.item = word{"照片", "photo"}, "photo", p.GetSubject(), p.GetPersonId(), p.GetRound(), p.GetItemId()
		f.photo, f.location, f.hidden = p, p.GetLocation(), p.GetHidden()
	} else {
		c := change.GetRecord().GetComment()
		f.kind, f.code, f.subject, f.person, f.words, f.hidden = word{"备注", "remark"}, "comment", c.GetSubject(), c.GetPersonId(), c.GetWords(), c.GetHidden()
	}
	if len(j.req.GetTicketStates()) > 0 || len(j.req.GetInspectionStates()) > 0 {
		wanted, err := j.subjectWanted(s, f.subject)
		if err != nil || !wanted {
			return err
		}
	}
	return put(f)
}

// subjectWanted: whether the ticket or round that something belongs to is in one of the states that were asked for.
func (j *job) subjectWanted(s *scope, ref *roundsv1.RecordRef) (bool, error) {
	kind := merge.Kind(ref.GetKind())
	if kind != kindTicket && kind != kindInspection {
		return false, nil
	}
	state := func(r *roundsv1.Record) string {
		if j.stateWanted(r) {
			return "yes"
		}
		return "no"
	}
	is, err := s.names.record(j.ctx, s.name, kind, "wanted", ref.GetId(), state) // kept with the names
	return is == "yes", err
}

// created is the stamp of the mutation that made a record.
func created(change *roundsv1.Change) *roundsv1.Stamp {
	if writes := change.GetWrites(); len(writes) > 0 {
		return writes[0].GetStamp()
	}
	return nil
}

// element is one element of a field: an entry of a map, or of a list by its id.
type element struct {
	field uint32
	key   string
}

// stampsOf says who wrote each element that stands.
func stampsOf(change *roundsv1.Change) map[element]*roundsv1.Stamp {
	all := map[element]*roundsv1.Stamp{}
	for _, w := range change.GetWrites() {
		for _, e := range w.GetElements() {
			all[element{e.GetField(), e.GetKey()}] = w.GetStamp()
		}
	}
	return all
}

// beside is an answer that stands beside the one that counts.
type beside struct {
	item   string
	answer *roundsv1.Answer
	stamp  *roundsv1.Stamp
}

// besides are the answers that stand beside those that count, in the order of their taking.
func besides(change *roundsv1.Change, field uint32) []beside {
	var all []beside
	for _, w := range change.GetWrites() {
		values := w.GetSiblingValues().GetTicket().GetAnswers()
		if i := w.GetSiblingValues().GetInspection(); i != nil {
			values = i.GetAnswers()
		}
		for _, e := range w.GetSiblingElements() {
			if answer := values[e.GetKey()]; e.GetField() == field && answer != nil {
				all = append(all, beside{e.GetKey(), answer, w.GetStamp()})
			}
		}
	}
	return all
}

// parts are the fields of one ticket or round that hold facts.
type parts struct {
	subject     *roundsv1.RecordRef
	title       string
	stamps      map[element]*roundsv1.Stamp
	fields      partFields
	readings    []*roundsv1.Reading
	labour      []*roundsv1.Labour
	scans       []*roundsv1.Scan
	answers     map[string]*roundsv1.Answer
	besides     []beside
	completions []*roundsv1.Completion
}

// partFields are the numbers of those fields in the kind of the record.
type partFields struct{ readings, labour, scans, answers uint32 }

func (p parts) fact(zh, en, code, id string, stamp *roundsv1.Stamp) *fact {
	return &fact{kind: word{zh, en}, code: code, id: id, subject: p.subject, title: p.title, titled: true, stamp: stamp}
}

// facts are one for each element, kind by kind.
func (p parts) facts() []*fact {
	var all []*fact
	for _, r := range p.readings {
		f := p.fact("读数", "reading", "reading", r.GetId(), p.stamps[element{p.fields.readings, r.GetId()}])
		value := r.GetValue()
		f.quantity, f.value, f.unit = r.GetQuantity(), &value, r.GetUnit()
		all = append(all, f)
	}
	for _, item := range slices.Sorted(maps.Keys(p.answers)) {
		all = append(all, p.answer(item, p.answers[item], p.stamps[element{p.fields.answers, item}], false))
	}
	for _, b := range p.besides {
		all = append(all, p.answer(b.item, b.answer, b.stamp, true))
	}
	for _, scan := range p.scans {
		f := p.fact("扫码", "scan", "scan", scan.GetId(), p.stamps[element{p.fields.scans, scan.GetId()}])
		f.place, f.payload, f.location = scan.GetCheckpointId(), scan.GetPayload(), scan.GetLocation()
		all = append(all, f)
	}
	for _, one := range p.labour {
		f := p.fact("工时", "labour", "labour", one.GetId(), p.stamps[element{p.fields.labour, one.GetId()}])
		f.person, f.startedWallUs, f.endedWallUs, f.minutes = one.GetPersonId(), one.GetStarted().GetWallUs(), one.GetEnded().GetWallUs(), minutes(one)
		all = append(all, f)
	}
	for _, c := range p.completions {
		f := p.fact("完工", "completion", "completion", "", &roundsv1.Stamp{TimeUs: c.GetTimeUs(), PersonId: c.GetPersonId()})
		f.round, f.photos = c.GetRound(), c.GetPhotoIds()
		all = append(all, f)
	}
	return all
}

// writeAll hands facts on, in order.
func writeAll(put func(*fact) error, all []*fact) error {
	for _, f := range all {
		if err := put(f); err != nil {
			return err
		}
	}
	return nil
}

func (p parts) answer(item string, a *roundsv1.Answer, stamp *roundsv1.Stamp, beside bool) *fact {
	f := p.fact("答案", "answer", "answer", "", stamp)
	f.item, f.result, f.words, f.value, f.photos, f.beside = item, a.GetResult(), a.GetNote(), a.Reading, a.GetPhotoIds(), beside
	return f
}

// minutes of an interval: by the clock that does not jump, where the phone ran on; else by the one on its wall.
func minutes(l *roundsv1.Labour) *float64 {
	from, to := l.GetStarted(), l.GetEnded()
	if from == nil || to == nil {
		return nil
	}
	us := to.GetWallUs() - from.GetWallUs()
	if from.GetBootId() != "" && from.GetBootId() == to.GetBootId() {
		us = to.GetMonotonicUs() - from.GetMonotonicUs()
	}
	m := float64(us/1e4) / 6e3 // to the hundredth of a second
	return &m
}
