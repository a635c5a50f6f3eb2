package work

import (
	"slices"

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
)

type ticketConditionSet struct {
	fresh, placed, writesCrew, crewByLeader, leadsCrew, unseenDispatch, unseenState, unseenEscalation, sawState, namesAssignee, declinedElsewhere,
	epoch, assignee, assignedOrCrew, notAssigned, reassigned, performer, notPerformer, noWork, supervisor, reason,
	futureRound, olderRound, thisRound, room, evidence, enough, admitted, target, belowTop, asked, askedBySelf, namesFirst, twoPeople condition
}

func ticketConditions() ticketConditionSet {
	return ticketConditionSet{
		fresh: condition{name: "no such record yet", holds: func(j *judgement) bool { return j.Current == nil }},
		placed: condition{name: "a find on patrol says where, or that there is no fix", holds: (*judgement).placed,
			refusal: refusal{missing, "location", "巡查发现须注明位置:扫码、定位或选择地点;定位不到请选「无定位」。",
				"A find on patrol needs its place: scan a tag, take a fix, or choose from the list; without a fix say so."}},
		writesCrew: condition{name: "it names the crew", holds: func(j *judgement) bool {
			edit := j.Mutation.GetEdit()
			return slices.Contains(edit.GetFields(), ticketCrew) || len(edit.GetRecord().GetTicket().GetCrewIds()) > 0 ||
				len(edit.GetRemoved().GetTicket().GetCrewIds()) > 0
		}},
		crewByLeader: condition{name: "whoever names a crew leads it", right: true, holds: func(j *judgement) bool {
			return len(j.written().GetTicket().GetCrewIds()) == 0 || j.leads()
		}, refusal: refusal{noRight, "crew_ids", "新建工单时不能指定协作人员,请由班长或派单员安排。",
			"The crew of a new ticket is named by a foreman or a dispatcher. Leave it empty."}},
		leadsCrew: condition{name: "foreman, dispatcher, supervisor, manager, assignee or crew", right: true, holds: func(j *judgement) bool {
			return j.leads() || j.isAssignee() || j.inCrew()
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
			return !j.saw(ticketState) && j.args.epoch != 0 && j.args.epoch == j.ticket().GetAssignEpoch() && j.Person != "" &&
				writer(j.Current, ticketState).GetPersonId() == string(j.Person)
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
		reassigned: condition{name: "given to somebody else meanwhile, unseen", holds: func(j *judgement) bool {
			// With the first dispatch there was nobody before.
			return !j.isAssignee() && !j.inCrew() && j.ticket().GetAssignEpoch() > 1 && !j.saw(ticketEpoch)
		}},
		performer: condition{name: "assignee, crew, or submitted before", right: true, holds: func(j *judgement) bool {
			return j.isAssignee() || j.performed()
		}, refusal: refusal{noRight, "", "工单已由他人报完工,您没有参与处理。如有补充,请添加备注或照片。",
			"Others reported it as done and you did not work on it. What you have to add is welcome as a remark or a photo."}},
		notPerformer: condition{name: "did none of the work", holds: func(j *judgement) bool {
			return !j.performed() && !j.isAssignee()
		},
			refusal: refusal{noRight, "", "您参与了此工单的处理,须由其他人确认。", "You worked on this ticket; somebody else has to decide."}},
		noWork: condition{name: "no work is on record", holds: func(j *judgement) bool {
			t := j.ticket()
			return len(t.GetLabour()) == 0 && len(t.GetScans()) == 0 && len(t.GetReadings()) == 0 && len(t.GetAnswers()) == 0 && len(t.GetCompletions()) == 0
		}, refusal: refusal{noRight, "", "已有工作记录,只能由主管取消。", "Work is on record already: only a supervisor can cancel it."}},
		supervisor: condition{name: "supervisor or manager", right: true, holds: func(j *judgement) bool {
			return j.holds(roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER)
		}, refusal: refusal{noRight, "", "此时只有主管或项目经理可以这样做,请联系他们。",
			"At this point only a supervisor or manager can do this. Ask one of them."}},
		reason: condition{name: "reason given", holds: func(j *judgement) bool { return j.args.reason != "" },
			refusal: refusal{missing, "reason", "请填写原因。", "Say why."}},

		futureRound: condition{name: "round not begun", holds: func(j *judgement) bool { return j.args.round == 0 || j.args.round > j.ticket().GetRound() }},
		olderRound:  condition{name: "an older round", holds: func(j *judgement) bool { return j.args.round < j.ticket().GetRound() }},
		thisRound: condition{name: "the current round", holds: func(j *judgement) bool {
			return j.args.round == j.ticket().GetRound()
		},
			refusal: refusal{superseded, "round", "此操作针对另一轮处理。请同步后查看当前一轮。",
				"This is about another round of work. Sync, and look at the current one."}},
		room: condition{name: "within the limits", holds: (*judgement).roomForCompletion, refusal: refusal{overLimit, "photo_ids",
			"完工记录或照片过多(每次最多64张)。请减少照片后重新提交。", "Too many completions or photos (64 at most). Submit again with fewer photos."}},
		evidence: condition{name: "every photo of the round is stored and sound", holds: (*judgement).evidenceStored, refusal: refusal{missing, "",
			"本轮照片尚未全部上传并核验,不能确认。请等待,或退回返工。", "Not every photo of this round is stored and verified. Wait, or send it back."}},
		enough: condition{name: "as many photos of the finished work as the category asks for", holds: (*judgement).enoughPhotos,
			refusal: refusal{missing, "", "照片数量少于类别要求。请补拍完工照片并重新报完工。",
				"There are fewer photos than the category asks for. Take the missing ones and report it as done again."}},
		admitted: condition{name: "let in by a person", holds: func(j *judgement) bool { return j.Admitted }},
		target: condition{name: "the other ticket is here and open", holds: (*judgement).mergeTarget, refusal: refusal{missing, "into_id",
			"要并入的工单不存在或已结束,请选择另一张未结束的工单。", "The ticket to merge into is not here or has ended. Choose another that is open."}},
		belowTop: condition{name: "not at the highest level", holds: func(j *judgement) bool {
			return j.ticket().GetEscalationLevel() < topLevel
		},
			refusal: refusal{badState, "", "已是最高级别,请直接联系总部负责人。", "It is at the highest level already. Call the head office."}},

		asked: condition{name: "another person asked for it", holds: (*judgement).forceAsked},
		askedBySelf: condition{name: "the person asked for it before", holds: func(j *judgement) bool {
			return j.forceAsked() && slices.Contains(j.ticket().GetApproverIds(), string(j.Person))
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

// performed: whether the person did some of the work of any round, by anybody's word.
func (j *judgement) performed() bool {
	t, person := j.ticket(), string(j.Person)
	return j.inCrew() ||
		slices.ContainsFunc(t.GetCompletions(), func(c *roundsv1.Completion) bool { return c.GetPersonId() == person }) ||
		slices.ContainsFunc(t.GetLabour(), func(l *roundsv1.Labour) bool { return l.GetPersonId() == person })
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
// that a leader took out of sight neither counts nor stands in the way.
func (j *judgement) evidenceStored() bool {
	if j.foresees {
		return true
	}
	submitted := false
	for _, c := range j.ticket().GetCompletions() {
		if c.GetRound() != j.ticket().GetRound() {
			continue
		}
		submitted = true
		for _, id := range c.GetPhotoIds() {
			photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
			if photo.GetHidden() == nil && !j.provesRound(photo) {
				return false
			}
		}
	}
	return submitted
}

// enoughPhotos: whether the manifests of the round hold as many different photos as the ticket's category asks for: the same bytes count once. Where the
// category is not known, one.
func (j *judgement) enoughPhotos() bool {
	counted := map[string]bool{}
	for _, c := range j.ticket().GetCompletions() {
		if c.GetRound() != j.ticket().GetRound() {
			continue
		}
		for _, id := range c.GetPhotoIds() {
			photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
			if photo.GetHidden() == nil && j.provesRound(photo) && (j.category == nil || photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_AFTER) {
				counted[string(photo.GetSha256())] = true
			}
		}
	}
	if j.category == nil {
		return len(counted) > 0
	}
	return len(counted) >= int(j.category.GetAfterPhotos())
}

// provesRound: whether a photo is of this ticket and its round, and sound.
func (j *judgement) provesRound(photo *roundsv1.Photo) bool {
	return photo.GetSubject().GetId() == j.Current.GetRecordId() && photo.GetRound() == j.ticket().GetRound() && sound(photo)
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
	switch state(j.lookup(kindTicket, id).GetRecord().GetTicket().GetState()) {
	case 0, closed, cancelled, merged:
		return false
	}
	return true
}
