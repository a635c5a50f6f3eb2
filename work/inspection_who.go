package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// walkerTerms are about who walks an inspection round: whose it is to walk, who did walk some of it, and who had no part in it.
type walkerTerms struct {
	meant, inspector, impartial, leadsAnother condition
	begins, claims, tellReplaced              effect
	noted, walks, takeEarly                   effect
}

func aboutWalkers() walkerTerms {
	return walkerTerms{
		meant: condition{
			name:  "meant to walk it, or nobody is",
			right: true,
			holds: (*judgement).meantToWalk,
			refusal: refusal{noRight, "",
				"此巡检已安排给他人。如由您执行，请联系班长。",
				"This round was given to somebody else. If you are to walk it, ask the foreman."},
		},
		inspector: condition{
			name:  "inspector",
			right: true,
			holds: (*judgement).inspectorOrNobody,
			refusal: refusal{noRight, "",
				"此巡检由他人执行。您的扫码和答案已保留，请联系班长。",
				"Somebody else walks this round. Your scans and answers are kept; talk to the foreman."},
		},
		leadsAnother: condition{
			name:  "another walks it, which a leader who saw that takes over",
			right: true,
			holds: func(j *judgement) bool {
				return j.leads() && j.inspection().GetInspectorId() != string(j.Person) && j.saw(inspectionState)
			},
		},
		impartial: condition{
			name:  "walked none of it",
			holds: (*judgement).vouchesForWalk,
			refusal: refusal{ownWork, "",
				"您执行了此巡检，须由其他人确认。",
				"You walked this round; somebody else has to decide."},
			instead: (*judgement).nobodyCanTellOfWalk,
		},

		begins:       effect{"inspector = the person", (*judgement).beginWalk},
		tellReplaced: effect{"the inspector is told who walks it now", (*judgement).tellReplaced},
		claims:       effect{"inspector = the person where there is none", (*judgement).claimWalk},
		noted:        effect{"performers + who scanned, answered, or took a photo of an answer", (*judgement).noteWalkers},
		walks:        effect{"performers + the person", (*judgement).noteWalkers},
		takeEarly:    effect{"performers + who took photos of its items before it was here", (*judgement).takeEarly},
	}
}

func (j *judgement) meantToWalk() bool {
	who := j.inspection().GetAssigneeId()
	return who == "" || who == string(j.Person) || j.leads()
}

func (j *judgement) inspectorOrNobody() bool {
	return j.inspection().GetInspectorId() == "" || j.inspection().GetInspectorId() == string(j.Person)
}

func (j *judgement) vouchesForWalk() bool { return !j.walked() && !fullOfWalkers(j.inspection()) }

// nobodyCanTellOfWalk refuses a decision on a round where it cannot be known whether the person walked some of it; nil where they did.
func (j *judgement) nobodyCanTellOfWalk() *roundsv1.Problem {
	if j.walked() {
		return nil
	}
	return j.problem(ownWork, "", "此巡检记录的执行人已满，无法确定谁没有参与，不能确认。请另建巡检重新检查。",
		"There is no room for another name among those who walked this round, so nobody can be shown to have had no part in it. Make another round, and have it walked.")
}

func (j *judgement) beginWalk() {
	j.editInspection(inspectionInspector).InspectorId = string(j.Person)
}

// tellReplaced tells whoever walked the round that somebody else does: what they have walked of it counts.
func (j *judgement) tellReplaced() {
	zh, en := j.named()
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, toPeople(j.inspection().GetInspectorId()), "巡检现由"+zh+"执行，请停止巡检。您的扫码和答案已保留。",
		"This round is walked by "+en+" now: stop. Your scans and answers are kept and count.")
}

func (j *judgement) claimWalk() {
	if j.inspection().GetInspectorId() == "" {
		j.beginWalk()
	}
}

// walked: whether the person walked some of the round: started or submitted it, scanned one of its tags, answered an item or took a photo of one, or laboured on it. Who
// did is kept in performer_ids; what else says so is asked besides.
func (j *judgement) walked() bool {
	i, person := j.inspection(), string(j.Person)
	if person == "" {
		return false
	}
	photographed := func(id string) bool {
		change := j.lookup(kindPhoto, id)
		return change.GetRecord().GetPhoto().GetPersonId() == person || writer(change, photoSubject).GetPersonId() == person
	}
	for _, a := range i.GetAnswers() {
		if slices.ContainsFunc(a.GetPhotoIds(), photographed) {
			return true
		}
	}
	return i.GetInspectorId() == person || slices.Contains(i.GetPerformerIds(), person) || submittedOrLaboured(i, person) ||
		slices.ContainsFunc(i.GetOfficialVisits(), func(v *roundsv1.Visit) bool {
			return v.GetPersonId() == person || slices.Contains(v.GetConfirmedByIds(), person)
		}) ||
		slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
			return w.GetStamp().GetPersonId() == person && slices.ContainsFunc(slices.Concat(w.GetElements(), w.GetSiblingElements()), func(e *roundsv1.ElementKey) bool {
				return e.GetField() == inspectionAnswers
			})
		})
}
