package work

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/checklist"
)

// What a question tells of what waits is bounded: it travels to every phone of the site.
const (
	mostQuoted = 120 // characters of somebody's words
	mostTold   = 4   // things that one fact adds
)

// inWords is a text in both languages.
type inWords struct{ zh, en string }

func (s inWords) text() *roundsv1.Text { return &roundsv1.Text{Zh: s.zh, En: s.en} }

// whatWaits says what a mutation says, in words and bounded. Without quote nothing that somebody wrote or measured is repeated.
func (j *judgement) whatWaits(quote bool) inWords {
	m := j.Mutation
	switch {
	case m.GetFact() != nil:
		return j.recordWaits(m.GetFact().GetRecord(), quote)
	case m.GetEdit() != nil && m.GetBase() == 0 && len(m.GetEdit().GetFields()) == 0 && m.GetEdit().GetRecord() != nil:
		return j.recordWaits(m.GetEdit().GetRecord(), quote)
	case m.GetEdit() != nil:
		n := strconv.Itoa(len(m.GetEdit().GetFields()))
		return inWords{"修改内容，共" + n + "个字段。", "An edit; fields: " + n + "."}
	case m.GetCommand() != nil:
		return j.commandWaits(quote)
	}
	return inWords{"服务器无法读取的内容。", "Something that this server cannot read."}
}

func (j *judgement) recordWaits(record *roundsv1.Record, quote bool) inWords {
	switch {
	case record.GetPhoto() != nil:
		return j.photoWaits(record.GetPhoto())
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
		add(j.scanWaits(s))
	}
	for _, l := range slices.Concat(ticket.GetLabour(), round.GetLabour()) {
		add(j.labourWaits(l))
	}
	for _, answers := range []map[string]*roundsv1.Answer{ticket.GetAnswers(), round.GetAnswers()} {
		for _, key := range slices.Sorted(maps.Keys(answers)) {
			add(j.answerWaits(key, answers[key], quote))
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
	both := inWords{strings.Join(zh, "；"), strings.Join(en, "; ")}
	if more > 0 {
		both = inWords{both.zh + fmt.Sprintf("；另有%d项", more), both.en + fmt.Sprintf("; and %d more", more)}
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
		return inWords{thing.zh + "（" + strconv.Itoa(n) + "个字；因个人数据已删除，此处不显示）", thing.en + " (" + strconv.Itoa(n) + " characters, not shown here because personal data was erased)"}
	}
	words = shortened(words, mostQuoted)
	return inWords{thing.zh + "：「" + words + "」", thing.en + ": “" + words + "”"}
}

// shortened cuts words to so many characters.
func shortened(words string, most int) string {
	if utf8.RuneCountInString(words) <= most {
		return words
	}
	return string([]rune(words)[:most-1]) + "…"
}

func (j *judgement) photoWaits(p *roundsv1.Photo) inWords {
	var what inWords
	switch p.GetRole() {
	case roundsv1.PhotoRole_PHOTO_ROLE_BEFORE:
		what = inWords{"处理前照片", "a photo from before the work"}
	case roundsv1.PhotoRole_PHOTO_ROLE_AFTER:
		what = inWords{"完工照片", "a photo of the finished work"}
	case roundsv1.PhotoRole_PHOTO_ROLE_ITEM:
		item := j.itemWaits(p.GetItemId())
		what = inWords{"检查项" + item.zh + "的照片", "a photo of item " + item.en}
	case roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE:
		what = inWords{"签名", "a signature"}
	case roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION:
		what = inWords{"照片标注", "an annotation of a photo"}
	default:
		what = inWords{"照片", "a photo"}
	}
	if round := strconv.FormatUint(uint64(p.GetRound()), 10); p.GetRound() > 0 {
		what = inWords{what.zh + "，第" + round + "轮", what.en + ", round " + round}
	}
	if p.GetSource() == roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY {
		what = inWords{what.zh + "，来自相册", what.en + ", from the gallery"}
	}
	id := j.Mutation.GetRecordId()
	short := id[max(0, len(id)-8):]
	return inWords{what.zh + "（照片" + short + "）", what.en + " (photo " + short + ")"}.sentence()
}

func readingWaits(r *roundsv1.Reading, quote bool) inWords {
	quantity := shortened(r.GetQuantity(), mostQuoted)
	value := strings.TrimSpace(strconv.FormatFloat(r.GetValue(), 'g', 6, 64) + " " + r.GetUnit())
	switch {
	case !quote:
		return inWords{"读数", "a reading"}
	case quantity == "":
		return inWords{"读数：" + value, "a reading: " + value}
	}
	return inWords{"读数「" + quantity + "」：" + value, "a reading of " + quantity + ": " + value}
}

// scanWaits names the place of a tag, where that is known; of what the tag says only the beginning, which proves of nobody that they were there.
func (j *judgement) scanWaits(s *roundsv1.Scan) inWords {
	begins := shortened(s.GetPayload(), 16)
	tag := inWords{begins, begins}
	if place := j.checkpointWords(s.GetCheckpointId()); place.en != "" {
		tag = place
	}
	return inWords{"扫码「" + tag.zh + "」", "a scan of tag “" + tag.en + "”"}
}

// checkpointWords name a checkpoint in both languages; nothing where there is none, its id where no more is known of it.
func (j *judgement) checkpointWords(id string) inWords {
	place := j.lookup(kindPlace, id).GetRecord().GetPlace()
	zh, en := place.GetName().GetZh(), place.GetName().GetEn()
	for _, words := range []string{zh, en, place.GetCode(), id} {
		zh, en = cmp.Or(zh, words), cmp.Or(en, words)
	}
	return inWords{shortened(zh, mostQuoted), shortened(en, mostQuoted)}
}

// labourWaits tells an interval by the phone's clock, in the time of the site, and how long it was.
func (j *judgement) labourWaits(l *roundsv1.Labour) inWords {
	from, to := l.GetStarted(), l.GetEnded()
	took := time.Duration(to.GetWallUs()-from.GetWallUs()) * time.Microsecond
	if from.GetBootId() != "" && from.GetBootId() == to.GetBootId() {
		took = time.Duration(to.GetMonotonicUs()-from.GetMonotonicUs()) * time.Microsecond
	}
	if from.GetWallUs() <= 0 || to.GetWallUs() <= 0 {
		return inWords{"工时", "labour"}
	}
	zone := j.zone()
	began, ended := time.UnixMicro(from.GetWallUs()).In(zone), time.UnixMicro(to.GetWallUs()).In(zone)
	minutes := strconv.Itoa(int(took.Round(time.Minute) / time.Minute))
	span, by := began.Format("2006-01-02 15:04")+"–"+ended.Format("15:04"), offset(began)
	return inWords{"工时 " + span + "（手机时间，" + by + "），共" + minutes + "分钟", "labour " + span + " (the phone's clock, " + by + "), " + minutes + " minutes"}
}

// zone is the time zone of the site.
func (j *judgement) zone() *time.Location {
	zone, err := calendar.Zone(j.reference.Policy(j.Scope).TimeZone)
	if err != nil {
		zone, _ = calendar.Zone("")
	}
	return zone
}

// offset is how far a time of a zone is from UTC: "UTC+8", "UTC-3:30".
func offset(at time.Time) string {
	_, seconds := at.Zone()
	sign, minutes := "+", seconds/60
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	words := "UTC" + sign + strconv.Itoa(minutes/60)
	if minutes%60 != 0 {
		words += fmt.Sprintf(":%02d", minutes%60)
	}
	return words
}

// itemWaits names an item of the checklist of the record by its question, with the checkpoint that it was asked at, in both languages; by its key where the list is not
// known, or has no such item.
func (j *judgement) itemWaits(key string) inWords {
	const most = 80
	kind, subject := j.look()
	record := subject.GetRecord()
	if subject == nil {
		record = j.written()
	}
	var list *roundsv1.Checklist
	if kind == kindInspection {
		list = j.checklistOf(record.GetInspection())
	} else {
		list = j.listPinned(record.GetTicket())
	}
	q, _ := checklist.Find(list, record.GetInspection().GetCheckpointIds(), key)
	asks := q.Item.GetQuestion()
	zh, en := cmp.Or(asks.GetZh(), asks.GetEn(), key), cmp.Or(asks.GetEn(), asks.GetZh(), key)
	words := inWords{"「" + shortened(zh, most) + "」", "“" + shortened(en, most) + "”"}
	if at := j.checkpointWords(q.Checkpoint); at.en != "" {
		words = inWords{words.zh + "（" + at.zh + "）", words.en + " (" + at.en + ")"}
	}
	return words
}

func (j *judgement) answerWaits(key string, a *roundsv1.Answer, quote bool) inWords {
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
	item := j.itemWaits(key)
	what := inWords{"检查项" + item.zh + "：" + result.zh, "item " + item.en + ": " + result.en}
	if a.Reading != nil && quote {
		value := strconv.FormatFloat(a.GetReading(), 'g', 6, 64)
		what = inWords{what.zh + "，读数" + value, what.en + ", reading " + value}
	}
	if n := strconv.Itoa(len(a.GetPhotoIds())); len(a.GetPhotoIds()) > 0 {
		what = inWords{what.zh + "，" + n + "张照片", what.en + ", photos: " + n}
	}
	if a.GetNote() != "" {
		what = wordsWait(what, a.GetNote(), quote)
	}
	return what
}

// commandWaits says what was to be done: a completion of which round with how many photos, an approval, and any other command by its words.
func (j *judgement) commandWaits(quote bool) inWords {
	round := strconv.FormatUint(uint64(j.args.round), 10)
	var what inWords
	switch j.op {
	case "":
		return inWords{"服务器无法读取的操作。", "A command that this server cannot read."}
	case SubmitCompletion:
		photos := strconv.Itoa(len(j.ticketAct().GetSubmitCompletion().GetPhotoIds()))
		return inWords{"报完工，第" + round + "轮，照片" + photos + "张", "completion of round " + round + ", photos: " + photos}.sentence()
	case Submit:
		return inWords{"提交巡检，第" + round + "轮", "submission of round " + round}.sentence()
	case Approve:
		return inWords{"确认，第" + round + "轮", "approval of round " + round}.sentence()
	default:
		zh, en := j.op.words()
		what = inWords{"操作：" + zh, "a command: " + en}
	}
	if j.args.reason != "" {
		what = wordsWait(what, j.args.reason, quote)
	}
	return what.sentence()
}
