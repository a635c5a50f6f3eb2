package work

import (
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/checklist"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/roster"
)

// addGuards adds what the requirements of a ticket and the settings of its site ask of an act.
//
// A refusal is for what the person could have known: how many photos the manifest lists, which items nobody answered. What was asked of the ticket has to have
// been before the person's eyes, so where the requirements changed unseen the act is taken, and the evidence waits for what is missing. A manifest may also name
// photos that have not arrived: those of another phone, or one that waits in quarantine. They count here; whether they come, and what they show, is known when the
// bytes are verified. A device's own photos are here before its command, because its lane is in order.
func (is *ticketConditionSet) addGuards() {
	is.knownCategory = condition{name: "a category of the organisation that is in use", holds: func(j *judgement) bool {
		return j.knownCategory(j.ticketAct().GetTriage().GetCategoryId())
	}, refusal: refusal{invalid, "category_id", "没有这个类别,或该类别已停用。请同步后重新选择类别。",
		"There is no such category, or it is no longer in use. Sync, and choose another."},
		facts: func(j *judgement) map[string]string {
			return map[string]string{"category_id": j.ticketAct().GetTriage().GetCategoryId()}
		}}

	staffFacts := func(j *judgement) map[string]string {
		name := j.assignee().GetName()
		if name == "" {
			name = j.ticketAct().GetDispatch().GetAssigneeId()
		}
		return map[string]string{"person": name, "skill": j.ticket().GetRequirements().GetSkill()}
	}
	overrides := func(j *judgement) bool { return j.holds(roundsv1.Role_ROLE_MANAGER) || j.assignee() == nil }
	is.staffBelongs = condition{name: "the person works at the site, as far as is known", holds: func(j *judgement) bool {
		to := engine.PersonID(j.ticketAct().GetDispatch().GetAssigneeId())
		return j.foresees || j.rules.worksAt == nil || j.rules.worksAt(to, j.Scope, j.Time)
	}, refusal: refusal{offDuty, "assignee_id", "{person}不在本项目工作,请派给本项目的人员。", "{person} does not work at this site. Choose somebody who does."}, facts: staffFacts}
	is.staffStays = condition{name: "the person is of the crew, as far as is known", holds: func(j *judgement) bool { return !j.assignee().GetLeft() },
		refusal: refusal{offDuty, "assignee_id", "{person}已离职,请派给其他人。", "{person} has left the company. Choose somebody else."}, facts: staffFacts}
	is.staffPresent = condition{name: "the person is not away, or a manager says so", holds: func(j *judgement) bool {
		at := j.Time.UnixMicro()
		away := func(a *roundsv1.Absence) bool { return at >= a.GetFromUs() && at < a.GetToUs() }
		return overrides(j) || !slices.ContainsFunc(j.assignee().GetAbsences(), away)
	}, refusal: refusal{offDuty, "assignee_id", "{person}正在请假,请派给其他人;确需派给本人的,请项目经理派单。",
		"{person} is away. Choose somebody else, or have a manager dispatch it."}, facts: staffFacts}
	is.staffOnDuty = condition{name: "the person is on duty, or a manager says so", holds: func(j *judgement) bool {
		zone, err := calendar.Zone(j.reference.Policy(j.Scope).TimeZone)
		return overrides(j) || err != nil || roster.OnDuty(j.assignee(), j.Time, zone)
	}, refusal: refusal{offDuty, "assignee_id", "{person}此时不在班,请派给在班人员;确需派给本人的,请项目经理派单。",
		"{person} is not on duty at that time. Choose somebody who is, or have a manager dispatch it."}, facts: staffFacts}
	is.staffSkilled = condition{name: "the person has the skill, or a manager says so", holds: func(j *judgement) bool {
		skill := j.ticket().GetRequirements().GetSkill()
		return skill == "" || overrides(j) || slices.Contains(j.assignee().GetSkills(), skill)
	}, refusal: refusal{offDuty, "assignee_id", "{person}没有此类工单所需的技能({skill}),请派给有该技能的人;确需派给本人的,请项目经理派单。",
		"{person} does not have the skill that this needs ({skill}). Choose somebody who does, or have a manager dispatch it."}, facts: staffFacts}

	is.pauseListed = condition{name: "a reason of the site's list", holds: func(j *judgement) bool {
		_, listed := j.pauseReason()
		return listed || j.foresees || !j.directory || len(j.reference.Policy(j.Scope).PauseReasons) == 0
	}, refusal: refusal{invalid, "reason", "请从列表中选择挂起原因:{choices}。", "Choose one of the site's reasons for a pause: {choices_en}."},
		facts: func(j *judgement) map[string]string {
			var reasons choices
			for _, r := range j.reference.Policy(j.Scope).PauseReasons {
				reasons.add(r.Code, r.Words)
			}
			return reasons.facts()
		}}
	is.pauseProved = condition{name: "a reason that stops the clocks is shown by a photo or a remark of this ticket, made since they began to run", holds: func(j *judgement) bool {
		reason, _ := j.pauseReason()
		return !reason.StopsClock || j.foresees || !j.directory || j.pausesClock()
	}, refusal: refusal{missing, "proof", "此原因会暂停计时,请先为此工单新拍照片或添加备注(如与业主通话的记录),并在挂起时选择它作为证明;上次暂停计时之前的照片和备注不能再次使用。",
		"This reason stops the clocks. First take a photo or add a remark on this ticket (of a call, say), and name it as the proof; one from before the clocks last began to" +
			" run does not count again."}}
	ledgerFacts := func(*judgement) map[string]string { return map[string]string{"limit": strconv.Itoa(maxMoves / 4)} }
	is.roomForMoves = condition{name: "the ledger has room", holds: func(j *judgement) bool {
		var this int
		for _, m := range j.ticket().GetMoves() {
			if m.GetRound() == j.ticket().GetRound() && m.GetStopsClock() {
				this++
			}
		}
		return this < maxMoves/4
	}, refusal: refusal{overLimit, "", "此工单本轮暂停计时次数过多,请联系班长。", "The clocks of this ticket were stopped too often. Talk to the foreman."}, facts: ledgerFacts}

	is.roomForStarts = condition{name: "the ledger has room for a start", holds: func(j *judgement) bool {
		var late int
		for _, m := range j.ticket().GetMoves() {
			if m.GetState() == moveInProgress && m.GetLate() {
				late++
			}
		}
		return late < maxMoves/4
	}, refusal: refusal{overLimit, "", "此工单迟到的开工记录过多,请联系班长。您的工时和照片已保留。", "Too many starts of this ticket came late. Talk to the foreman; your labour and photos are kept."},
		facts: ledgerFacts}

	is.earlier = condition{name: "earlier than what stands, unseen", holds: func(j *judgement) bool {
		return !j.foresees && j.Time.UnixMicro() < lastMove(j.ticket().GetMoves()).GetTimeUs() && !j.saw(ticketState)
	}}
	standing := func(want roundsv1.TicketState) func(*judgement) bool {
		return func(j *judgement) bool { return standingAt(j.ticket().GetMoves(), j.Time.UnixMicro()) == want }
	}
	is.wasWorking = condition{name: "the work was going on then", holds: standing(moveInProgress)}
	is.wasPaused = condition{name: "the work was paused then", holds: standing(movePaused)}
	is.partOf = condition{name: "had, has or did some of it", holds: func(j *judgement) bool {
		return j.isAssignee() || j.performed() || j.ofMerged() || slices.Contains(j.ticket().GetFormerAssigneeIds(), string(j.Person))
	}}

	is.beforePhoto = condition{name: "a photo from before, where the category asks for one", holds: func(j *judgement) bool {
		t := j.ticket()
		return !t.GetRequirements().GetBeforePhoto() || t.GetBeforePhoto() || !j.knewRequirements() || t.GetRound() > 1
	}, refusal: refusal{missing, "", "此类工单开工前须先拍现场照片(要求{required}张,现有{have}张)。请先拍「处理前」照片再操作;已经处理的,请拍摄现状并选择「处理前」。",
		"This needs a photo of the place from before the work ({required} needed, {have} here). Take it as a photo from before, then try again."},
		facts: func(*judgement) map[string]string { return map[string]string{"required": "1", "have": "0"} }}
	is.photosListed = condition{name: "the manifest lists as many photos of the finished work as was asked for, of this round and from the camera", holds: func(j *judgement) bool {
		need, have := j.photosAsked(), j.photosShown()
		return have >= need || !j.knewRequirements()
	}, refusal: refusal{missing, "photo_ids", "还缺完工照片:要求{required}张,符合要求的有{have}张。须为本轮拍摄的「处理后」照片,要求实时拍摄的不能用相册。请补拍后重新报完工。",
		"Photos of the finished work are missing: {required} needed, {have} listed that count. They have to be of this round, taken as photos from after, with the live" +
			" camera where that is asked for. Take the missing ones, then report it as done again."},
		facts: func(j *judgement) map[string]string {
			return map[string]string{"required": strconv.Itoa(j.photosAsked()), "have": strconv.Itoa(j.photosShown()), "round": strconv.Itoa(int(j.args.round))}
		}}
	is.newCapture = condition{name: "where photos are to be taken again, one that was taken since, with a proof of its place", holds: (*judgement).retook,
		refusal: refusal{missing, "photo_ids", "照片须重新拍摄:请在现场拍一张新的完工照片,并扫描现场标签或开启定位,再报完工。",
			"The photos have to be taken again: take a new one at the place, with its tag scanned or with a fix, then report it as done."}}
	is.listAtHand = condition{name: "its checklist is at hand in the version that was pinned, where the organisation's lists are known", holds: func(j *judgement) bool {
		unseen := j.op == SubmitCompletion && !j.knewRequirements() // it is asked for when the evidence is verified
		return j.foresees || !j.directory || unseen || j.ticket().GetRequirements().GetChecklistVersion() == 0 || j.listPinned(j.ticket()) != nil
	}, refusal: refusal{roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION, "", "服务器上没有此工单所用的检查表版本,不能核对检查项。您的照片和答案已保留,请联系管理员后重新报完工。",
		"The server does not have the version of the checklist that this ticket needs, so nobody can say whether it is complete. Your photos and answers are kept; talk to" +
			" the administrator, then report it as done again."},
		facts: func(j *judgement) map[string]string {
			need := j.ticket().GetRequirements()
			return map[string]string{"checklist": need.GetChecklistId(), "version": strconv.FormatUint(uint64(need.GetChecklistVersion()), 10)}
		}}
	is.possible = condition{name: "every reading can be", holds: func(j *judgement) bool { return len(j.checklistGaps().Impossible) == 0 || !j.knewRequirements() },
		refusal: refusal{impossible, "", "检查项「{questions}」的读数不可能,请核对后重新填写,再报完工。",
			"The reading of \"{questions_en}\" cannot be. Check it and enter it again, then report it as done."},
		facts: func(j *judgement) map[string]string { return j.itemFacts(j.checklistGaps().Impossible) }}
	is.answered = condition{name: "every item of the checklist is answered that has to be", holds: func(j *judgement) bool {
		return len(j.unanswered()) == 0 || !j.knewRequirements()
	}, refusal: refusal{missing, "", "检查表还有{count}项未填完:{questions}。不合格项须附照片和说明,跳过须写原因。请填完后重新报完工。",
		"{count} items of the checklist are not complete: {questions_en}. A failed item needs its photo and a note, a skipped one its reason. Complete them, then report it as done."},
		facts: func(j *judgement) map[string]string { return j.itemFacts(j.unanswered()) }}

	is.recaptured = condition{name: "where photos are to be taken again, a sound one that was taken since, with a proof of its place", holds: (*judgement).recaptured,
		refusal: refusal{missing, "", "照片须重新拍摄,但重拍的照片还没有位置证明。请处理人在现场扫描标签,或开启定位重新拍摄。",
			"The photos have to be taken again, and there is no new one with a proof of its place. Have who did the work scan the tag there, or take one with a fix."},
		facts: func(*judgement) map[string]string { return map[string]string{"required": "1", "have": "0"} }}
	is.listDone = condition{name: "every item of the checklist is answered that has to be, and every reading can be", holds: func(j *judgement) bool { return !j.listIsOpen() },
		refusal: listOpen(), facts: (*judgement).listFacts}
	is.listOpen = condition{name: "items of the checklist are not answered", holds: (*judgement).listIsOpen}
	is.covered = condition{name: "one task asks for at least what the ticket asks for", holds: func(j *judgement) bool { return j.foresees || len(j.uncovered()) == 0 },
		refusal: refusal{missing, "tasks", "拆分后没有一个任务达到本工单的要求,缺少:{demands}。请至少有一个任务选用要求不低于本工单的类别。",
			"No task would ask for what this ticket asks for: {demands_en}. Choose for one task at least a category that asks for as much."}, facts: (*judgement).coverFacts}

	openTasks := func(j *judgement) map[string]string {
		return map[string]string{"open": strconv.Itoa(len(j.openTasks()))}
	}
	is.noOpenTasks = condition{name: "no task of it is open", holds: func(j *judgement) bool { return len(j.openTasks()) == 0 },
		refusal: refusal{badState, "", "此工单已拆分,还有{open}个任务未结束。请先处理或取消各个任务;任务全部结束后,此工单会自动结束。",
			"This ticket was split, and {open} of its tasks are open. Finish or cancel them first; the ticket ends by itself with the last of them."}, facts: openTasks}
	is.notTask = condition{name: "no task itself", holds: func(j *judgement) bool { return j.ticket().GetParentId() == "" },
		refusal: refusal{badState, "", "任务不能再拆分或合并,请在原工单上操作。", "A task is not split or merged. Do that with the ticket that it is a task of."},
		facts:   func(j *judgement) map[string]string { return map[string]string{"parent": j.ticket().GetParentId()} }}
	is.roomForTasks = condition{name: "64 tasks at most", holds: func(j *judgement) bool {
		return len(j.ticket().GetChildIds())+len(j.ticketAct().GetSplit().GetTasks()) <= maxChildren
	}, refusal: refusal{overLimit, "tasks", "一张工单最多拆分为64个任务。", "A ticket has 64 tasks at most."}}
	is.tasksKnown = condition{name: "each task of a category that is in use", holds: func(j *judgement) bool {
		tasks := j.ticketAct().GetSplit().GetTasks()
		return len(tasks) > 0 && !slices.ContainsFunc(tasks, func(t *roundsv1.TicketTask) bool {
			return t.GetCategoryId() == "" || !j.knownCategory(t.GetCategoryId())
		})
	}, refusal: refusal{invalid, "tasks", "有任务没有类别,或类别已停用。请同步后重新选择类别。", "A task has no category, or one that is not in use. Sync, and choose another."}}
	is.hadMerged = condition{name: "by who had the ticket that was merged into this one", holds: (*judgement).ofMerged}
	is.goesOn = condition{name: "the ticket that it was merged into is here", holds: func(j *judgement) bool { return j.endOf(j.Current) != nil }}
	is.passes = condition{name: "the ticket that it was merged into takes it", holds: func(j *judgement) bool {
		v := j.forward()
		return v.Problem == nil || v.Park != roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED
	}, refusal: refusal{badState, "", "工单已合并到另一张工单,请在那张工单上操作。", "The ticket was merged into another. Go on with that one."},
		instead: func(j *judgement) *roundsv1.Problem { return j.forward().Problem }}
}

// assignee is the person whom a dispatch names, as the site's directory knows them; nil where it does not.
func (j *judgement) assignee() *roundsv1.Staff {
	if j.foresees {
		return nil
	}
	return j.lookup(kindStaff, j.ticketAct().GetDispatch().GetAssigneeId()).GetRecord().GetStaff()
}

// pauseReason is the site's reason that a pause names; false where it has none of it.
func (j *judgement) pauseReason() (policy.PauseReason, bool) {
	return j.reference.Policy(j.Scope).Pause(j.ticketAct().GetPause().GetReason())
}

// pausesClock: whether a pause stops the clocks: its reason does, and a photo or a remark of the ticket shows it that was made since they last began to run.
func (j *judgement) pausesClock() bool {
	if j.foresees || j.op != Pause {
		return false
	}
	if reason, known := j.pauseReason(); !known || !reason.StopsClock {
		return false
	}
	proof := j.ticketAct().GetPause().GetProof()
	change := j.lookup(merge.Kind(proof.GetKind()), proof.GetId())
	switch proof.GetKind() {
	case string(kindPhoto):
		return j.isOf(change.GetRecord().GetPhoto().GetSubject()) && writer(change, photoSubject).GetTimeUs() >= j.clockRanFrom()
	case string(kindComment):
		return j.isOf(change.GetRecord().GetComment().GetSubject()) && writer(change, commentSubject).GetTimeUs() >= j.clockRanFrom()
	}
	return false
}

// clockRanFrom is when the clocks last began to run before the act, microseconds since 1970: when the last pause that stopped them ended, or the round began, if that is
// later; 0 where they have run from the beginning. What was made before shows nothing of another pause.
func (j *judgement) clockRanFrom() (us int64) {
	stopped, round := false, j.roundAt()
	for _, m := range j.ticket().GetMoves() {
		if m.GetTimeUs() > j.Time.UnixMicro() {
			break
		}
		if stopped {
			us = m.GetTimeUs()
		}
		stopped = state(m.GetState()) == paused && m.GetStopsClock()
	}
	if round > 1 {
		us = max(us, roundBegan(j.ticket(), round))
	}
	return us
}

// pause writes why the work waits.
func (j *judgement) pause() {
	j.editTicket(ticketPauseReason).PauseReason = j.args.reason
	j.tellClock()
}

// tellClock tells the foreman of a pause that stops the clocks.
func (j *judgement) tellClock() {
	if !j.pausesClock() {
		return
	}
	reason, _ := j.pauseReason()
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_CLOCK_STOPPED, toRole(roundsv1.Role_ROLE_FOREMAN), "工单挂起并暂停计时:"+reason.Words.GetZh()+"。",
		"A ticket waits, with its clocks stopped: "+reason.Words.GetEn()+".")
}

// roundAt is the round that the ticket was in at the time of the act.
func (j *judgement) roundAt() uint32 {
	round := j.ticket().GetRound()
	for _, m := range slices.Backward(j.ticket().GetMoves()) {
		if round = m.GetRound(); m.GetTimeUs() <= j.Time.UnixMicro() {
			break
		}
	}
	return round
}

// knewRequirements: whether what is asked of the ticket was before the person's eyes, and can be known here.
func (j *judgement) knewRequirements() bool {
	return !j.foresees && !j.Admitted && j.merged == nil && j.ticket().GetRequirements() != nil && j.saw(ticketRequirements)
}

// photosAsked is how many photos of the finished work a completion needs; 0 where no category says so.
func (j *judgement) photosAsked() int { return int(j.ticket().GetRequirements().GetAfterPhotos()) }

// photosShown is how many photos of the manifests of the round count, with those of the completion that is submitted: each once, also where the same bytes were
// promised twice.
func (j *judgement) photosShown() int {
	camera := j.ticket().GetRequirements().GetLiveCamera()
	seen, shown := map[string]bool{}, 0
	all, _ := j.completions()
	for _, c := range all {
		if c.GetRound() != j.args.round {
			continue
		}
		for _, id := range c.GetPhotoIds() {
			key := id
			if change := j.lookup(kindPhoto, id); change != nil {
				photo := change.GetRecord().GetPhoto()
				gallery := camera && photo.GetSource() != roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA
				if photo.GetRole() != roundsv1.PhotoRole_PHOTO_ROLE_AFTER || gallery || photo.GetHidden() != nil || photo.GetAnnotationOfId() != "" || !j.ofRound(change) {
					continue
				}
				if hash := string(photo.GetSha256()); hash != "" {
					key = hash
				}
			}
			if !seen[key] {
				seen[key] = true
				shown++
			}
		}
	}
	return shown
}

// retook: whether a completion of a ticket whose photos have to be taken again lists one that no completion listed before, and that shows its place. One that is not
// here yet is asked about when the evidence is verified.
func (j *judgement) retook() bool {
	t := j.ticket()
	if j.foresees || !slices.Contains(t.GetFlags(), FlagRetake) {
		return true
	}
	return slices.ContainsFunc(j.ticketAct().GetSubmitCompletion().GetPhotoIds(), func(id string) bool {
		change := j.lookup(kindPhoto, id)
		return !slices.Contains(manifestOf(t), id) && (change == nil || j.takenAgain(change))
	})
}

// recaptured: whether the manifests of a ticket whose photos have to be taken again list a sound one that was, and that shows its place.
func (j *judgement) recaptured() bool {
	t := j.ticket()
	if j.foresees || !slices.Contains(t.GetFlags(), FlagRetake) {
		return true
	}
	return slices.ContainsFunc(manifestOf(t), func(id string) bool {
		change := j.lookup(kindPhoto, id)
		return sound(change.GetRecord().GetPhoto()) && j.takenAgain(change)
	})
}

// takenAgain: whether a photo of the finished work is of this round, was taken after somebody decided that photos are to be taken again, and shows its place: by a fix,
// by a tag, or by one that was scanned in the round since.
func (j *judgement) takenAgain(change *roundsv1.Change) bool {
	photo, since := change.GetRecord().GetPhoto(), retakeAsked(j.ticket())
	if photo.GetRole() != roundsv1.PhotoRole_PHOTO_ROLE_AFTER || photo.GetHidden() != nil || photo.GetAnnotationOfId() != "" || !j.ofRound(change) ||
		writer(change, photoSubject).GetTimeUs() <= since {
		return false
	}
	return photo.GetLocation().GetSource() >= roundsv1.LocationSource_LOCATION_SOURCE_GPS || j.scannedSince(since)
}

// retakeAsked is when somebody decided last that the photos of the round are to be taken again, microseconds since 1970; 0 where that is not known.
func retakeAsked(t *roundsv1.Ticket) int64 {
	for _, r := range slices.Backward(t.GetReviews()) {
		if r.GetRound() == t.GetRound() && r.GetVerdict() == roundsv1.Verdict_VERDICT_ASKED && r.GetReason() == flagRetake {
			return r.GetTimeUs()
		}
	}
	return 0
}

// scannedSince: whether a tag was scanned for the ticket after a moment of its round, microseconds since 1970.
func (j *judgement) scannedSince(us int64) bool {
	us = max(us, roundBegan(j.ticket(), j.ticket().GetRound()))
	return slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
		return w.GetStamp().GetTimeUs() > us && slices.ContainsFunc(w.GetElements(), func(e *roundsv1.ElementKey) bool { return e.GetField() == ticketScans })
	})
}

// checklistGaps is what the checklist of the ticket still lacks. What a reviewer pointed at when the work was sent back has to be answered anew.
func (j *judgement) checklistGaps() checklist.Gaps { return j.gapsIn(j.ticket()) }

// gapsIn is the same of the ticket as it will be.
func (j *judgement) gapsIn(t *roundsv1.Ticket) checklist.Gaps {
	if j.foresees {
		return checklist.Gaps{}
	}
	again := j.pointedAt(t)
	return checklist.Missing(withPointed(checklist.Ask(j.listPinned(t), nil, t.GetAnswers()), again), t.GetAnswers(), again)
}

// answeredSince: whether an item was answered after a moment, microseconds since 1970.
func (j *judgement) answeredSince(item string, us int64) bool {
	return slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
		return w.GetStamp().GetTimeUs() > us && slices.ContainsFunc(w.GetElements(), func(e *roundsv1.ElementKey) bool {
			return e.GetField() == ticketAnswers && e.GetKey() == item
		})
	})
}

// unanswered are the items that are not answered, or not completely, each once.
func (j *judgement) unanswered() []string {
	g := j.checklistGaps()
	items := slices.Concat(g.Unanswered, g.Photos, g.Notes, g.Reasons)
	slices.Sort(items)
	return slices.Compact(items)
}

// itemFacts count items of the ticket's checklist, and name them: by their ids for programs, by their questions for people.
func (j *judgement) itemFacts(items []string) map[string]string {
	list := j.listPinned(j.ticket())
	return map[string]string{"count": strconv.Itoa(len(items)), "items": strings.Join(items, ","),
		"questions": questionWords(list, nil, items, false), "questions_en": questionWords(list, nil, items, true)}
}
