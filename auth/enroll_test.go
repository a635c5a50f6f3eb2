package auth_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

func TestBootstrapThenEnroll(t *testing.T) {
	w := bare(t)
	org := &roundsv1.Text{En: "Helin"}
	first, err := w.Bootstrap(t.Context(), org, "Chen")
	if err != nil {
		t.Fatal(err)
	}
	w.reopen() // the code was printed nowhere: the next start makes another
	second, err := w.Bootstrap(t.Context(), org, "Chen")
	if err != nil {
		t.Fatal(err)
	}
	if second.Root != first.Root || second.Admin != first.Admin || second.Code == first.Code || second.Code == "" {
		t.Fatalf("second start: %v after %v", second, first)
	}
	_, err = w.tryEnroll(newKey(w), string(first.Code))
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)

	u, err := url.Parse(string(second.URI))
	if err != nil || u.Scheme != "rounds" || u.Host != "enroll" || u.Query().Get("server") != audience ||
		u.Query().Get("code") != string(second.Code) {
		t.Fatalf("URI %q: %v", string(second.URI), err)
	}
	// As a person types it.
	typed := strings.ToLower(strings.ReplaceAll(string(second.Code), "-", " "))
	p, err := w.tryEnroll(newKey(w), typed)
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.Verify(p.access)
	if err != nil || id.Person != first.Admin || id.Device != p.device || !id.InService() {
		t.Fatalf("%+v, %v", id, err)
	}
	site := auth.Scope("org/" + string(first.Root))
	if got := fmt.Sprint(w.RolesAt(id.Person, site, w.clock.now())); got != "[ROLE_MANAGER ROLE_ADMIN]" {
		t.Errorf("the first administrator is %v", got)
	}
	third, err := w.Bootstrap(t.Context(), org, "Chen")
	if err != nil || third.Code != "" || third.Root != first.Root {
		t.Fatalf("third start: %v, %v", third, err)
	}
}

func TestCodeIsSingleUse(t *testing.T) {
	w := found(t)
	code := w.code(w.hire(w.root, "Li"))
	key := newKey(w)
	first, err := w.tryEnroll(key, code)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.tryEnroll(newKey(w), code)
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)

	// The reply was lost: the same device asks again and is the same device.
	again, err := w.tryEnroll(key, code)
	if err != nil || again.device != first.device || again.refresh != first.refresh {
		t.Fatalf("repeated: %v, %v", again, err)
	}
	// Once it has refreshed, the reply was not lost.
	if err := first.turn(); err != nil {
		t.Fatal(err)
	}
	_, err = w.tryEnroll(key, code)
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
}

func TestTwoEnrolWithOneCode(t *testing.T) {
	w := found(t)
	code := w.code(w.hire(w.root, "Li"))
	const n = 8
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		key := newKey(w)
		from := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		wg.Go(func() { _, errs[i] = w.Enroll(t.Context(), from, enrolRequest(key, code)) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
		}
	}
	if won != 1 {
		t.Fatalf("%d enrolled with one code", won)
	}
}

func TestEnrollRefusals(t *testing.T) {
	w := found(t)
	li := w.hire(w.root, "Li")
	good := w.code(li)
	key := newKey(w)
	change := func(f func(*roundsv1.EnrollRequest)) *roundsv1.EnrollRequest {
		r := enrolRequest(key, good)
		f(r)
		return r
	}
	sign := func(r *roundsv1.EnrollRequest, aud string) {
		normal, _ := auth.NormalizeCode(r.GetCode())
		r.Signature = ed25519.Sign(key, auth.EnrollChallenge(aud, normal, r.GetPublicKey()))
	}
	code := func(c string) *roundsv1.EnrollRequest_Code { return &roundsv1.EnrollRequest_Code{Code: c} }
	for _, c := range []struct {
		name string
		req  *roundsv1.EnrollRequest
		want roundsv1.ProblemCode
	}{
		{"no proof", change(func(r *roundsv1.EnrollRequest) { r.Proof = nil }), roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE},
		{"short code", enrolRequest(key, good[:10]), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE},
		{"no such code", enrolRequest(key, "0000-0000-0000-0000"), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE},
		{"not Crockford", enrolRequest(key, "UUUU-0000-0000-0000"), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE},
		{"unsigned", change(func(r *roundsv1.EnrollRequest) { r.Signature = nil }), roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE},
		{"signed by another key", change(func(r *roundsv1.EnrollRequest) { r.PublicKey = newKey(w).Public().(ed25519.PublicKey) }),
			roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE},
		{"signed over another code", change(func(r *roundsv1.EnrollRequest) { r.Proof = code("0000-0000-0000-0000") }),
			roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE},
		{"signed over another server", change(func(r *roundsv1.EnrollRequest) { sign(r, "https://evil.example.com") }),
			roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE},
		{"other server", change(func(r *roundsv1.EnrollRequest) { r.Audience = "https://evil.example.com"; sign(r, r.Audience) }),
			roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{"short key", change(func(r *roundsv1.EnrollRequest) { r.PublicKey = r.PublicKey[:31] }), roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.clock.pass(2 * time.Hour) // past any lockout of the case before
			before := w.store.clone()
			_, err := w.Enroll(t.Context(), home, c.req)
			want(t, err, c.want)
			if !w.store.equal(before) {
				t.Error("a refused enrolment changed the store")
			}
		})
	}
	w.clock.pass(5 * time.Hour) // 24 h and more since the code was made
	_, err := w.tryEnroll(key, good)
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)

	cancelled := w.code(li)
	list, err := w.Admin().ListEnrolmentCodes(t.Context(), w.boss.identity(), &roundsv1.ListEnrolmentCodesRequest{PersonId: string(li)})
	if err != nil || len(list.GetEnrolmentCodes()) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	_, err = w.Admin().CancelEnrolmentCode(t.Context(), w.boss.identity(),
		&roundsv1.CancelEnrolmentCodeRequest{PersonId: string(li), CodeId: list.GetEnrolmentCodes()[1].GetCodeId()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.tryEnroll(key, cancelled)
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
}

// A code is worth what its maker may do at the moment of its use.
func TestCodeOfAFallenAdministrator(t *testing.T) {
	w := found(t)
	site := w.site(w.root, "Yunqi")
	admin := w.worker(site, roundsv1.Role_ROLE_ADMIN, "Wang")
	li := w.hire(site, "Li")
	made, err := w.Admin().CreateEnrolmentCode(t.Context(), admin.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: string(li)})
	if err != nil {
		t.Fatal(err)
	}
	w.grant(li, w.root, roundsv1.Role_ROLE_MANAGER) // Li is now more than Wang may act for
	_, err = w.tryEnroll(newKey(w), made.GetCode())
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
}

func TestNothingSecretIsStoredOrLogged(t *testing.T) {
	var log bytes.Buffer
	w := found(t, func(c *auth.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	code := w.code(w.hire(w.root, "Li"))
	p := w.enroll(code)
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	normal, _ := auth.NormalizeCode(code)
	for k, v := range w.store.rows {
		for _, secret := range []string{code, normal, p.refresh, p.access} {
			if strings.Contains(k, secret) || bytes.Contains(v, []byte(secret)) {
				t.Errorf("the store holds a secret at %x", k)
			}
		}
	}
	s := auth.Secret(code)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("said", "secret", s, "in", struct{ S auth.Secret }{s})
	fmt.Fprintf(&log, "%s %v %+v %#v %q", s, s, struct{ S auth.Secret }{s}, s, s)
	if strings.Contains(log.String(), code) || strings.Contains(log.String(), p.refresh) {
		t.Errorf("a secret was logged: %s", log.String())
	}
}

func TestGuessingLocksOut(t *testing.T) {
	w := found(t)
	good := w.code(w.hire(w.root, "Li"))
	bad := func(from string) error {
		_, err := w.Enroll(t.Context(), netip.MustParseAddr(from), enrolRequest(newKey(w), "0000-0000-0000-0000"))
		return err
	}
	for range 5 {
		want(t, bad("198.51.100.1"), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
	}
	waits := []time.Duration{}
	for range 12 {
		err := bad("198.51.100.1")
		want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_RATE)
		wait := retryAfter(t, err)
		waits = append(waits, wait)
		w.clock.pass(wait - time.Millisecond)
		want(t, bad("198.51.100.1"), roundsv1.ProblemCode_PROBLEM_CODE_RATE)
		w.clock.pass(time.Millisecond)
		want(t, bad("198.51.100.1"), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
	}
	if waits[0] != time.Second || waits[1] != 2*time.Second || waits[11] != 15*time.Minute {
		t.Errorf("waits %v", waits)
	}
	// A locked address does not get in with the right code either; another address does.
	_, err := w.Enroll(t.Context(), netip.MustParseAddr("198.51.100.1"), enrolRequest(newKey(w), good))
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_RATE)
	w.enroll(good)
	// An IPv6 network is one party.
	for i := range 5 {
		want(t, bad(fmt.Sprintf("2001:db8::%d", i+1)), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
	}
	want(t, bad("2001:db8::99"), roundsv1.ProblemCode_PROBLEM_CODE_RATE)
	// An hour of silence is forgiven.
	w.clock.pass(2 * time.Hour)
	want(t, bad("198.51.100.1"), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
	want(t, bad("198.51.100.1"), roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
}

// Many tries at once from one address are not many guesses more.
func TestGuessingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := found(t)
		w.enrollBadly(4)
		gate := make(chan struct{})
		w.store.before = func(int) error { <-gate; return nil } // none is judged before all have come
		judged := make([]bool, 200)
		for i := range judged {
			req := enrolRequest(newKey(w), "0000-0000-0000-0000")
			go func() {
				_, err := w.Enroll(t.Context(), home, req)
				judged[i] = problem(t, err) == roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE
			}()
		}
		synctest.Wait()
		close(gate)
		synctest.Wait()
		n := 0
		for _, j := range judged {
			if j {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d of 200 tries at once were judged after 4 failures of 5", n)
		}
	})
}

func (w *world) enrollBadly(n int) {
	for range n {
		_, _ = w.tryEnroll(newKey(w), "0000-0000-0000-0000")
	}
}

// All addresses together have a budget of failures, and what is remembered of them is bounded.
func TestGuessingFromEverywhere(t *testing.T) {
	w := found(t, func(c *auth.Config) { c.Lockout = auth.Lockout{GlobalRate: 1, Addresses: 16} })
	judged, refused := 0, 0
	var last error
	for i := range 200 {
		from := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		if _, err := w.Enroll(t.Context(), from, enrolRequest(newKey(w), "0000-0000-0000-0000")); problem(t, err) ==
			roundsv1.ProblemCode_PROBLEM_CODE_RATE {
			refused++
			last = err
		} else {
			judged++
		}
	}
	if judged != 60 || refused != 140 {
		t.Fatalf("%d judged, %d refused; the budget is 60", judged, refused)
	}
	w.clock.pass(retryAfter(t, last))
	w.boss.w = w
	w.enroll(w.code(w.hire(w.root, "Li")))
}

func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	var e *auth.Error
	if !asError(err, &e) || e.Problem.GetRetryAfter() == nil {
		t.Fatalf("no retry_after in %v", err)
	}
	return e.Problem.GetRetryAfter().AsDuration()
}
