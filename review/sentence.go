package review

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/term"
)

// operation names what an entry did, in a word.
func operation(e *roundsv1.StoryEntry) string {
	switch e.GetType() {
	case roundsv1.EntryType_ENTRY_TYPE_ADMITTED:
		return "admit"
	case roundsv1.EntryType_ENTRY_TYPE_EVICTED:
		return "evict"
	}
	act := e.GetAct()
	switch {
	case act.GetFact() != nil:
		return "add"
	case act.GetEdit() != nil && act.GetBase() == 0 && len(act.GetEdit().GetFields()) == 0:
		return "create"
	case act.GetEdit() != nil:
		return "edit"
	case act.GetCommand().GetDelete() != nil:
		return "delete"
	}
	for _, command := range []protoreflect.Message{act.GetCommand().GetTicket().ProtoReflect(), act.GetCommand().GetInspection().ProtoReflect(),
		act.GetCommand().GetConflict().ProtoReflect()} {
		if name := chosen(command, "command"); name != "" {
			return name
		}
	}
	return ""
}

// inBoth is a text in the two languages.
type inBoth struct{ zh, en string }

// doings are the words of commands and of what is done to records of any kind.
func doings() map[string]inBoth {
	return map[string]inBoth{
		"create": {"新建", "made"}, "edit": {"修改", "changed"}, "add": {"添加", "added"}, "delete": {"删除", "deleted"}, "evict": {"归档", "archived"},
		"admit": {"采纳", "let in what had waited"}, "triage": {"受理", "triaged it"}, "dispatch": {"派单", "dispatched it"},
		"accept": {"接单", "accepted it"}, "decline": {"拒单", "declined it"}, "start": {"开工", "started"}, "pause": {"挂起", "paused"},
		"resume": {"恢复处理", "resumed"}, "submit_completion": {"报完工", "reported it as done"}, "approve": {"确认", "approved it"},
		"reject": {"退回返工", "sent it back"}, "cancel": {"取消", "cancelled it"}, "merge": {"合并", "merged it"}, "escalate": {"升级", "escalated it"},
		"customer_accept": {"客户验收", "accepted it as the customer"}, "dispute": {"提出异议", "disputed it"},
		"force_close": {"强制关闭", "closed it without evidence"}, "split": {"拆分", "split it"}, "ask": {"要求补证", "asked for more evidence"},
		"follow_up": {"登记回访", "recorded the follow-up visit"}, "reopen": {"重新打开", "opened it again"}, "release": {"下发", "released it"},
		"submit": {"提交", "submitted it"}, "return": {"退回补检", "returned it"}, "excuse": {"免检", "excused it"},
		"dismiss": {"不予采纳", "left it out"}, "decide": {"裁决", "decided"}, "assign": {"指派", "assigned it"},
	}
}

// things are the words of kinds.
func things() map[string]inBoth {
	return map[string]inBoth{
		"ticket": {"工单", "the ticket"}, "inspection": {"巡检任务", "the round"}, "photo": {"照片", "a photo"}, "comment": {"备注", "a remark"},
		"conflict": {"待处理事项", "a question"}, "notice": {"通知", "a notice"},
	}
}

// fieldWords are Chinese names of the fields that a story may name; English has those of the schema.
func fieldWords() map[string]string {
	return map[string]string{
		"title": "标题", "description": "描述", "category_id": "类别", "priority": "优先级", "location": "位置", "tags": "标签", "crew_ids": "协作人员",
		"notes": "处理记录", "contact_phone": "联系电话", "charge_cents": "费用", "asset_id": "设备", "watcher_ids": "关注人", "parts_used": "用料",
		"state": "状态", "flags": "标记", "hidden": "隐藏", "answers": "检查项", "readings": "读数", "labour": "工时", "scans": "扫码", "visits": "到访",
		"report": "检查结果", "deadlines": "时限", "moves": "状态记录", "escalation_level": "升级级别", "assignee_id": "处理人", "round": "轮次",
		"findings": "检查发现", "score": "得分",

		"customer_words": "客户原话", "reporter_id": "报事人", "channel": "来源", "household_id": "户号", "attributes": "附加信息", "parent_id": "上级工单",
		"child_ids": "子工单", "origin": "来由", "assign_epoch": "派单次数", "pause_reason": "挂起原因", "state_reason": "状态原因", "completions": "完工记录",
		"merged_into_id": "并入工单", "merged_ids": "并入的工单", "approver_ids": "确认人", "reported_time_us": "上报时间", "closed_time_us": "关闭时间",
		"requirements": "作业要求", "reviews": "审核记录", "former_assignee_ids": "原处理人", "acceptance": "客户评价", "performer_ids": "完工人",
		"before_photo": "处理前照片", "shown_photo_ids": "待核对照片",

		"checklist_id": "检查表", "checklist_version": "检查表版本", "window_start_us": "窗口开始", "window_end_us": "窗口结束", "checkpoint_ids": "点位",
		"plan_id": "计划", "route": "路线", "inspector_id": "巡检人", "official_visits": "有效到访", "provisional": "暂定", "failed": "不通过",
		"grace_end_us": "宽限截止", "tally": "统计",

		"subject": "所属记录", "role": "用途", "type": "类型", "item_id": "检查项编号", "annotation_of_id": "所标注照片", "sha256": "哈希",
		"photo_sha256": "照片哈希", "size_bytes": "文件大小", "media_type": "文件类型", "width_px": "宽度", "height_px": "高度", "captured": "拍摄时刻",
		"source": "照片来源", "preview": "缩略图", "person_id": "人员", "capture_number": "拍摄序号", "shared": "共用", "legal_hold": "依法保留",
		"words": "内容", "said": "发言时刻",

		"field": "字段", "journal_seq": "历史序号", "device_id": "手机", "lane_seq": "手机序号", "sentence": "说明", "opened_time_us": "提出时间", "sides": "双方",
		"actions": "可选处理", "owner_role": "处理角色", "owner_id": "裁决人", "reminders": "提醒次数", "remind_us": "提醒时间", "resolution": "裁决",
		"resolved_by_id": "裁决者", "decision": "决定", "decision_reason": "决定理由",
	}
}

// called is what a person, a place or a category is called, else the end of its id.
func called(id string, names map[string]*roundsv1.Text) inBoth {
	if name := names[id]; name != nil {
		return inBoth{name.GetZh(), name.GetEn()}
	}
	short := id[max(0, len(id)-8):]
	return inBoth{short, short}
}

// sentence says what an entry of a record's story did, in both languages. The question is the one that the entry waited as, or that let it in; nil where none did.
func sentence(e *roundsv1.StoryEntry, d details, of *roundsv1.RecordRef, question *roundsv1.Conflict) *roundsv1.Text {
	names := d.names
	who := inBoth{"系统", "The server"}
	if person := e.GetPersonId(); person != "" {
		who = called(person, names)
	}
	did, known := doings()[e.GetOperation()]
	if !known {
		did = inBoth{"操作", "did something that this server cannot read"}
	}
	if e.GetRedacted() {
		did = inBoth{"操作（内容已依规删除）", "did something whose content was removed by law"}
	}
	what := inBoth{}
	switch e.GetOperation() {
	case "create", "delete", "evict":
		thing := things()[e.GetRecord().GetKind()]
		what = inBoth{thing.zh, " " + thing.en}
	case "add":
		what = added(e, d)
	case "admit":
		if e.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED {
			who, what = admission(e, question, names)
		}
	case "edit":
		what = edited(e, d)
	case "dispatch":
		to := called(e.GetAct().GetCommand().GetTicket().GetDispatch().GetAssigneeId(), names)
		what = inBoth{"给" + to.zh, " to " + to.en}
	}
	if old := instead(e, names); old != (inBoth{}) {
		what = inBoth{what.zh + old.zh, what.en + old.en}
	}
	if reason := reasonOf(e.GetAct().GetCommand(), d.site); reason != (inBoth{}) {
		what = inBoth{what.zh + "：" + reason.zh, what.en + ": " + reason.en}
	}
	if e.GetRecord().GetKind() == string(kindTicket) && e.GetRecord().GetId() != of.GetId() {
		what = inBoth{what.zh + "（在并入的工单上）", what.en + " (on a ticket that was merged into this one)"}
	}
	after := inBoth{}
	switch why := e.GetOutcome().GetProblem().GetSentence(); e.GetOutcome().GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
		after = refused(why)
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT, roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
		after = afterwards(e, question, names)
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		after = inBoth{"（与他人的修改合并）", " (merged with what others wrote)"}
	}
	return &roundsv1.Text{Zh: who.zh + " " + did.zh + what.zh + after.zh, En: who.en + " " + did.en + what.en + after.en}
}

// mostQuoted bounds what a sentence quotes, characters.
const mostQuoted = 40

// instead says what an entry replaced, where that is short: the state, people and categories by name, the title, the number, the priority.
func instead(e *roundsv1.StoryEntry, names map[string]*roundsv1.Text) inBoth {
	var zh, en []string
	add := func(old inBoth) {
		if old != (inBoth{}) {
			zh, en = append(zh, old.zh), append(en, old.en)
		}
	}
	name := func(id string) {
		if id != "" {
			add(called(id, names))
		}
	}
	quote := func(text string) {
		if n := utf8.RuneCountInString(text); n > 0 && n <= mostQuoted {
			add(inBoth{"「" + text + "」", "“" + text + "”"})
		}
	}
	t := e.GetReplaced().GetTicket()
	name(t.GetAssigneeId())
	name(t.GetCategoryId())
	quote(t.GetTitle())
	quote(t.GetContactPhone())
	add(inWords(t.GetPriority()))
	old := inBoth{}
	if len(zh) > 0 {
		old = inBoth{"，代替" + strings.Join(zh, "、"), ", instead of " + strings.Join(en, ", ")}
	}
	if state := inWords(t.GetState()); state != (inBoth{}) {
		old = inBoth{old.zh + "（此前：" + state.zh + "）", old.en + " (before: " + state.en + ")"}
	}
	return old
}

// inWords is what a value of an enum is called; nothing where it has no words.
func inWords(value protoreflect.Enum) inBoth {
	words := term.Of(value)
	return inBoth{words.GetZh(), words.GetEn()}
}

// reasonOf is the reason or the words that a command carries; a code of the site's lists by its words.
func reasonOf(c *roundsv1.Command, site policy.Policy) inBoth {
	if back := c.GetTicket().GetReject(); back != nil {
		reason := back.GetReason()
		if back.GetWords() != "" {
			reason += ": " + back.GetWords()
		}
		words := site.WhyReturned(reason)
		return inBoth{words.GetZh(), words.GetEn()}
	}
	reason := freeReason(c)
	words := &roundsv1.Text{Zh: reason, En: reason}
	switch {
	case c.GetTicket().GetPause() != nil:
		words = site.WhyMoved(reason)
	case c.GetInspection().GetReturn() != nil:
		words = site.WhyReturned(reason)
	}
	return inBoth{words.GetZh(), words.GetEn()}
}

// freeReason is the reason or the words of a command, as somebody wrote it.
func freeReason(c *roundsv1.Command) string {
	for _, command := range []protoreflect.Message{c.GetTicket().ProtoReflect(), c.GetInspection().ProtoReflect(), c.GetConflict().ProtoReflect()} {
		if !command.IsValid() {
			continue
		}
		field := command.WhichOneof(command.Descriptor().Oneofs().ByName("command"))
		if field == nil {
			continue
		}
		of := command.Get(field).Message()
		for _, name := range []protoreflect.Name{"words", "reason"} {
			if text := of.Descriptor().Fields().ByName(name); text != nil && text.Kind() == protoreflect.StringKind && of.Get(text).String() != "" {
				return of.Get(text).String()
			}
		}
	}
	return ""
}

// added says what a fact added.
func added(e *roundsv1.StoryEntry, d details) inBoth {
	if e.GetRecord().GetKind() != string(kindTicket) && e.GetRecord().GetKind() != string(kindInspection) {
		thing := things()[e.GetRecord().GetKind()]
		return inBoth{thing.zh, " " + thing.en}
	}
	return fieldList(contentOf(e.GetAct().GetFact().GetRecord()), nil, d.of(e.GetAct().GetFact().GetRecord(), nil))
}

// edited says which fields an edit wrote.
func edited(e *roundsv1.StoryEntry, d details) inBoth {
	return fieldList(contentOf(e.GetAct().GetEdit().GetRecord()), e.GetAct().GetEdit().GetFields(), d.of(e.GetAct().GetEdit().GetRecord(), e.GetReplaced()))
}

// fieldList names fields: those with the numbers, or where there are none, those that are set. The details, by the fields' names, stand behind them.
func fieldList(of protoreflect.Message, numbers []uint32, details map[string]inBoth) inBoth {
	if of == nil {
		return inBoth{}
	}
	var zh, en []string
	add := func(field protoreflect.FieldDescriptor) {
		name := string(field.Name())
		detail := details[name]
		if detail != (inBoth{}) {
			detail = inBoth{"（" + detail.zh + "）", " (" + detail.en + ")"}
		}
		en = append(en, strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "_id"), "_", " ")+detail.en)
		if word := fieldWords()[name]; word != "" {
			name = word
		}
		zh = append(zh, name+detail.zh)
	}
	fields := of.Descriptor().Fields()
	for _, number := range numbers {
		if field := fields.ByNumber(protoreflect.FieldNumber(number)); field != nil {
			add(field)
		}
	}
	if len(numbers) == 0 {
		for i := range fields.Len() {
			if of.Has(fields.Get(i)) {
				add(fields.Get(i))
			}
		}
	}
	if len(en) == 0 {
		return inBoth{}
	}
	return inBoth{strings.Join(zh, "、"), " " + strings.Join(en, ", ")}
}
