package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// routeTerms are about the checkpoints of a round: the tag that it begins at, the visits that count, and those that it was returned for.
type routeTerms struct {
	atTag, revisited      condition
	firstTag, countVisits effect
	early                 effect
}

func aboutRoutes() routeTerms {
	return routeTerms{
		atTag: condition{
			name:  "a tag was scanned, or a photo shows that it is broken; where there is a route",
			holds: (*judgement).startsAtTag,
			refusal: refusal{missing, "scan_payload",
				"请扫描第一个检查点的标签开始；标签损坏请拍照。",
				"Scan the tag of the first checkpoint to start; if it is broken, take a photo of it."},
		},
		revisited: condition{
			name:  "each checkpoint that the last return pointed at, or at items of, was visited again; or all of these were skipped with a reason",
			holds: (*judgement).revisited,
			refusal: refusal{missing, "",
				"退回时标出的{count}个检查点还没有重新到场：{places}。请到场扫码（标签损坏的，拍照说明），再提交；不能到达的，请将该处的检查项跳过并写明原因。",
				"{count} checkpoints that the round was returned for were not visited again: {places_en}. Go there and scan the tag (take a photo of a" +
					" broken one), then submit it again; where you cannot get there, skip its items with a reason."},
			facts: func(j *judgement) map[string]string { return j.placeFacts(j.unvisitedAgain()) },
		},

		firstTag:    effect{`flag "false_tag" or "other_tag" of the first tag; a broken one makes a ticket`, (*judgement).startAtTag},
		countVisits: effect{`official_visits reckoned anew; flag "too_early" where one was before the window`, (*judgement).countVisits},
		early:       effect{`flag "too_early" where this is before the window`, (*judgement).markEarly},
	}
}

// startsAtTag: whether the walk begins with a tag, or with a photo of a broken one, where there is a route.
func (j *judgement) startsAtTag() bool {
	act := j.inspectionAct().GetStart()
	return len(j.inspection().GetCheckpointIds()) == 0 || act.GetScanPayload() != "" || act.GetBrokenTagPhotoId() != ""
}

// startAtTag looks at what the walk began with. A tag that is not genuine is marked and refuses nothing: the walk may be over when the server hears of it.
func (j *judgement) startAtTag() {
	act, checkpoints := j.inspectionAct().GetStart(), j.inspection().GetCheckpointIds()
	if j.foresees || len(checkpoints) == 0 {
		return
	}
	if act.GetScanPayload() != "" {
		at, mark := j.checkTag(act.GetScanPayload(), "")
		if mark == "" && at == "" || mark == visitFalseTag {
			// Of another system, perhaps: then it is the first checkpoint's, or on a route without order any one's.
			for _, checkpoint := range checkpoints {
				if _, m := j.checkTag(act.GetScanPayload(), checkpoint); m == "" {
					at, mark = checkpoint, ""
					break
				}
			}
		}
		ordered := j.inspection().GetRoute().GetOrdered()
		if mark == "" && at != "" && (ordered && at != checkpoints[0] || !slices.Contains(checkpoints, at)) {
			mark = visitOtherTag
		}
		if mark != "" {
			j.flagInspection(mark)
		}
		return
	}
	j.flagInspection(visitTagBroken)
	if id, ok := j.failureID(checkpoints[0], itemBrokenTag); ok {
		j.file(id, &roundsv1.Ticket{Title: "检查点标签损坏 / The tag of a checkpoint is broken", Origin: &roundsv1.Origin{InspectionId: j.ref().GetId(),
			CheckpointId: checkpoints[0], ItemId: itemBrokenTag, PhotoIds: []string{act.GetBrokenTagPhotoId()}}}, checkpoints[0])
	}
}
