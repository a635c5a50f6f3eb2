package export

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

func problem(code roundsv1.ProblemCode, zh, en string) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, Sentence: &roundsv1.Text{Zh: zh, En: en}}
}

func invalid(field, zh, en string) error {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, zh, en)
	p.Field = field
	return &engine.Error{Kind: engine.Invalid, Problem: p}
}

func denied(scope store.Scope, code roundsv1.ProblemCode, zh, en string) error {
	p := problem(code, zh, en)
	p.Scope = string(scope)
	return &engine.Error{Kind: engine.Denied, Problem: p}
}

func noRecord(scope store.Scope) error {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "没有这条记录，请核对编号和类型。", "There is no such record: check its id, and whether it is a ticket or a round.")
	p.Scope, p.Field = string(scope), "record_id"
	return &engine.Error{Kind: engine.Invalid, Problem: p}
}

func busy() error {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE, "正在生成的导出文件过多，请稍后再试。", "Too many files are being made: try again in a while.")
	p.RetryAfter = durationpb.New(10 * time.Second)
	return &engine.Error{Kind: engine.Unavailable, Problem: p}
}

func enough(most int) error {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "您正在生成的导出文件过多，请等其中一个完成后再试。", "Your other exports are still being made: wait until one is done.")
	p.Facts, p.RetryAfter = map[string]string{"most": strconv.Itoa(most)}, durationpb.New(10*time.Second)
	return &engine.Error{Kind: engine.Exhausted, Problem: p}
}

func tookTooLong(most time.Duration) error {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "导出用时过长，已中止。请缩短时间范围、分项目导出，或换用更快的网络。",
		"The export took too long and was ended: narrow the time range, export site by site, or use a faster connection.")
	p.Facts, p.RetryAfter = map[string]string{"most": most.String()}, durationpb.New(10*time.Second)
	return &engine.Error{Kind: engine.Exhausted, Problem: p}
}

func tooMany(most uint64) error {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "导出行数超过上限，请缩短时间范围或分项目导出。",
		"The file would have more rows than the limit: narrow the time range, or export site by site.")
	p.Facts = map[string]string{"most": strconv.FormatUint(most, 10)}
	return &engine.Error{Kind: engine.Exhausted, Problem: p}
}

// anotherPast: the server was restored from a backup while the file was made.
func anotherPast(scope store.Scope) error {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE, "导出期间数据已恢复到备份，请重新导出。", "The data was restored from a backup meanwhile: export it again.")
	p.Scope, p.RetryAfter = string(scope), durationpb.New(time.Second)
	return &engine.Error{Kind: engine.Unavailable, Problem: p}
}
