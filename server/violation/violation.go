// Package violation says in words what is wrong with a message that breaks a rule of its schema.
package violation

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Error is what is wrong with a message: the first field that breaks a rule.
type Error struct {
	problem *roundsv1.Problem
	what    string
	cause   error
}

// Error names the field and the rule, as "edit.record.ticket.title: must be at most 1024 bytes".
func (e *Error) Error() string { return e.problem.GetField() + ": " + e.what }

// Unwrap returns what protovalidate found.
func (e *Error) Unwrap() error { return e.cause }

// Problem says it for people: its code is INVALID_FIELD, its field the path in the message. It is the caller's.
func (e *Error) Problem() *roundsv1.Problem { return proto.CloneOf(e.problem) }

// By returns what holds messages against the rules of their schema. Its error is an *Error, except where a rule itself could not be asked.
func By(v protovalidate.Validator) func(proto.Message) error {
	return func(m proto.Message) error { return Of(v.Validate(m)) }
}

// Of makes an *Error of one of protovalidate; any other error it returns as it is.
func Of(err error) error {
	var fields *protovalidate.ValidationError
	if !errors.As(err, &fields) || len(fields.Violations) == 0 {
		return err
	}
	v := fields.Violations[0]
	return &Error{what: v.Proto.GetMessage(), cause: err, problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD,
		Field: protovalidate.FieldPathString(v.Proto.GetField()), Sentence: sentence(v)}}
}

// sentence says which field breaks which rule.
func sentence(v *protovalidate.Violation) *roundsv1.Text {
	zh, en := fieldName(v.Proto.GetField())
	ruleZh, ruleEn := rule(v)
	return &roundsv1.Text{Zh: zh + ruleZh + "。", En: en + " " + ruleEn + "."}
}

// fieldName is what people call the last field of a path; one that has no name among them goes by that of the schema.
func fieldName(path *validate.FieldPath) (zh, en string) {
	name := ""
	for _, element := range path.GetElements() {
		name = element.GetFieldName()
	}
	if name == "" {
		return "内容", "This"
	}
	zh = "「" + name + "」"
	if word := names()[name]; word != "" {
		zh = word
	}
	return zh, "The " + strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "_id"), "_", " ")
}

// names are Chinese words for the fields that people fill in.
func names() map[string]string {
	return map[string]string{"title": "标题", "description": "描述", "words": "说明", "reason": "原因", "note": "说明", "notes": "备忘", "customer_words": "客户原话",
		"contact_phone": "联系电话", "tags": "标签", "location": "位置", "latitude": "纬度", "longitude": "经度", "accuracy_m": "定位精度", "priority": "优先级",
		"category_id": "类别", "asset_id": "设备", "assignee_id": "处理人", "photo_ids": "照片", "item_ids": "检查项", "item_id": "检查项", "answers": "检查项结果",
		"checklist_id": "检查表", "checkpoint_ids": "点位", "record_id": "记录编号", "payload": "标签内容", "scan_payload": "标签内容", "round": "轮次",
		"quantity": "读数名称", "unit": "单位", "name": "名称", "code": "编码", "comment": "评价", "rating": "评分", "channel": "来源", "household_id": "户号",
		"crew_ids": "协作人员", "charge_cents": "费用", "page_size": "每页条数", "page_token": "翻页标记", "scope": "范围", "scopes": "范围", "act": "操作", "command": "操作"}
}

// rule says what a rule asks that does not hold.
func rule(v *protovalidate.Violation) (zh, en string) {
	limit := ""
	if v.RuleValue.IsValid() {
		limit = fmt.Sprint(v.RuleValue.Interface())
	}
	_, name, standard := strings.Cut(v.Proto.GetRuleId(), ".")
	if !standard {
		name = v.Proto.GetRuleId()
	}
	switch name {
	case "max_bytes":
		return "太长：最多" + limit + "字节（一个汉字占三个字节）", "is too long: at most " + limit + " bytes, of which a Chinese character takes three"
	case "max_len":
		return "太长：最多" + limit, "is too long: at most " + limit
	case "min_bytes", "min_len":
		if limit == "1" {
			return "没有填写", "is missing"
		}
		return "太短：至少" + limit, "is too short: at least " + limit
	case "required":
		return "没有填写", "is missing"
	case "uuid", "uuid_empty":
		return "不是有效的编号", "is no id (a UUID)"
	case "max_items", "max_pairs":
		return "太多：最多" + limit + "项", "is too many: at most " + limit
	case "min_items":
		return "太少：至少" + limit + "项", "is too few: at least " + limit
	case "unique":
		return "有重复", "has the same twice"
	case "defined_only":
		return "不是可选的值", "is none of the values that there are"
	case "gte":
		return "太小：至少为" + limit, "is too small: at least " + limit
	case "gt":
		return "太小：须大于" + limit, "is too small: more than " + limit
	case "lte":
		return "太大：最多为" + limit, "is too large: at most " + limit
	case "lt":
		return "太大：须小于" + limit, "is too large: less than " + limit
	}
	return "不符合要求（" + v.Proto.GetMessage() + "）", "is not as it has to be: " + v.Proto.GetMessage()
}
