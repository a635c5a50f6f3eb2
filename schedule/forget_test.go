package schedule_test

import (
	"errors"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// Notices leave devices after a time, and only they.
func TestOldNoticesAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.ref.set(t, site, map[string]string{"notice.keep": "48h"})
	tell := func(name string) {
		w.put(site, uid(name), &roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{Code: roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED,
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("lamp")}, PersonIds: []string{uid("xu")}, TimeUs: w.clock().UnixMicro(),
			Sentence: &roundsv1.Text{Zh: "有新工单", En: "a ticket"}}}})
	}
	w.report("lamp", func(t *roundsv1.Ticket) { t.Requirements = nil })
	tell("old")
	w.pass(time.Hour)
	tell("young")
	w.tick()
	if n := w.worker.Next(); !n.Equal(w.clock().Add(47 * time.Hour)) {
		t.Errorf("next at %v", n)
	}
	w.pass(47*time.Hour - time.Microsecond).tick()
	if w.get(site, "notice", uid("old")).GetEvicted() {
		t.Error("before its time")
	}
	w.pass(time.Microsecond).tick()
	if !w.get(site, "notice", uid("old")).GetEvicted() || w.get(site, "notice", uid("young")).GetEvicted() || w.get(site, "ticket", uid("lamp")).GetEvicted() {
		t.Error("the old one alone")
	}
	seq := w.seq()
	w.tick()
	if w.seq() != seq {
		t.Error("taken away twice")
	}
	// One that cannot be taken away does not stand in the way, and is tried again.
	failing := func(_ store.Scope, what string) error {
		if what == "evict" {
			return errors.New("damaged")
		}
		return nil
	}
	w.records.fail.Store(&failing)
	w.report("gate")
	w.pass(time.Hour)
	if err := w.worker.Tick(t.Context()); err == nil {
		t.Error("nothing was said")
	}
	if got := w.ticket(uid("gate")).GetEscalationLevel(); got != 1 {
		t.Errorf("level %d", got)
	}
	w.records.fail.Store(nil)
	w.pass(time.Minute).tick()
	if s := w.worker.Stats(); !w.get(site, "notice", uid("young")).GetEvicted() || s.Forgotten != 2 || s.Failures == 0 {
		t.Errorf("%+v", s)
	}
	// A site may keep them.
	w = newWorld(t)
	w.ref.set(t, site, map[string]string{"notice.keep": "0s"})
	tell("old")
	w.pass(far).tick()
	if w.get(site, "notice", uid("old")).GetEvicted() {
		t.Error("it was to be kept")
	}
}
