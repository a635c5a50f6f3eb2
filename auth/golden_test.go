package auth_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// golden holds every kind of key and value of format 1, one row a line in hex. Devices, tokens and rights out there depend on it: when
// this test fails, the format has changed, and needs a new version and a way to read this one.
const golden = "testdata/format1.txt"

// nameless holds the same history as it was written when a suspension, a deletion and a revocation did not keep who had done it.
const nameless = "testdata/format1_before_names.txt"

func dump(m *memory) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m.rows)) {
		fmt.Fprintf(&b, "%x %x\n", k, m.rows[k])
	}
	return b.String()
}

func TestGoldenFormat(t *testing.T) {
	l, _ := play(t, newMemory(), false)
	if _, err := l.Admin().SuspendPerson(t.Context(), l.boss.identity(), &roundsv1.SuspendPersonRequest{PersonId: liID, Reason: "golden"}); err != nil {
		t.Fatal(err)
	}
	got := dump(l.store)
	if os.Getenv("ROUNDS_WRITE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("the same history is written in other bytes than format 1")
	}
	letters := map[byte]bool{}
	for k := range l.store.rows {
		letters[k[0]] = true
	}
	for _, letter := range []byte("vbnpsxhgGdDkrcCK") {
		if !letters[letter] {
			t.Errorf("the golden history has no row %q", letter)
		}
	}
}

// What an earlier program wrote is read: rights, devices, and tokens that were given out then.
func TestGoldenIsRead(t *testing.T) {
	t.Run("as it is written", func(t *testing.T) { goldenIsRead(t, golden) })
	t.Run("before it was kept who ended a right", func(t *testing.T) { goldenIsRead(t, nameless) })
}

func goldenIsRead(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	store := newMemory()
	for line := range strings.Lines(string(text)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		key, err := hex.DecodeString(k)
		if err != nil {
			t.Fatal(err)
		}
		if store.rows[string(key)], err = hex.DecodeString(v); err != nil {
			t.Fatal(err)
		}
	}
	then, _ := play(t, newMemory(), false) // draws the same keys and tokens
	w := &world{t: t, store: store, clock: then.clock, rand: then.rand}
	w.cfg = config(store, w.clock)
	w.open()
	now := w.clock.now()
	if !w.Suspended(liID, now.Add(time.Hour)) || !w.MayRead(liID, siteOf(siteID), now.Add(-5*time.Second)) || !w.EverHad(liID, deskOf(farID)) {
		t.Error("rights of then are not known")
	}
	lost := w.Lost(liID, "", siteOf(siteID), now.Add(time.Hour))
	if known := lost.By == then.boss.person; lost.Cause != auth.CauseSuspension || lost.Since.IsZero() || known != (path == golden) || !known && lost.By != "" {
		t.Errorf("who suspended: %+v", lost)
	}
	if id, err := w.Verify(then.boss.access); err != nil || !id.InService() {
		t.Errorf("an access token of then: %v", err)
	}
	then.phone.w = w
	if err := then.phone.turn(); err != nil {
		t.Errorf("a refresh token of then: %v", err)
	}
	if got := w.DeviceState(then.phone.device).Revoked; got != roundsv1.Revocation_REVOCATION_GRACEFUL {
		t.Errorf("a device of then is %v", got)
	}
	if _, err := w.Bootstrap(t.Context(), nil, ""); err != nil {
		t.Error(err)
	}
}

// What a device signs is a protocol: other languages compute these bytes too. See docs/auth.md.
func TestChallengesAreFixed(t *testing.T) {
	public := []byte(strings.Repeat("\x01", 32))
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{auth.EnrollChallenge("https://rounds.example.com", "7K4MQ2ZD0H8TXW5C", public),
			"726f756e64732e656e726f6c6c2e76310068747470733a2f2f726f756e64732e6578616d706c652e636f6d00" + enrolSum + strings.Repeat("01", 32)},
		{auth.RefreshChallenge("https://rounds.example.com", "rounds_rt_x", []byte("0123456789abcdef")),
			"726f756e64732e726566726573682e76310068747470733a2f2f726f756e64732e6578616d706c652e636f6d00" + refreshSum +
				"30313233343536373839616263646566"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
}

const (
	enrolSum   = "de22b81040ba9da4e827910eeb94911eb98d234b6210f082a2fd5f89a31f643c"
	refreshSum = "b0dc484f28443d06689698109a885b35e94c19e7dddea88186e4282b44e4bb7b"
)
