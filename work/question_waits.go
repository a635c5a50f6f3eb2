package work

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/calendar"
)

// What a question tells of what waits is bounded: it travels to every phone of the site.
const (
	mostQuoted = 120 // characters of somebody's words
	mostTold   = 4   // things that one fact adds
)

// inWords is a text in both languages.
type inWords struct{ zh, en string }

func (s inWords) text() *roundsv1.Text { return &roundsv1.Text{Zh: s.zh, En: s.en} }

// waitingSides are both sides of a question about a mutation that waits: what stands against it, and what it says. None of a question about nothing that waits.
func waitingSides(c *roundsv1.Conflict, of engine.Case) []*roundsv1.Side {
	if of.Mutation == nil {
		return nil
	}
	subject := c.GetSubject()
	if about := about(of); about.GetId() != "" {
		subject = about
	}
	stands := standsAgainst(c, of)
	stands.Record = subject
	return []*roundsv1.Side{stands, {Record: c.GetSubject(), PersonId: c.GetPersonId(), DeviceId: c.GetDeviceId(), TimeUs: c.GetOpenedTimeUs(),
		JournalSeq: c.GetJournalSeq(), Sentence: whatWaits(of, !erasedOf(of)).text()}}
}

// about is what a photo or a remark is about; nil for anything else.
func about(of engine.Case) *roundsv1.RecordRef {
	record := of.Mutation.GetFact().GetRecord()
	if record == nil {
		record = of.Mutation.GetEdit().GetRecord()
	}
	if photo := record.GetPhoto(); photo != nil {
		return photo.GetSubject()
	}
	return record.GetComment().GetSubject()
}

// look is the record that a mutation is about, or that its photo or remark is about, also where it is deleted; nil where it is not here.
func look(of engine.Case) (merge.Kind, *roundsv1.Change) {
	ref := about(of)
	if ref.GetId() == "" || of.Lookup == nil {
		return of.Kind, of.Current
	}
	kind := merge.Kind(ref.GetKind())
	change, err := of.Lookup(kind, ref.GetId())
	if err != nil {
		return kind, nil
	}
	return kind, change
}

// erasedOf: whether something was erased, as law demands, of what a mutation is about: what it says may say that again, so it is not quoted.
func erasedOf(of engine.Case) bool {
	kind, subject := look(of)
	return len(erasures(kind, subject)) > 0
}

// standsAgainst is what stands against a mutation that waits, with who brought that about and when, as far as it is known.
func standsAgainst(c *roundsv1.Conflict, of engine.Case) *roundsv1.Side {
	kind, subject := look(of)
	tell := func(zh, en string) *roundsv1.Side { return &roundsv1.Side{Sentence: &roundsv1.Text{Zh: zh, En: en}} }
	switch c.GetType() {
	case roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT:
		switch {
		case len(of.Roles) > 0:
			return tell("提交人当时的角色无权进行此操作。", "The role that this person had then may not do this.")
		case of.Trust != roundsv1.Trust_TRUST_A:
			return tell("提交人在此项目没有权限(从未有、已被停用或收回,或手机已停用),或不能确定当时是否仍有。",
				"This person had no right here, by roles, a suspension or the end of the phone's; or it is not sure whether still at that time.")
		}
		return tell("提交人当时在此项目没有权限(从未有、已被停用或收回,或手机已停用)。",
			"This person had no right here at that time, by roles, a suspension or the end of the phone's.")
	case roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD:
		return tell("所属记录尚未到达服务器。", "The record is not on the server yet.")
	case roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN:
		side := tell("已归档。", "Was archived.")
		switch {
		case subject.GetDeleted():
			side = tell("已删除。", "Was deleted.")
		case erasedOf(of):
			side = tell("其中的个人数据已删除。", "Personal data in it was erased.")
		}
		side.TimeUs = subject.GetTimeUs()
		return side
	}
	j := &judgement{Case: engine.Case{Kind: kind, Current: subject}}
	if kind != kindTicket && kind != kindInspection || subject == nil {
		return &roundsv1.Side{Sentence: c.GetSentence()}
	}
	by, at := writer(subject, j.stateField()), j.standing()
	side := tell(at.subjectZH+"现在是「"+at.zh+"」。", "The "+at.subjectEN+" is "+at.en+".")
	side.PersonId, side.DeviceId, side.TimeUs, side.JournalSeq = by.GetPersonId(), by.GetDeviceId(), by.GetTimeUs(), by.GetSeq()
	return side
}

// whatWaits says what a mutation says, in words and bounded. Without quote nothing that somebody wrote or measured is repeated.
func whatWaits(of engine.Case, quote bool) inWords {
	m := of.Mutation
	switch {
	case m.GetFact() != nil:
		return recordWaits(of, m.GetFact().GetRecord(), quote)
	case m.GetEdit() != nil && m.GetBase() == 0 && len(m.GetEdit().GetFields()) == 0 && m.GetEdit().GetRecord() != nil:
		return recordWaits(of, m.GetEdit().GetRecord(), quote)
	case m.GetEdit() != nil:
		n := strconv.Itoa(len(m.GetEdit().GetFields()))
		return inWords{"修改内容,共" + n + "个字段。", "An edit; fields: " + n + "."}
	case m.GetCommand() != nil:
		return commandWaits(of, quote)
	}
	return inWords{"服务器无法读取的内容。", "Something that this server cannot read."}
}

func recordWaits(of engine.Case, record *roundsv1.Record, quote bool) inWords {
	switch {
	case record.GetPhoto() != nil:
		return photoWaits(of.Mutation.GetRecordId(), record.GetPhoto())
	case record.GetComment() != nil:
		return wordsWait(inWords{"备注", "a remark"}, record.GetComment().GetWords(), quote).sentence()
	}
	var all []inWords
	more := 0
	add := func(one inWords) {
		if len(all) < mostTold {
			all = append(all, one)
		} else {
			more++
		}
	}
	ticket, round := record.GetTicket(), record.GetInspection()
	for _, r := range slices.Concat(ticket.GetReadings(), round.GetReadings()) {
		add(readingWaits(r, quote))
	}
	for _, s := range slices.Concat(ticket.GetScans(), round.GetVisits()) {
		add(scanWaits(of, s))
	}
	for _, l := range slices.Concat(ticket.GetLabour(), round.GetLabour()) {
		add(labourWaits(l))
	}
	for _, answers := range []map[string]*roundsv1.Answer{ticket.GetAnswers(), round.GetAnswers()} {
		for _, key := range slices.Sorted(maps.Keys(answers)) {
			add(answerWaits(key, answers[key], quote))
		}
	}
	for _, part := range slices.Sorted(maps.Keys(ticket.GetPartsUsed())) {
		n := strconv.FormatInt(ticket.GetPartsUsed()[part], 10)
		add(wordsWait(inWords{"用料", "parts used"}, part+" × "+n, quote))
	}
	if len(all) == 0 {
		title := ticket.GetTitle() + round.GetTitle()
		switch {
		case ticket != nil:
			all = []inWords{wordsWait(inWords{"工单", "a ticket"}, title, quote)}
		case round != nil:
			all = []inWords{wordsWait(inWords{"巡检", "an inspection round"}, title, quote)}
		default:
			all = []inWords{{"一条记录", "a record"}}
		}
	}
	var zh, en []string
	for _, one := range all {
		zh, en = append(zh, one.zh), append(en, one.en)
	}
	both := inWords{strings.Join(zh, ";"), strings.Join(en, "; ")}
	if more > 0 {
		both = inWords{both.zh + fmt.Sprintf(";另有%d项", more), both.en + fmt.Sprintf("; and %d more", more)}
	}
	return both.sentence()
}

// sentence makes one of words.
func (s inWords) sentence() inWords {
	if s.en == "" {
		return s
	}
	return inWords{s.zh + "。", strings.ToUpper(s.en[:1]) + s.en[1:] + "."}
}

// wordsWait is a thing with somebody's words, cut; without quote how many there are.
func wordsWait(thing inWords, words string, quote bool) inWords {
	words = strings.Join(strings.Fields(words), " ")
	n := utf8.RuneCountInString(words)
	switch {
	case n == 0:
		return thing
	case !quote:
		return inWords{thing.zh + "(" + strconv.Itoa(n) + "个字;因个人数据已删除,此处不显示)", thing.en + " (" + strconv.Itoa(n) + " characters, not shown here because personal data was erased)"}
	}
	words = shortened(words, mostQuoted)
	return inWords{thing.zh + ":「" + words + "」", thing.en + ": “" + words + "”"}
}

// shortened cuts words to so many characters.
func shortened(words string, most int) string {
	if utf8.RuneCountInString(words) <= most {
		return words
	}
	return string([]rune(words)[:most-1]) + "…"
}

func photoWaits(id string, p *roundsv1.Photo) inWords {
	var what inWords
	switch p.GetRole() {
	case roundsv1.PhotoRole_PHOTO_ROLE_BEFORE:
		what = inWords{"处理前照片", "a photo from before the work"}
	case roundsv1.PhotoRole_PHOTO_ROLE_AFTER:
		what = inWords{"完工照片", "a photo of the finished work"}
	case roundsv1.PhotoRole_PHOTO_ROLE_ITEM:
		item := shortened(p.GetItemId(), 40)
		what = inWords{"检查项" + item + "的照片", "a photo of item " + item}
	case roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE:
		what = inWords{"签名", "a signature"}
	case roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION:
		what = inWords{"照片标注", "an annotation of a photo"}
	default:
		what = inWords{"照片", "a photo"}
	}
	if round := strconv.FormatUint(uint64(p.GetRound()), 10); p.GetRound() > 0 {
		what = inWords{what.zh + ",第" + round + "轮", what.en + ", round " + round}
	}
	if p.GetSource() == roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY {
		what = inWords{what.zh + ",来自相册", what.en + ", from the gallery"}
	}
	short := id[max(0, len(id)-8):]
	return inWords{what.zh + "(照片" + short + ")", what.en + " (photo " + short + ")"}.sentence()
}

func readingWaits(r *roundsv1.Reading, quote bool) inWords {
	quantity := shortened(r.GetQuantity(), mostQuoted)
	value := strings.TrimSpace(strconv.FormatFloat(r.GetValue(), 'g', 6, 64) + " " + r.GetUnit())
	switch {
	case !quote:
		return inWords{"读数", "a reading"}
	case quantity == "":
		return inWords{"读数:" + value, "a reading: " + value}
	}
	return inWords{"读数「" + quantity + "」:" + value, "a reading of " + quantity + ": " + value}
}

// scanWaits names the place of a tag, where that is known; of what the tag says only the beginning, which proves of nobody that they were there.
func scanWaits(of engine.Case, s *roundsv1.Scan) inWords {
	tag := shortened(s.GetPayload(), 16)
	if of.Lookup != nil && s.GetCheckpointId() != "" {
		j := &judgement{Case: of}
		tag = shortened(j.placeWords(&roundsv1.Location{PlaceId: s.GetCheckpointId()}), mostQuoted)
	}
	return inWords{"扫码「" + tag + "」", "a scan of tag “" + tag + "”"}
}

// labourWaits tells an interval by the phone's clock, in the time of most sites, and how long it was.
func labourWaits(l *roundsv1.Labour) inWords {
	from, to := l.GetStarted(), l.GetEnded()
	took := time.Duration(to.GetWallUs()-from.GetWallUs()) * time.Microsecond
	if from.GetBootId() != "" && from.GetBootId() == to.GetBootId() {
		took = time.Duration(to.GetMonotonicUs()-from.GetMonotonicUs()) * time.Microsecond
	}
	zone, err := calendar.Zone("")
	if err != nil || from.GetWallUs() <= 0 || to.GetWallUs() <= 0 {
		return inWords{"工时", "labour"}
	}
	at := func(c *roundsv1.Clock) time.Time { return time.UnixMicro(c.GetWallUs()).In(zone) }
	minutes := strconv.Itoa(int(took.Round(time.Minute) / time.Minute))
	span := at(from).Format("2006-01-02 15:04") + "–" + at(to).Format("15:04")
	return inWords{"工时 " + span + "(手机时间,UTC+8),共" + minutes + "分钟", "labour " + span + " (the phone's clock, UTC+8), " + minutes + " minutes"}
}

func answerWaits(key string, a *roundsv1.Answer, quote bool) inWords {
	result := inWords{"已答", "answered"}
	switch a.GetResult() {
	case roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE:
		result = inWords{"不适用", "does not apply"}
	case roundsv1.AnswerResult_ANSWER_RESULT_PASS:
		result = inWords{"合格", "passed"}
	case roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED:
		result = inWords{"跳过", "skipped"}
	case roundsv1.AnswerResult_ANSWER_RESULT_FAIL:
		result = inWords{"不合格", "failed"}
	}
	key = shortened(key, 80)
	what := inWords{"检查项" + key + ":" + result.zh, "item " + key + ": " + result.en}
	if a.Reading != nil && quote {
		value := strconv.FormatFloat(a.GetReading(), 'g', 6, 64)
		what = inWords{what.zh + ",读数" + value, what.en + ", reading " + value}
	}
	if n := strconv.Itoa(len(a.GetPhotoIds())); len(a.GetPhotoIds()) > 0 {
		what = inWords{what.zh + "," + n + "张照片", what.en + ", photos: " + n}
	}
	if a.GetNote() != "" {
		what = wordsWait(what, a.GetNote(), quote)
	}
	return what
}

// commandWaits says what was to be done: a completion of which round with how many photos, an approval, and any other command by its words.
func commandWaits(of engine.Case, quote bool) inWords {
	j := (&Rules{reference: unknown{}}).judgement(of)
	round := strconv.FormatUint(uint64(j.args.round), 10)
	var what inWords
	switch j.op {
	case "":
		return inWords{"服务器无法读取的操作。", "A command that this server cannot read."}
	case SubmitCompletion:
		photos := strconv.Itoa(len(j.ticketAct().GetSubmitCompletion().GetPhotoIds()))
		return inWords{"报完工,第" + round + "轮,照片" + photos + "张", "completion of round " + round + ", photos: " + photos}.sentence()
	case Submit:
		return inWords{"提交巡检,第" + round + "轮", "submission of round " + round}.sentence()
	case Approve:
		return inWords{"确认,第" + round + "轮", "approval of round " + round}.sentence()
	default:
		zh, en := j.op.words()
		what = inWords{"操作:" + zh, "a command: " + en}
	}
	if j.args.reason != "" {
		what = wordsWait(what, j.args.reason, quote)
	}
	return what.sentence()
}
