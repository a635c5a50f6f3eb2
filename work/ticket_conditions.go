package work

import (
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Codes of refusals, short enough for the tables.
const (
	noRight    = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	missing    = roundsv1.ProblemCode_PROBLEM_CODE_MISSING
	invalid    = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
	stale      = roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH
	superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
	badState   = roundsv1.ProblemCode_PROBLEM_CODE_STATE
	overLimit  = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
	ownWork    = roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK
	staleCode  = roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST
	noDigest   = roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST
	impossible = roundsv1.ProblemCode_PROBLEM_CODE_IMPOSSIBLE
	offDuty    = roundsv1.ProblemCode_PROBLEM_CODE_NOT_ON_DUTY
)

type ticketConditionSet struct {
	fresh, placed, crewByLeader, leadsCrew, unseenDispatch, unseenState, unseenRound, unseenEscalation, sawState, namesAssignee, declinedElsewhere,
	epoch, assignee, assignedOrCrew, notAssigned, reassigned, stillWorks, performer, notPerformer, noWork, supervisor, supervisorAfterDissent, reason,
	futureRound, olderRound, isThisRound, thisRound, room, evidence, enough, pictured, admitted, target, belowTop, asked, askedBySelf, namesFirst, twoPeople,
	knownCategory, staffBelongs, staffStays, staffPresent, staffOnDuty, staffSkilled, pauseListed, pauseProved, earlier, wasWorking, wasPaused, beforePhoto, photosListed,
	listAtHand, possible, answered, newCapture, found, unflagged, digested, noOpenTasks, notTask, roomForTasks, tasksKnown, hadMerged, passes, partOf, approverWorks, nobodyElse, notForced, recentlyApproved,
	roundRejected, stale, blind, older, early, notEarly, pointsAtOwn, pointedAnswered, rejectWords, rejectListed, solved, roomForMoves, roomForStarts, goesOn, listOpen, listDone, recaptured, covered, categorises, worksElsewhere condition
}

func ticketConditions() ticketConditionSet {
	is := ticketConditionSet{
		fresh: condition{name: "no such record yet", holds: func(j *judgement) bool { return j.Current == nil }},
		placed: condition{name: "a find on patrol says where, or that there is no fix", holds: (*judgement).placed,
			refusal: refusal{missing, "location", "巡查发现须注明位置:扫码、定位或选择地点;定位不到请选「无定位」。",
				"A find on patrol needs its place: scan a tag, take a fix, or choose from the list; without a fix say so."}},
		crewByLeader: condition{name: "whoever names a crew leads it", right: true, holds: func(j *judgement) bool {
			return len(j.written().GetTicket().GetCrewIds()) == 0 || j.leads()
		}, refusal: refusal{noRight, "crew_ids", "新建工单时不能指定协作人员,请由班长或派单员安排。",
			"The crew of a new ticket is named by a foreman or a dispatcher. Leave it empty."}},
		leadsCrew: condition{name: "whoever changes the crew leads it, or is of it", right: true, holds: func(j *judgement) bool {
			edit := j.Mutation.GetEdit()
			changes := slices.Contains(edit.GetFields(), ticketCrew) || len(edit.GetRecord().GetTicket().GetCrewIds()) > 0 ||
				len(edit.GetRemoved().GetTicket().GetCrewIds()) > 0
			return !changes || j.leads() || j.isAssignee() || j.inCrew()
		}, refusal: refusal{noRight, "crew_ids", "只有处理人、协作人员、班长或派单员可以调整协作人员,请联系班长。",
			"Only who works on the ticket, a foreman or a dispatcher may change its crew. Ask the foreman."}},

		unseenDispatch:   condition{name: "dispatched meanwhile", holds: func(j *judgement) bool { return !j.saw(ticketEpoch) }},
		unseenState:      condition{name: "state unseen", holds: func(j *judgement) bool { return !j.saw(ticketState) }},
		unseenEscalation: condition{name: "escalated meanwhile", holds: func(j *judgement) bool { return !j.saw(ticketEscalation) }},
		sawState:         condition{name: "state seen", holds: func(j *judgement) bool { return j.saw(ticketState) }},

		namesAssignee: condition{name: "assignee named", holds: func(j *judgement) bool {
			return j.ticketAct().GetDispatch().GetAssigneeId() != ""
		},
			refusal: refusal{missing, "assignee_id", "请选择要派给谁。", "Choose whom to give it to."}},
		declinedElsewhere: condition{name: "the same person declined this dispatch on another phone, unseen", holds: func(j *judgement) bool {
			by := writer(j.Current, ticketState) // who disputes the work, or opens it again, begins a round by that, and declines nothing
			return !j.saw(ticketState) && j.args.epoch != 0 && j.args.epoch == j.ticket().GetAssignEpoch() && j.Person != "" &&
				by.GetPersonId() == string(j.Person) && by.GetSeq() != writer(j.Current, ticketRound).GetSeq()
		}},
		epoch: condition{name: "answers the latest dispatch", holds: func(j *judgement) bool {
			return j.args.epoch == j.ticket().GetAssignEpoch()
		},
			refusal: refusal{stale, "assign_epoch", "工单已重新派单,此回复针对旧的派单。请同步后查看是否仍派给您。",
				"The ticket was dispatched again since; this answers an older dispatch. Sync, and see whether it is still yours."}},
		assignee: condition{name: "assignee", right: true, holds: (*judgement).isAssignee, refusal: refusal{noRight, "",
			"只有处理人可以这样做。如果由您处理,请班长派单给您。",
			"Only the assignee can do this. If it is yours to do, ask the foreman to dispatch it to you."}},
		assignedOrCrew: condition{name: "assignee or crew", right: true, holds: func(j *judgement) bool {
			return j.isAssignee() || j.inCrew()
		},
			refusal: refusal{noRight, "", "工单未派给您,您也不在协作人员中。请联系班长派单或加您为协作人员。",
				"The ticket is not yours and you are not in its crew. Ask the foreman to dispatch it to you or to add you."}},
		notAssigned: condition{name: "neither assignee nor crew", holds: func(j *judgement) bool { return !j.isAssignee() && !j.inCrew() }},
		reassigned: condition{name: "had it, and it was given to somebody else meanwhile, unseen", holds: func(j *judgement) bool {
			return j.hadIt() && !j.isAssignee() && !j.inCrew() && (j.ofMerged() || !j.saw(ticketEpoch))
		}},
		stillWorks: condition{name: "labour of who had it, and it was given to somebody else meanwhile, unseen", holds: func(j *judgement) bool {
			return len(j.written().GetTicket().GetLabour()) > 0 && j.hadIt() && !j.isAssignee() && !j.inCrew() && !j.saw(ticketEpoch)
		}},
		performer: condition{name: "assignee, crew, or submitted before", right: true, holds: func(j *judgement) bool {
			return j.isAssignee() || j.performed()
		}, refusal: refusal{noRight, "", "工单已由他人报完工,您没有参与处理。如有补充,请添加备注或照片。",
			"Others reported it as done and you did not work on it. What you have to add is welcome as a remark or a photo."}},
		notPerformer: condition{name: "did none of the work, took none of the photos that prove it; a supervisor where too many are named to tell", holds: (*judgement).vouches,
			refusal: refusal{ownWork, "", "您参与了此工单的处理,须由其他人确认。", "You worked on this ticket; somebody else has to decide."},
			instead: func(j *judgement) *roundsv1.Problem {
				if j.performed() || j.isAssignee() || j.photographedProof() || !j.undecided() {
					return nil
				}
				if full(j.ticket()) {
					return j.problem(ownWork, "", "此工单记录的处理人已满,无法确定谁没有参与。请主管取消此工单,并另建工单复核。",
						"There is no room for another name among those who worked on this ticket, so nobody can be shown to have had no part in it. Have a supervisor"+
							" cancel it, and report another to look at the work again.")
				}
				return j.problem(ownWork, "", "此工单记录的处理人过多,无法确定您是否参与,须由未参与的主管或项目经理确认。",
					"So many people are named as having worked on this ticket that nobody can say whether you did. A supervisor or manager who did not has to decide.")
			}},
		noWork: condition{name: "no work is on record", holds: func(j *judgement) bool {
			t := j.ticket()
			return len(t.GetLabour()) == 0 && len(t.GetScans()) == 0 && len(t.GetReadings()) == 0 && len(t.GetAnswers()) == 0 &&
				len(t.GetPartsUsed()) == 0 && t.GetVisits() == 0 && len(workers(t)) == 0
		}, refusal: refusal{noRight, "", "已有工作记录,只能由主管取消。", "Work is on record already: only a supervisor can cancel it."}},
		supervisor: condition{name: "supervisor or manager", right: true, holds: func(j *judgement) bool {
			return j.holds(roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER)
		}, refusal: refusal{noRight, "", "此时只有主管或项目经理可以这样做,请联系他们。",
			"At this point only a supervisor or manager can do this. Ask one of them."}},
		reason: condition{name: "reason given", holds: func(j *judgement) bool { return j.args.reason != "" },
			refusal: refusal{missing, "reason", "请填写原因。", "Say why."}},

		futureRound: condition{name: "round not begun", holds: func(j *judgement) bool { return j.args.round == 0 || j.args.round > j.ticket().GetRound() }},
		isThisRound: condition{name: "the current round", holds: func(j *judgement) bool { return j.args.round == j.ticket().GetRound() }},
		unseenRound: condition{name: "round unseen", holds: func(j *judgement) bool { return !j.saw(ticketRound) }},
		olderRound:  condition{name: "an older round", holds: func(j *judgement) bool { return j.args.round < j.ticket().GetRound() }},
		thisRound: condition{name: "the current round", holds: func(j *judgement) bool {
			return j.args.round == j.ticket().GetRound()
		},
			refusal: refusal{superseded, "round", "此操作针对另一轮处理。请同步后查看当前一轮。",
				"This is about another round of work. Sync, and look at the current one."}},
		room: condition{name: "within the limits", holds: (*judgement).roomForCompletion, refusal: refusal{overLimit, "photo_ids",
			"完工记录或照片过多(每次最多64张)。请减少照片后重新提交。", "Too many completions or photos (64 at most). Submit again with fewer photos."}},
		evidence: condition{name: "every photo of the round is stored and sound", holds: (*judgement).evidenceStored, refusal: refusal{missing, "",
			"本轮照片尚未全部上传并核验,不能确认(要求{required}张,合格{have}张,缺{missing}张)。请等待,或退回返工。",
			"Not every photo of this round is stored and verified: {required} needed, {have} count, {missing} are missing. Wait, or send it back."},
			facts: (*judgement).evidenceFacts},
		enough: condition{name: "as many photos of the finished work as the category asks for", holds: (*judgement).enoughPhotos,
			refusal: refusal{missing, "", "合格的完工照片少于类别要求(要求{required}张,合格{have}张)。请补拍完工照片并重新报完工。",
				"There are fewer photos of the finished work than the category asks for: {required} needed, {have} count. Take the missing ones and report it as done again."},
			facts: (*judgement).evidenceFacts},
		pictured: condition{name: "a find on patrol was photographed", holds: func(j *judgement) bool {
			return j.foresees || !slices.Contains(j.ticket().GetFlags(), flagNoPhoto)
		}, refusal: refusal{missing, "", "巡查发现须有照片,此工单还没有任何照片。请为此工单拍一张照片(已经处理的,拍摄现状)。",
			"A find on patrol needs a photo, and this ticket has none. Take one of it; where the work is done, of the place as it is."},
			facts: func(*judgement) map[string]string { return map[string]string{"required": "1", "have": "0"} }},
		found: condition{name: "a photo from before the work that is stored and sound, where the category asks for one", holds: (*judgement).foundSound,
			refusal: refusal{missing, "", "缺少合格的「处理前」照片:尚未上传、被判无效或已隐藏。请补传或补拍「处理前」照片;已经处理的,请拍摄现状并选择「处理前」。",
				"A photo from before the work that counts is missing: it has not arrived, was refused, or was taken out of sight. Send it, or take another as a photo from" +
					" before; where the work is done, of the place as it is."},
			facts: func(*judgement) map[string]string { return map[string]string{"required": "1", "have": "0"} }},
		unflagged: condition{name: "no photo of the round stands refused and in sight, whoever lists it, nor was taken out of sight by who did some of the work", holds: func(j *judgement) bool { return len(j.refusedInSight()) == 0 },
			refusal: refusal{missing, "photo_ids", "本轮有{count}张照片被判无效,仍在显示,或由参与处理的人隐藏,不能确认。请由未参与处理的人查看后注明原因隐藏,或退回返工。",
				"{count} photos of this round were refused and are in sight, or were hidden by who did the work. Have somebody who did none of it look at them and hide them," +
					" with a reason, or send the work back."},
			facts: (*judgement).refusedFacts},
		digested: condition{name: "says what evidence was seen", holds: func(j *judgement) bool { return j.foresees || j.Admitted || j.digestGiven() },
			refusal: refusal{noDigest, "review_digest", "确认未注明您查看的是哪些证据,未生效。请更新应用,重新查看后再确认。",
				"The approval does not say what evidence you looked at, so it does not count. Update the app, look again, and approve it then."}},
		admitted: condition{name: "let in by a person", holds: func(j *judgement) bool { return j.Admitted }},
		target: condition{name: "the other ticket is here and open, and does not lead back to this one", holds: (*judgement).mergeTarget, refusal: refusal{missing,
			"into_id", "要并入的工单不存在或已结束,请选择另一张未结束的工单。", "The ticket to merge into is not here or has ended. Choose another that is open."}},
		belowTop: condition{name: "not at the highest level", holds: func(j *judgement) bool {
			return j.ticket().GetEscalationLevel() < topLevel
		},
			refusal: refusal{badState, "", "已是最高级别,请直接联系总部负责人。", "It is at the highest level already. Call the head office."}, facts: levelFacts},

		asked: condition{name: "another person asked for it, who did none of the work since", holds: (*judgement).forceStands},
		askedBySelf: condition{name: "the person asked for it before", holds: func(j *judgement) bool {
			return j.forceStands() && slices.Contains(j.ticket().GetApproverIds(), string(j.Person))
		}},
		namesFirst: condition{name: "names who asked", holds: func(j *judgement) bool {
			return slices.Contains(j.ticket().GetApproverIds(), j.ticketAct().GetForceClose().GetSecondPersonId())
		}, refusal: refusal{invalid, "second_person_id", "请在「第二人」中选择先提出强制关闭的人。",
			"As the second person name the one who asked for the closure first."}},
		twoPeople: condition{name: "names another person", holds: func(j *judgement) bool {
			second := j.ticketAct().GetForceClose().GetSecondPersonId()
			return second != "" && second != string(j.Person)
		}, refusal: refusal{invalid, "second_person_id", "强制关闭须两人,请选择另一位同事作为第二人。",
			"It takes two people. Name a colleague as the second."}},
	}
	is.addGuards()
	is.addReviewing()
	is.addCategorising()
	return is
}

// levelFacts say how far up the ticket is.
func levelFacts(j *judgement) map[string]string {
	return map[string]string{"level": strconv.FormatUint(uint64(j.ticket().GetEscalationLevel()), 10)}
}

// holderFacts say who has the ticket now.
func holderFacts(j *judgement) map[string]string {
	return map[string]string{"assignee": j.ticket().GetAssigneeId()}
}

// leads: whether the person is of those who make up crews.
func (j *judgement) leads() bool {
	return j.holds(roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_DISPATCHER, roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER)
}

func (j *judgement) isAssignee() bool {
	return j.Person != "" && j.ticket().GetAssigneeId() == string(j.Person)
}

func (j *judgement) inCrew() bool {
	return j.Person != "" && slices.Contains(j.ticket().GetCrewIds(), string(j.Person))
}

// hadIt: whether the person was the assignee before, of this ticket or of one that was merged into it.
func (j *judgement) hadIt() bool {
	t := j.ticket()
	if j.Person == "" {
		return false
	}
	return j.ofMerged() || slices.Contains(t.GetFormerAssigneeIds(), string(j.Person))
}

// placed: whether a find on patrol says where it is. Other channels may leave it to whoever triages.
func (j *judgement) placed() bool {
	t := j.written().GetTicket()
	if t.GetChannel() != roundsv1.Channel_CHANNEL_PATROL || t.GetLocation().GetPlaceId() != "" {
		return true
	}
	switch t.GetLocation().GetSource() {
	case roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX:
		return true
	case roundsv1.LocationSource_LOCATION_SOURCE_GPS:
		return t.GetLocation().GetAccuracyM() > 0
	}
	return false
}

func (j *judgement) roomForCompletion() bool {
	all, _ := j.completions()
	return len(all) <= maxCompletions && !slices.ContainsFunc(all, func(c *roundsv1.Completion) bool { return len(c.GetPhotoIds()) > maxPhotos })
}

// evidenceStored: whether somebody submitted this round and each photo of the manifests is in storage, of this ticket and round, and sound. One
// that a leader took out of sight neither counts nor stands in the way: one that was lost, say, with its phone.
func (j *judgement) evidenceStored() bool {
	if j.foresees {
		return true
	}
	for _, id := range manifestOf(j.ticket()) {
		photo := j.lookup(kindPhoto, id)
		if photo.GetRecord().GetPhoto().GetHidden() == nil && !j.provesRound(photo) {
			return false
		}
	}
	return len(proving(j.ticket())) > 0
}

// enoughPhotos: whether the manifests of the round hold as many different photos as was asked for: the same bytes count once, and a drawing on a photo is none. What was asked for stands in the
// ticket; where its category was not known when it was pinned, in the category that the question comes with; and where none is known, it is one photo.
func (j *judgement) enoughPhotos() bool {
	if j.foresees {
		return true
	}
	need, _ := j.afterPhotos()
	return j.provingPhotos() >= need
}

// provingPhotos counts the different photos of the manifests that show the finished work of the round, and are sound.
func (j *judgement) provingPhotos() int {
	_, known := j.afterPhotos()
	counted := map[string]bool{}
	for _, id := range manifestOf(j.ticket()) {
		change := j.lookup(kindPhoto, id)
		photo := change.GetRecord().GetPhoto()
		if countsAsProof(photo, known) && j.provesRound(change) {
			counted[string(photo.GetSha256())] = true
		}
	}
	return len(counted)
}

// evidenceFacts name what is asked of the photos of the round, and what is missing: photos of the manifests or from before the work that are not here, or not found
// sound, and those that stand refused in sight.
func (j *judgement) evidenceFacts() map[string]string {
	need, _ := j.afterPhotos()
	have := j.provingPhotos()
	waits := slices.DeleteFunc(manifestOf(j.ticket()), func(id string) bool {
		photo := j.lookup(kindPhoto, id)
		return photo.GetRecord().GetPhoto().GetHidden() != nil || j.provesRound(photo)
	})
	for _, id := range j.refusedInSight() {
		if !slices.Contains(waits, id) {
			waits = append(waits, id)
		}
	}
	missing := max(len(waits), need-have)
	if !j.foundSound() {
		before := false
		for _, id := range j.ticket().GetShownPhotoIds() {
			if absent(j.lookup(kindPhoto, id).GetRecord().GetPhoto()) && !slices.Contains(waits, id) {
				waits, before, missing = append(waits, id), true, missing+1
			}
		}
		if !before && len(waits) == 0 {
			missing++ // nobody has promised one
		}
	}
	return photoFacts(need, have, missing, waits)
}

// photoFacts are how many photos are needed, how many count, how many are missing, and the ids of those of them that were promised, as many as a refusal names.
func photoFacts(required, have, missing int, ids []string) map[string]string {
	return map[string]string{"required": strconv.Itoa(required), "have": strconv.Itoa(have), "missing": strconv.Itoa(missing),
		"photos": strings.Join(ids[:min(len(ids), maxNamed)], ",")}
}

// countsAsProof: whether a photo shows finished work, apart from whether it is sound and of the round; of a category that is not known any photo does.
func countsAsProof(photo *roundsv1.Photo, known bool) bool {
	return photo != nil && photo.GetHidden() == nil && photo.GetAnnotationOfId() == "" && (!known || photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_AFTER)
}

// afterPhotos is how many photos of the finished work the ticket needs, and whether its category said so.
func (j *judgement) afterPhotos() (need int, known bool) {
	switch pinned := j.ticket().GetRequirements(); {
	case pinned.GetCategoryId() != "":
		return int(pinned.GetAfterPhotos()), true
	case j.category != nil:
		return int(j.category.GetAfterPhotos()), true
	}
	return 1, false
}

// provesRound: whether a photo is of this ticket and its round, and sound.
func (j *judgement) provesRound(photo *roundsv1.Change) bool {
	return sound(photo.GetRecord().GetPhoto()) && j.ofRound(photo)
}

// ofRound: whether a photo was taken of this ticket in its current round, as it says and as the journal shows; or in the last round of a ticket that was merged into
// it, since this round began. Of one that came after the round began, and was captured before, the look at it says so.
func (j *judgement) ofRound(change *roundsv1.Change) bool {
	photo := change.GetRecord().GetPhoto()
	ref := photo.GetSubject()
	if ref.GetKind() != "" && ref.GetKind() != string(kindTicket) {
		return false
	}
	if ref.GetId() == j.Current.GetRecordId() {
		return photo.GetRound() == j.ticket().GetRound() && j.sinceRound(change)
	}
	other := j.lookup(kindTicket, ref.GetId())
	if state(other.GetRecord().GetTicket().GetState()) != merged || j.endOf(other).GetRecordId() != j.Current.GetRecordId() {
		return false
	}
	// What was taken before this round began was there when the work was sent back.
	taken, round := writer(change, photoSubject).GetTimeUs(), j.ticket().GetRound()
	return photo.GetRound() == other.GetRecord().GetTicket().GetRound() && j.sinceRound(change) && (round <= 1 || taken > roundBegan(j.ticket(), round))
}

// sound: whether a photo was looked at, its bytes in storage, and may count.
func sound(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT:
		return true
	}
	return false
}

func (j *judgement) mergeTarget() bool {
	id := j.ticketAct().GetMerge().GetIntoId()
	if id == "" || id == j.Mutation.GetRecordId() {
		return false
	}
	if j.foresees {
		return true
	}
	end := j.endOf(j.lookup(kindTicket, id))
	return end != nil && end.GetRecordId() != j.Current.GetRecordId() && !ended(state(end.GetRecord().GetTicket().GetState())) &&
		end.GetRecord().GetTicket().GetState() != 0
}
