package term

import "sync"

// Field returns what a field of a record is called in Chinese, by its name in the schema; "" where it has no word. English has the names of the schema. It is safe for
// concurrent use.
func Field(name string) string { return fields()[name] }

var fields = sync.OnceValue(func() map[string]string {
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
		"before_photo": "处理前照片", "shown_photo_ids": "待核对照片", "past_child_ids": "往轮子工单", "named_ids": "被他人指名者", "disclaimer_ids": "声明未参与者",

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
})
