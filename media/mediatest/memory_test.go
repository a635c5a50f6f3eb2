package mediatest_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
)

// clock is a clock that goes when it is told to.
type clock struct{ us atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC).Add(time.Duration(c.us.Load()) * time.Microsecond)
}

func (c *clock) Pass(d time.Duration) { c.us.Add(d.Microseconds()) }

// TestMemory runs the suite on a Memory behind a real server.
func TestMemory(t *testing.T) {
	mediatest.Run(t, func(t *testing.T) *mediatest.Harness {
		c := new(clock)
		var now atomic.Pointer[mediatest.Memory]
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().Handler().ServeHTTP(w, r) }))
		t.Cleanup(server.Close)
		now.Store(mediatest.NewMemory(mediatest.MemoryConfig{Now: c.Now, URL: server.URL}))
		return &mediatest.Harness{
			Driver: now.Load(), Client: server.Client(), Now: c.Now, Pass: c.Pass,
			Reopen: func(*testing.T) media.Driver {
				now.Store(now.Load().Crash())
				return now.Load()
			},
			Damage: func(t *testing.T, at media.Address) {
				if err := now.Load().Damage(at); err != nil {
					t.Fatal(err)
				}
			},
		}
	}, mediatest.Options{})
}
