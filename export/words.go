package export

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// word is one word in the languages of the files.
type word struct{ zh, en string }

// language is that of one file.
type language bool

const (
	chinese language = false
	english language = true
)

func languageOf(l roundsv1.ExportLanguage) language {
	return l == roundsv1.ExportLanguage_EXPORT_LANGUAGE_EN
}

func (l language) of(w word) string {
	if l == english {
		return w.en
	}
	return w.zh
}

func (l language) text(t *roundsv1.Text) string {
	first, second := t.GetZh(), t.GetEn()
	if l == english {
		first, second = second, first
	}
	if first == "" {
		return second
	}
	return first
}

// enum is what the generated enums have in common.
type enum interface {
	Number() protoreflect.EnumNumber
	Descriptor() protoreflect.EnumDescriptor
	String() string
}

// code is the short form of an enum's value: IN_PROGRESS for TICKET_STATE_IN_PROGRESS. A value that is not set has none, one of a newer app its number.
func code(e enum) string {
	if e.Number() == 0 {
		return ""
	}
	values := e.Descriptor().Values()
	zero := string(values.ByNumber(0).Name()) // TICKET_STATE_UNSPECIFIED
	return strings.TrimPrefix(e.String(), strings.TrimSuffix(zero, "UNSPECIFIED"))
}

// in is the word for an enum's value; its code where there is none.
func (l language) in(e enum) string {
	if e.Number() == 0 {
		return ""
	}
	words := wordsOf(string(e.Descriptor().Name()))
	if n := int(e.Number()); n < len(words) && words[n] != (word{}) {
		return l.of(words[n])
	}
	return code(e)
}

// wordsOf are the words of an enum, by the number of the value.
func wordsOf(name string) []word {
	switch name {
	case "TicketState":
		return []word{{}, {"待受理", "new"}, {"待派单", "triaged"}, {"待接单", "dispatched"}, {"已接单", "accepted"}, {"处理中", "in progress"}, {"挂起", "paused"},
			{"完工待传证", "done, evidence pending"}, {"待确认", "pending review"}, {"返工", "rework"}, {"已关闭", "closed"}, {"已取消", "cancelled"}, {"已合并", "merged"}}
	case "InspectionState":
		return []word{{}, {"已计划", "planned"}, {"已下发", "released"}, {"执行中", "running"}, {"已提交", "submitted"}, {"待审核", "pending review"}, {"已通过", "approved"},
			{"补检", "returned"}, {"漏检", "missed"}, {"部分完成", "partial"}, {"已豁免", "excused"}}
	case "Priority":
		return []word{{}, {"一般", "minor"}, {"普通", "normal"}, {"紧急", "urgent"}, {"特急", "emergency"}}
	case "Channel":
		return []word{{}, {"400 电话", "phone"}, {"业主 App", "app"}, {"公众号", "official account"}, {"小程序", "mini-program"}, {"邮件", "e-mail"}, {"扫码", "QR code"},
			{"管家", "butler"}, {"巡查", "patrol"}, {"巡检", "inspection"}}
	case "Acceptance":
		return []word{{}, {"客户认可", "accepted"}, {"客户有异议", "disputed"}}
	case "Step":
		return []word{{}, {"响应", "respond"}, {"到场", "arrive"}, {"完工", "finish"}, {"确认", "review"}, {"回访", "follow-up"}}
	case "DeadlineState":
		return []word{{}, {"计时中", "open"}, {"暂停计时", "stopped"}, {"按时", "met"}, {"超时", "breached"}, {"按时（离线补传）", "met, synced late"}, {"有争议", "disputed"},
			{"不再要求", "void"}}
	case "Verdict":
		return []word{{}, {"通过", "approved"}, {"退回", "rejected"}, {"要求补充", "more asked for"}, {"异见", "dissent"}, {"反对", "objected"}}
	case "PhotoRole":
		return []word{{}, {"处理前", "before"}, {"处理后", "after"}, {"检查项", "item"}, {"签名", "signature"}, {"标注", "annotation"}}
	case "PhotoState":
		return []word{{}, {"待上传", "declared"}, {"上传中", "uploading"}, {"已存储", "stored"}, {"无问题", "clean"}, {"需留意", "soft"}, {"不可用", "hard"}, {"已分析", "analysed"},
			{"已依规删除", "redacted"}}
	case "PhotoSource":
		return []word{{}, {"现场拍摄", "camera"}, {"相册", "gallery"}}
	case "Severity":
		return []word{{}, {"提示", "note"}, {"需留意", "soft"}, {"不可用", "hard"}}
	case "AnswerResult":
		return []word{{}, {"不适用", "not applicable"}, {"合格", "pass"}, {"跳过", "skipped"}, {"不合格", "fail"}}
	case "OutcomeStatus":
		return []word{{}, {"已采用", "applied"}, {"已合并", "merged"}, {"待人工处理", "conflict"}, {"未采用", "rejected"}, {"暂存待审", "quarantined"}}
	case "EntryType":
		return []word{{}, {"设备操作", "mutation"}, {"系统派生", "derived"}, {"放行", "admitted"}, {"归档", "evicted"}, {"桌面操作", "desk"}}
	case "Trust":
		return []word{{}, {"A 准确", "A exact"}, {"B 推算", "B estimated"}, {"C 不可靠", "C unknown"}}
	case "LocationSource":
		return []word{{}, {"无定位", "no fix"}, {"手工填写", "typed"}, {"定位", "GPS"}, {"扫码", "tag"}, {"人工确认", "confirmed"}}
	case "Role":
		return []word{{}, {"业主", "resident"}, {"员工", "worker"}, {"班长", "foreman"}, {"管家", "butler"}, {"客服", "dispatcher"}, {"品质主管", "supervisor"},
			{"经理", "manager"}, {"管理员", "administrator"}, {"审计", "auditor"}, {"系统", "system"}}
	}
	return nil
}
