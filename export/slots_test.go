package export_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/sync/engine"
)

func aTable() *roundsv1.ExportRequest {
	return &roundsv1.ExportRequest{Scopes: []string{string(site)}, Content: tickets, Format: asCSV}
}

// TestOnePersonLeavesRoom: who has two exports under way is told to wait, while another person still gets one.
func TestOnePersonLeavesRoom(t *testing.T) {
	w := newWorld(t)
	x := w.exporter()
	ends := errors.New("enough")
	second, third := caller, caller
	third.Person = worker
	var mine, theirs error
	_ = x.Export(context.Background(), caller, aTable(), func(*roundsv1.ExportResponse) error {
		_ = x.Export(context.Background(), second, aTable(), func(*roundsv1.ExportResponse) error {
			_, mine = take(context.Background(), x, aTable())
			theirs = x.Export(context.Background(), third, aTable(), func(*roundsv1.ExportResponse) error { return nil })
			return ends
		})
		return ends
	})
	var own *engine.Error
	if !errors.As(mine, &own) || own.Kind != engine.Exhausted || own.Problem.GetRetryAfter() == nil || own.Problem.GetFacts()["most"] != "2" {
		t.Errorf("a third: %v", mine)
	}
	if theirs != nil {
		t.Errorf("another person's: %v", theirs)
	}
	if _, err := take(context.Background(), x, aTable()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestASlowReaderIsLetGo: an export ends after its time, and its slot is free.
func TestASlowReaderIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 40 {
			w.write(site, id(i), ticket(&roundsv1.Ticket{Title: strings.Repeat("x", 200), ReportedTimeUs: 1}))
		}
		x := w.exporter(func(c *export.Config) { c.ChunkBytes, c.Running = 1000, 1 })
		began, n := time.Now(), 0
		err := x.Export(context.Background(), caller, aTable(), func(*roundsv1.ExportResponse) error {
			n++
			<-time.After(11 * time.Minute) // the bubble's clock
			return nil
		})
		var own *engine.Error
		if !errors.As(err, &own) || own.Kind != engine.Exhausted || own.Problem.GetRetryAfter() == nil || n != 3 || time.Since(began) > 34*time.Minute {
			t.Errorf("%v after %d messages, %v", err, n, time.Since(began))
		}
		if _, err := take(context.Background(), x, aTable()); err != nil {
			t.Errorf("the next: %v", err)
		}
		_ = w.Close(context.Background())
	})
}
