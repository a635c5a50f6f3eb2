package server

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// patient gives every write of next its own deadline, so that a reader that takes nothing is given up and one that is slow is not. A body that is
// announced has one from the start: net/http reads what next leaves of it, and would wait for it for ever.
func patient(next http.Handler, read, write time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.ContentLength != 0 {
			_ = control.SetReadDeadline(time.Now().Add(read))
		}
		answer := &patientWriter{ResponseWriter: w, control: control, standstill: write}
		defer answer.leave()
		next.ServeHTTP(answer, r)
	})
}

// patientWriter is the writer of one call. A deadline stands from a write to the next flush: an idle stream has none, unless the whole answer has an end.
type patientWriter struct {
	http.ResponseWriter
	control    *http.ResponseController
	standstill time.Duration

	mu   sync.Mutex // guards what follows, and makes it one step with the deadline that follows from it
	end  time.Time  // of the whole answer; zero: none
	over bool       // the call has ended: net/http has taken its connection back
}

var (
	_ http.ResponseWriter = (*patientWriter)(nil)
	_ http.Flusher        = (*patientWriter)(nil)
)

// Write implements io.Writer.
func (w *patientWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher. When it fails the call's context ends.
func (w *patientWriter) Flush() {
	w.begin()
	_ = w.control.Flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.control.SetWriteDeadline(w.end)
}

// begin sets the deadline of a write.
func (w *patientWriter) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := time.Now().Add(w.standstill)
	if !w.end.IsZero() && w.end.Before(at) {
		at = w.end
	}
	_ = w.control.SetWriteDeadline(at)
}

// leave ends the call for cut, and waits for one that is under way.
func (w *patientWriter) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

// cut gives the answer an end, and what is being written the time until then at most. Any goroutine may call it; after the call it does nothing.
func (w *patientWriter) cut(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over && (w.end.IsZero() || at.Before(w.end)) {
		w.end = at
		if until := time.Now().Add(w.standstill); until.Before(at) {
			at = until
		}
		_ = w.control.SetWriteDeadline(at)
	}
}

// Unwrap lets an http.ResponseController through.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// cutAfter ends the writing of a call's answer after a time, also of what is being written then to a reader that takes nothing. The earliest time counts.
func cutAfter(ctx context.Context, d time.Duration) {
	if answer, ok := ctx.Value(answerKey{}).(*patientWriter); ok {
		answer.cut(time.Now().Add(d))
	}
}
