package work

import (
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// lacks are the demands of a ticket that a task's fall short of, in both languages: a ticket that ends with its tasks is proved by them. One that is of no category yet
// demands nothing.
func lacks(ticket, task *roundsv1.Requirements) (zh, en []string) {
	say := func(short bool, inChinese, inEnglish string) {
		if short {
			zh, en = append(zh, inChinese), append(en, inEnglish)
		}
	}
	if ticket.GetCategoryId() == "" {
		return nil, nil
	}
	n := strconv.FormatUint(uint64(ticket.GetAfterPhotos()), 10)
	say(task.GetAfterPhotos() < ticket.GetAfterPhotos(), "完工照片"+n+"张", n+" photos of the finished work")
	say(ticket.GetBeforePhoto() && !task.GetBeforePhoto(), "「处理前」照片", "a photo from before the work")
	say(ticket.GetLiveCamera() && !task.GetLiveCamera(), "实时拍摄", "the live camera")
	say(ticket.GetChecklistId() != "" && task.GetChecklistId() != ticket.GetChecklistId(), "检查表", "its checklist")
	return zh, en
}

// covers: whether a task asks for at least what its ticket asks for.
func covers(ticket, task *roundsv1.Requirements) bool {
	zh, _ := lacks(ticket, task)
	return len(zh) == 0
}

// uncovered is what no task of a ticket that is split would ask for, in both languages; of several tasks it is of the one that comes closest. Those that it has count
// with the new ones, but for what was cancelled, or done for an earlier round.
func (j *judgement) uncovered() []string {
	zh, _ := j.shortOf()
	return zh
}

func (j *judgement) shortOf() (zh, en []string) {
	t := j.ticket()
	var tasks []*roundsv1.Requirements
	for _, id := range t.GetChildIds() {
		if task := j.lookup(kindTicket, id).GetRecord().GetTicket(); task != nil && state(task.GetState()) != cancelled && !slices.Contains(t.GetPastChildIds(), id) {
			tasks = append(tasks, task.GetRequirements())
		}
	}
	for _, task := range j.ticketAct().GetSplit().GetTasks() {
		tasks = append(tasks, j.requirementsOf(task.GetCategoryId(), t.GetPriority()))
	}
	for i, task := range tasks {
		if z, e := lacks(mostOf(t.GetRequirements()), task); i == 0 || len(z) < len(zh) {
			zh, en = z, e
		}
	}
	return zh, en
}

func (j *judgement) coverFacts() map[string]string {
	zh, en := j.shortOf()
	return map[string]string{"demands": strings.Join(zh, "、"), "demands_en": strings.Join(en, ", ")}
}

// tellUncovered tells who leads the work that all tasks of a ticket have ended, and none that was done in its round asked for what the ticket asks for: it does not end by itself.
func (j *judgement) tellUncovered() {
	zh := "各项任务均已结束，但本轮完成的任务没有一项达到此工单的要求（照片、检查表等），工单不会自动关闭。请派人完成并报完工；证据确实无法取得的，由两人强制关闭。"
	en := "All tasks of the ticket have ended, and none that was done in this round met what the ticket itself asks for (photos, its checklist), so it does not close by itself. Give it to" +
		" somebody to be done and reported; where the evidence cannot come, two people close it by force."
	for _, role := range []roundsv1.Role{roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_SUPERVISOR} {
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, toRole(role), zh, en)
	}
}
