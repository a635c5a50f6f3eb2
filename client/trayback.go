package client

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// keptItem is what the device remembers of an item of the tray of a scope that was given up, for when the person may read it again: which record, which act and what
// became of it. Nothing that was written, measured or answered is in it: that went with the scope, and is on the server.
type keptItem struct {
	Branch branch          `json:"branch"`
	Lane   journal.LaneSeq `json:"lane"`
	trayState
}

// keepTray reads what is remembered of a scope's tray. What was taken, and lost a value to somebody else's, is not.
func keepTray(r store.Reader, scope Scope) ([]keptItem, error) {
	items, err := trayOf(r, scope)
	if err != nil {
		return nil, err
	}
	var kept []keptItem
	for _, item := range items {
		state := trayState{Status: item.Status, Bare: true, Resolution: item.Resolution}
		switch item.Status {
		case TrayNotice, TrayParked:
			continue
		case TrayRejected:
			state.Status = TrayForgotten
		}
		outcome := &roundsv1.Outcome{LaneSeq: item.Outcome.GetLaneSeq(), Status: item.Outcome.GetStatus(), Seq: item.Outcome.GetSeq(), TimeUs: item.Outcome.GetTimeUs(),
			Trust: item.Outcome.GetTrust(), ConflictId: item.Outcome.GetConflictId(), Problem: awayProblem(item)}
		var one, other error
		state.Mutation, one = proto.Marshal(bare(item.Mutation))
		state.Outcome, other = proto.Marshal(outcome)
		if err := errors.Join(one, other); err != nil {
			return nil, fmt.Errorf("%s %s: %w", item.Kind, item.ID, err)
		}
		kept = append(kept, keptItem{Branch: item.Key.branch, Lane: item.Key.Lane, trayState: state})
	}
	return kept, nil
}

// awayProblem says, without words of the scope, why an item is in the tray and what can be done now.
func awayProblem(item TrayItem) *roundsv1.Problem {
	problem := &roundsv1.Problem{Code: item.Outcome.GetProblem().GetCode(), Sentence: &roundsv1.Text{
		Zh: "此内容已保留在服务器，等待有权限的人决定是否采纳。填写的内容已随项目数据从手机清除。",
		En: "This is kept on the server until somebody decides whether it counts. What it says went from this phone with the site."}}
	if item.Outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED {
		problem.Sentence = &roundsv1.Text{
			Zh: "此操作未被采纳。您失去项目权限时，填写的内容已随项目数据从手机清除。请查看记录现状，如仍需要请重新操作。",
			En: "This was not taken. What it said went from this phone with the site when you lost the right to it. Look at the record as it stands, and do it again if it is still needed."}
	}
	return problem
}

// bare is a mutation without what it says: the record, and which fact, edit or command it is.
func bare(m *roundsv1.Mutation) *roundsv1.Mutation {
	shape := &roundsv1.Mutation{RecordId: m.GetRecordId()}
	chosen(m.ProtoReflect(), shape.ProtoReflect())
	return shape
}

// chosen chooses in one message what is chosen in another, down to the kind of the record or to the command, and sets nothing there.
func chosen(from, to protoreflect.Message) {
	if record := from.Descriptor().Fields().ByName("record"); record != nil && record.Message() != nil && from.Has(record) {
		chosen(from.Get(record).Message(), to.Mutable(record).Message())
	}
	for _, name := range []protoreflect.Name{"act", "kind", "command"} {
		choice := from.Descriptor().Oneofs().ByName(name)
		if choice == nil {
			continue
		}
		if field := from.WhichOneof(choice); field != nil && field.Message() != nil {
			chosen(from.Get(field).Message(), to.Mutable(field).Message())
		}
	}
}

// returned are the remembered items of a scope that the person may read again; none where the phone is somebody else's now.
func (d *Device) returned(scope Scope) []keptItem {
	d.mu.Lock()
	defer d.mu.Unlock()
	was, ok := d.purged[scope]
	if !ok || was.Person != d.self.Person {
		return nil
	}
	return was.Tray
}

// trayBack puts the remembered items into the tray of a scope that comes back, before its first page.
func (d *Device) trayBack(w store.Writer, scope Scope) error {
	for _, item := range d.returned(scope) {
		if err := save(w, laneKey(tableTray, item.Branch, item.Lane), item.trayState); err != nil {
			return err
		}
	}
	return nil
}

// closeReturned closes, once the scope is here, the remembered items whose questions left the working set long ago: they were decided meanwhile.
func (d *Device) closeReturned(w store.Writer, scope Scope) error {
	for _, item := range d.returned(scope) {
		key := laneKey(tableTray, item.Branch, item.Lane)
		var now trayState
		if found, err := load(w, key, &now); err != nil || !found || now.Status != TrayWaiting {
			if err != nil {
				return err
			}
			continue
		}
		outcome := new(roundsv1.Outcome)
		if err := proto.Unmarshal(now.Outcome, outcome); err != nil {
			return fmt.Errorf("%w: tray: %v", errGarbled, err)
		}
		stored, err := loadRecord(w, recordRef{kind: conflictKind, id: RecordID(outcome.GetConflictId())})
		if err != nil || stored.change != nil {
			if err != nil {
				return err
			}
			continue
		}
		now.Status = TrayClosed
		if err := save(w, key, now); err != nil {
			return err
		}
	}
	return nil
}
