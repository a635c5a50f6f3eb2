package work

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Keeper is a package that keeps a row of the table of concurrent events.
type Keeper string

// The packages that keep rows.
const (
	ByMerge    Keeper = "merge"
	ByEngine   Keeper = "engine"
	ByWork     Keeper = "work"
	ByEvidence Keeper = "evidence"
	BySchedule Keeper = "schedule"
	ByAuth     Keeper = "auth"
)

// Words are a text in the two languages of the crews.
type Words struct{ ZH, EN string }

// Arbitration is one row of the table of concurrent events: A is on the server already, B comes later from a device that had not seen A. In all rows the
// facts of B are appended.
type Arbitration struct {
	// Number of the row, from 1.
	Number int
	// A and B are the two sides.
	A, B Words
	// Outcome is what becomes of it.
	Outcome Words
	// Keepers are the packages that see to it, the first above all.
	Keepers []Keeper
	// Fields are those whose merge policy decides, as "ticket.tags"; none where commands do.
	Fields []string
}

// Transitions returns the rows of the workflows that carry the number, in the order in which they are tried; none where work has no part in it.
func (a Arbitration) Transitions() []Transition {
	return slices.DeleteFunc(Transitions(), func(t Transition) bool { return t.Row != a.Number })
}

// Policies returns the merge policies of Fields, as the schema has them: "ticket.tags: SET".
func (a Arbitration) Policies() []string {
	var all []string
	for _, path := range a.Fields {
		kind, name, _ := strings.Cut(path, ".")
		record := (&roundsv1.Record{}).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
		if record == nil {
			continue
		}
		field := record.Message().Fields().ByName(protoreflect.Name(name))
		if field == nil {
			continue
		}
		rule, _ := proto.GetExtension(field.Options(), roundsv1.E_Merge).(*roundsv1.FieldMerge)
		all = append(all, path+": "+strings.TrimPrefix(rule.GetPolicy().String(), "MERGE_POLICY_"))
	}
	return all
}

// Arbitrations returns the table of concurrent events as data, by number. The slice is the caller's.
func Arbitrations() []Arbitration {
	return []Arbitration{
		{Number: 1, A: Words{"改派 X→Y，Y 未开工", "reassign X→Y, Y not started"}, B: Words{"X 报完工", "submit_completion by X"},
			Outcome: Words{"接受：进入完工待传证，执行人为 X；撤回 Y 的任务并通知 Y；告知班长",
				"accepted: DONE_PENDING_EVIDENCE, performer X; Y's task withdrawn with notice; info note to foreman"},
			Keepers: []Keeper{ByWork}},
		{Number: 2, A: Words{"改派 X→Y，Y 已开工", "reassign X→Y, Y started"}, B: Words{"X 报完工", "submit_completion by X"},
			Outcome: Words{"状态不变；向班长提出「重复作业」事项（采用 X 的结果/由 Y 继续）；双方工时均保留",
				"state stays; inbox \"double work\" to foreman (take X's result / go on with Y); both labour kept"},
			Keepers: []Keeper{ByWork}},
		{Number: 3, A: Words{"改派 X→Y", "reassign X→Y"}, B: Words{"X 开工或挂起", "start or pause by X"},
			Outcome: Words{"保留工时；状态不变；告知 X 停工或申请接手",
				"labour fact kept; state stays; X is told to stop or ask takeover"},
			Keepers: []Keeper{ByWork}},
		{Number: 4, A: Words{"Y 报完工", "submit_completion by Y"}, B: Words{"X 报完工，同一轮", "submit_completion by X, same round"},
			Outcome: Words{"合并：同一轮、两组证据、两名执行人；重新计算所需照片",
				"union: one round, two evidence bundles, both performers; required set recomputed"},
			Keepers: []Keeper{ByWork}},
		{Number: 5, A: Words{"已取消", "CANCELLED"}, B: Words{"报完工", "submit_completion"},
			Outcome: Words{"仍为已取消，标记 `work_after_cancel`；事项：主管恢复为待确认或确认取消；每天提醒，不自动撤销",
				"stays CANCELLED + `work_after_cancel`; inbox: supervisor reinstates to PENDING_REVIEW or confirms; reminded daily, never auto-dropped"},
			Keepers: []Keeper{ByWork}},
		{Number: 6, A: Words{"已合并到 T2", "MERGED into T2"}, B: Words{"对 T1 报完工", "submit_completion on T1"},
			Outcome: Words{"指令转到 T2 并在那里判定；事实在两张工单上都可见",
				"command forwarded to T2 and judged there; facts visible on both"},
			Keepers: []Keeper{ByWork}},
		{Number: 7, A: Words{"已关闭（Y 的工作）", "CLOSED (Y's work)"}, B: Words{"X 报完工", "submit_completion by X"},
			Outcome: Words{"仍为已关闭；迟到的证据；确认人可见；X 的检查表有不合格项时提出「是否重新打开？」",
				"stays CLOSED; late evidence; reviewer sees it; if X's checklist has a fail ⇒ inbox \"reopen?\""},
			Keepers: []Keeper{ByWork}},
		{Number: 8, A: Words{"返工（第 n+1 轮）", "REWORK (round n+1)"}, B: Words{"第 n 轮的照片", "photos of round n"},
			Outcome: Words{"存于第 n 轮；不满足第 n+1 轮的要求（退回之前拍摄）",
				"stored under round n; do not satisfy round n+1 (captured before the reject)"},
			Keepers: []Keeper{ByEvidence, ByWork}},
		{Number: 9, A: Words{"返工（第 n+1 轮）", "REWORK (round n+1)"}, B: Words{"第 n 轮的报完工，或其重发", "submit_completion of round n, or a resend of it"},
			Outcome: Words{"记在第 n 轮；状态仍为返工",
				"recorded on round n; state stays REWORK"},
			Keepers: []Keeper{ByWork}},
		{Number: 10, A: Words{"同一轮有新证据，无标记", "new evidence in the same round, no flag"}, B: Words{"按旧摘要确认", "approve with older digest"},
			Outcome: Words{"接受；备注「在迟到的证据之前确认」",
				"accepted; note \"approved before late evidence\""},
			Keepers: []Keeper{ByWork}},
		{Number: 11, A: Words{"新的硬标记、异议或检查表不合格", "new hard flag, dispute or checklist fail"}, B: Words{"按旧摘要确认", "approve with older digest"},
			Outcome: Words{"搁置 `stale_approval`；再次询问确认人；状态仍为待确认",
				"parked `stale_approval`; reviewer asked again; state stays PENDING_REVIEW"},
			Keepers: []Keeper{ByWork}},
		{Number: 12, A: Words{"R1 确认 → 已关闭", "approve by R1 → CLOSED"}, B: Words{"R2 退回，同一轮，24 小时内", "reject by R2, same round, ≤ 24 h"},
			Outcome: Words{"回到待确认，附双方意见交主管；不再计为关闭；已发出的评价保留",
				"back to PENDING_REVIEW for the supervisor with both opinions; closure un-counted; evaluation already sent is kept"},
			Keepers: []Keeper{ByWork}},
		{Number: 13, A: Words{"R1 退回 → 返工", "reject by R1 → REWORK"}, B: Words{"R2 确认，同一轮", "approve by R2, same round"},
			Outcome: Words{"返工不变；确认记为不同意见（质量优先）",
				"REWORK stays; approve recorded as dissent (quality first)"},
			Keepers: []Keeper{ByWork}},
		{Number: 14, A: Words{"R1 确认", "approve by R1"}, B: Words{"R2 确认", "approve by R2"},
			Outcome: Words{"幂等；增加第二位确认人",
				"idempotent; second signer added"},
			Keepers: []Keeper{ByWork}},
		{Number: 15, A: Words{"住户重新打开（第 n+1 轮）", "reopen by resident (round n+1)"}, B: Words{"对第 n 轮的确认", "approve of round n"},
			Outcome: Words{"记在第 n 轮；无影响",
				"recorded on round n; no effect"},
			Keepers: []Keeper{ByWork}},
		{Number: 16, A: Words{"超时并升级", "SLA breach + escalation"}, B: Words{"有效时间早于时限的完工", "completion with effective time before the deadline"},
			Outcome: Words{"可信度 A：结果为「按时（迟同步）」，升级保留并标记 `offline_false_alarm`，通知各级；B/C：提出「时间存疑」事项",
				"trust A: result \"met (late sync)\", escalation stays marked `offline_false_alarm`, levels notified; B/C: \"disputed\" inbox"},
			Keepers: []Keeper{BySchedule, ByWork}},
		{Number: 17, A: Words{"报完工", "submit_completion"}, B: Words{"时间更早的挂起/恢复区间", "pause/resume interval earlier in time"},
			Outcome: Words{"插入区间台账；重新计算时限；状态不变",
				"inserted into the interval ledger; SLA recomputed; state unchanged"},
			Keepers: []Keeper{ByWork}},
		{Number: 18, A: Words{"Y 开工", "start by Y"}, B: Words{"X 开工（同组）", "start by X (same crew)"},
			Outcome: Words{"只有一个处理中，两人都在协作人员中，两段工时",
				"one IN_PROGRESS, both in crew, two labour intervals"},
			Keepers: []Keeper{ByWork}},
		{Number: 19, A: Words{"D1 派单", "dispatch by D1"}, B: Words{"D2 派单（基于旧版本）", "dispatch by D2 (stale base)"},
			Outcome: Words{"以 D1 为准；拒绝 D2 的指令，显示给 D2 并可一键重做",
				"D1 stands; D2's command refused, shown to D2 with one-click redo"},
			Keepers: []Keeper{ByWork}},
		{Number: 20, A: Words{"X 拒单", "decline by X"}, B: Words{"X 从第二部手机接单", "accept by X from his second phone"},
			Outcome: Words{"尚未另派 ⇒ 再派给 X 确认，告知班长；已派给 Y ⇒ 拒绝接单，告知 X",
				"not yet re-dispatched ⇒ DISPATCHED to X again for confirmation, foreman told; already with Y ⇒ accept refused, X told"},
			Keepers: []Keeper{ByWork}},
		{Number: 21, A: Words{"新建 T1", "create T1"}, B: Words{"新建 T2，2 小时内同地点/类别", "create T2, same place/category within 2 h"},
			Outcome: Words{"两张都有效；提示「可能重复」（地点、标签、文字、照片）；只由人合并",
				"both live; \"possible duplicate\" hint (place, tag, text, photo); only a human merges"},
			Keepers: []Keeper{BySchedule}},
		{Number: 22, A: Words{"修改描述", "description edit"}, B: Words{"修改描述", "description edit"},
			Outcome: Words{"后写者显示，差异在历史中",
				"LWW display, diff in history"},
			Keepers: []Keeper{ByMerge}, Fields: []string{"ticket.description"}},
		{Number: 23, A: Words{"修改类别", "category edit"}, B: Words{"修改类别", "category edit"},
			Outcome: Words{"按角色排序；另一值作为建议",
				"RANKED; other value as suggestion"},
			Keepers: []Keeper{ByMerge}, Fields: []string{"ticket.category_id"}},
		{Number: 24, A: Words{"移除标签", "tag removed"}, B: Words{"添加标签", "tag added"},
			Outcome: Words{"标签存在",
				"present"},
			Keepers: []Keeper{ByMerge}, Fields: []string{"ticket.tags"}},
		{Number: 25, A: Words{"隐藏照片", "photo hidden"}, B: Words{"对其标注或评论", "annotation or comment on it"},
			Outcome: Words{"保留；显示仍为隐藏",
				"kept; hidden display stays"},
			Keepers: []Keeper{ByMerge}, Fields: []string{"photo.hidden"}},
		{Number: 26, A: Words{"照片 P 已存于 T1", "photo P stored on T1"}, B: Words{"同一 sha256 用于 T2", "same sha256 offered for T2"},
			Outcome: Words{"一份字节，两处引用；T2 硬标记 `reused_photo`，除非有意共享同一次拍摄",
				"one blob, two references; hard flag `reused_photo` on T2 unless same capture event is shared on purpose"},
			Keepers: []Keeper{ByEvidence}},
		{Number: 27, A: Words{"检查项=合格", "item = pass"}, B: Words{"检查项=不合格（另一部手机）", "item = fail (other phone)"},
			Outcome: Words{"两者都保留，以不合格计，生成工单，由确认人决定",
				"both kept, fail counts, ticket created, reviewer decides"},
			Keepers: []Keeper{ByMerge, ByWork}, Fields: []string{"inspection.answers", "ticket.answers"}},
		{Number: 28, A: Words{"配件 −1", "part −1"}, B: Words{"配件 −1", "part −1"},
			Outcome: Words{"台账 −2",
				"ledger −2"},
			Keepers: []Keeper{ByMerge}, Fields: []string{"ticket.parts_used"}},
		{Number: 29, A: Words{"X 到过检查点", "checkpoint visited by X"}, B: Words{"Y 到过", "visited by Y"},
			Outcome: Words{"两次到访；有效时间最早者为正式，其余为佐证",
				"two visits; earliest effective = official, other = confirming"},
			Keepers: []Keeper{ByWork}, Fields: []string{"inspection.visits"}},
		{Number: 30, A: Words{"巡检漏检*", "round MISSED*"}, B: Words{"提交", "submit"},
			Outcome: Words{"`late_sync`（见上）",
				"`late_sync` (above)"},
			Keepers: []Keeper{ByWork, BySchedule}},
		{Number: 31, A: Words{"模板 v8 发布", "template v8 published"}, B: Words{"按 v7 作答", "answers under v7"},
			Outcome: Words{"按 v7 接受，不再重新校验",
				"accepted under v7, never re-validated"},
			Keepers: []Keeper{ByWork}, Fields: []string{"inspection.checklist_version"}},
		{Number: 32, A: Words{"人员在 t 停权", "actor suspended at t"}, B: Words{"t 之前的操作（可信度 A）/t 之后或 B、C", "events before t (trust A) / after t or B,C"},
			Outcome: Words{"接受/事实隔离并交主管，指令拒绝",
				"accepted / facts to quarantine + supervisor, commands refused"},
			Keepers: []Keeper{ByEngine, ByAuth}},
		{Number: 33, A: Words{"设备吊销（手机丢失）", "device revoked (lost phone)"}, B: Words{"任何上传", "any upload"},
			Outcome: Words{"事实隔离；主管可采纳",
				"facts to quarantine; supervisor may admit"},
			Keepers: []Keeper{ByEngine, ByAuth}},
		{Number: 34, A: Words{"工单归档或个人数据删除", "ticket archived or personal data erased"}, B: Words{"任何事实", "any facts"},
			Outcome: Words{"按编号关联的孤立存放，提出事项；设备租期（14 天）内不可能彻底删除",
				"orphan store linked by id, inbox; hard delete is impossible while a device lease (14 days) is open"},
			Keepers: []Keeper{ByEngine, ByWork}},
		{Number: 35, A: Words{"报完工", "submit_completion"}, B: Words{"离线班长的改派、取消或合并", "reassign, cancel or merge by an offline foreman"},
			Outcome: Words{"拒绝（「已完成」），显示给 B；主管仍可在当前版本上明确取消",
				"refused (\"already done\"), shown to B; supervisor may still cancel explicitly on the current version"},
			Keepers: []Keeper{ByWork}},
		{Number: 36, A: Words{"完工待传证，随后手机丢失或清空", "DONE_PENDING_EVIDENCE, then the phone is lost or wiped"}, B: Words{"–", "–"},
			Outcome: Words{"追缴名单 ⇒ 重拍（新拍摄，标记 `retake`，需位置证明）或 `force_close`；承诺过的哈希仍列为丢失",
				"chase list ⇒ retake (new capture, flag `retake`, place proof needed) or `force_close`; the promised hashes stay listed as lost"},
			Keepers: []Keeper{ByEvidence, ByWork}},
		{Number: 37, A: Words{"R 确认 → 已关闭", "approve by R → CLOSED"}, B: Words{"迟到的事实表明 R 做过部分工作", "late fact shows R did part of the work"},
			Outcome: Words{"标记 `self_approval`；回到待确认，由其他人确认",
				"flag `self_approval`; back to PENDING_REVIEW for another reviewer"},
			Keepers: []Keeper{ByWork}},
		{Number: 38, A: Words{"同一事件已生效", "same event already applied"}, B: Words{"重放，或从备份恢复后重用 `lane seq`", "replay, or restore from backup with reused `lane seq`"},
			Outcome: Words{"重放幂等；同序号不同哈希 ⇒ 判为分叉，强制新的 device_id，两支都保留",
				"replay idempotent; same seq + other hash ⇒ fork detected, new device_id forced, both branches kept"},
			Keepers: []Keeper{ByEngine}},
	}
}
