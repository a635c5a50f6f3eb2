package sim

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// mediaLink is a phone's way to the MediaService.
type mediaLink struct {
	roundsv1connect.MediaServiceClient // the calls that no phone makes by itself
	p                                  *phone
}

// Plan implements roundsv1connect.MediaServiceClient.
func (l mediaLink) Plan(_ context.Context, req *connect.Request[roundsv1.PlanRequest]) (*connect.Response[roundsv1.PlanResponse], error) {
	p, ph := l.p, l.p.w.photos
	answer, err := carry(p, "plan", req.Msg, func(from caller, q *roundsv1.PlanRequest) (*roundsv1.PlanResponse, error) {
		answer, err := ph.desk.Plan(background(), from, q)
		for i, result := range answer.GetResults() {
			ph.answered(q.GetScope(), q.GetSha256()[i], from, "plan", result.GetStored() != nil, result.GetProblem())
		}
		return answer, err
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(answer), nil
}

// Finish implements roundsv1connect.MediaServiceClient.
func (l mediaLink) Finish(_ context.Context, req *connect.Request[roundsv1.FinishRequest]) (*connect.Response[roundsv1.FinishResponse], error) {
	p, ph := l.p, l.p.w.photos
	answer, err := carry(p, "finish", req.Msg, func(from caller, q *roundsv1.FinishRequest) (*roundsv1.FinishResponse, error) {
		answer, err := ph.desk.Finish(background(), from, q)
		for i, result := range answer.GetResults() {
			ph.answered(q.GetScope(), q.GetSha256()[i], from, "finish", result.GetStored() != nil, result.GetProblem())
		}
		return answer, err
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(answer), nil
}

// message is one of the schema's, by its pointer.
type message[T any] interface {
	*T
	proto.Message
}

// carry brings a call to the server and its answer back. Both travel as copies.
func carry[Q, A any, PQ message[Q], PA message[A]](p *phone, what string, request PQ, serve func(caller, PQ) (PA, error)) (PA, error) {
	w := p.w
	p.uploading = true
	if p.requests++; p.requests > 600 {
		w.broken(promises.P6, "%s: one Sync makes %d requests", p.name, p.requests)
		panic(stop{})
	}
	from, request := p.caller(), proto.CloneOf(request)
	w.note("%s: %s", p.name, what)
	w.travel()
	if !p.online {
		p.faulted = true
		return nil, cut()
	}
	w.meanwhile(p)
	fate := w.fate()
	if fate != arrives {
		w.note("%s: the %s %s", p.name, what, fate)
	}
	deliver := func() (answer PA, err error) {
		struck := w.photos.during(what, func() { answer, err = serve(from, proto.CloneOf(request)) })
		p.faulted = p.faulted || struck
		if err != nil {
			w.note("photos: %s refused: %v", what, err)
			return nil, refusal(err)
		}
		if struck && w.photos.died {
			return nil, cut()
		}
		return proto.CloneOf(answer), nil
	}
	if fate == copiedAway || fate == lost && w.chance(2) {
		w.photos.late = append(w.photos.late, late{words: "an old " + what + " of " + p.name, again: func() { _, _ = deliver() }})
	}
	if fate == lost {
		w.seen.Lost++
		p.faulted = true
		return nil, cut()
	}
	answer, err := deliver()
	if fate == doubled {
		w.seen.Doubled++
		again, failed := deliver()
		if w.chance(2) {
			answer, err = again, failed
		}
	}
	w.meanwhile(p)
	w.travel()
	if fate == replyLost {
		w.seen.RepliesLost++
		p.faulted = true
		return nil, cut()
	}
	return answer, err
}

// late is something that may arrive again.
type late struct {
	words string
	again func()
}

// during lets the server do something with photos while its store and theirs may fail. It is true when one did; then died says whether the server, or the
// storage, died of it.
func (ph *photography) during(what string, do func()) (struck bool) {
	w, s := ph.w, ph.w.server
	if w.plan.serverFaults && !w.healed && w.chance(5) {
		s.fuse.light(pick(w, faults()), 1+w.rand.IntN(30), w.chance(2))
	}
	ph.depot.light()
	kills := w.seen.MediaKills + w.seen.ServerKills
	do()
	struck = s.fuse.struck != memstore.None
	s.after()
	struck = ph.depot.after() || struck
	ph.died = w.seen.MediaKills+w.seen.ServerKills > kills
	w.mirror.catchUp()
	ph.tell()
	return struck
}

// carrier brings the parts of a phone's photos to their storage.
type carrier struct{ p *phone }

var _ http.RoundTripper = carrier{}

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	p, w := c.p, c.p.w
	ph := w.photos
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close() // it was read to its end
	if p.requests++; p.requests > 600 {
		w.broken(promises.P6, "%s: one Sync makes %d requests", p.name, p.requests)
		panic(stop{})
	}
	w.seen.Parts++
	w.note("%s: a part of %d bytes", p.name, len(body))
	w.travel()
	if !p.online {
		p.faulted = true
		return nil, errLink
	}
	w.meanwhile(p)
	fate := w.fate()
	sum := r.Header.Get("Content-MD5")
	short := len(body)
	switch {
	case fate == arrives && !w.healed && p.lies && w.chance(3):
		// Other bytes than the phone promised, with a checksum that fits them.
		body = bytes.Clone(body)
		body[w.rand.IntN(len(body))] ^= 1 << w.rand.IntN(8)
		own := md5.Sum(body)
		sum = base64.StdEncoding.EncodeToString(own[:])
		ph.spoofed[p.caller().Device] = true
		w.seen.Spoofed++
		w.note("%s: sends other bytes", p.name)
	case fate == doubled && w.chance(2):
		p.faulted = true
		body = bytes.Clone(body)
		body[w.rand.IntN(len(body))] ^= 1 << w.rand.IntN(8)
		fate = arrives
		w.seen.PartsDamaged++
		w.note("%s: the part is damaged on its way", p.name)
	case fate == lost && w.chance(2):
		short = w.rand.IntN(len(body))
		w.seen.PartsCut++
		w.note("%s: the part is cut after %d bytes", p.name, short)
	case fate != arrives:
		w.note("%s: the part %s", p.name, fate)
	}
	url, header := r.URL.String(), r.Header.Clone()
	header.Set("Content-MD5", sum)
	deliver := func(whole int) (answer *http.Response, err error) {
		struck := ph.during("part", func() {
			var in io.Reader = bytes.NewReader(body[:whole])
			if whole < len(body) {
				in = io.MultiReader(in, failing{})
			}
			var again *http.Request
			if again, err = http.NewRequestWithContext(background(), http.MethodPut, url, in); err != nil {
				return
			}
			again.Header, again.ContentLength = header, int64(len(body))
			answer, err = ph.depot.memory.Transport().RoundTrip(again)
		})
		p.faulted = p.faulted || struck
		if err == nil && struck && ph.died {
			return nil, errLink
		}
		if err == nil && answer.StatusCode != http.StatusOK {
			p.faulted = true
			w.note("photos: the part was answered %d", answer.StatusCode)
		}
		return answer, err
	}
	if fate == copiedAway || fate == lost && w.chance(2) {
		ph.late = append(ph.late, late{words: "an old part of " + p.name, again: func() { _, _ = deliver(len(body)) }})
	}
	if fate == lost {
		p.faulted = true
		w.seen.Lost++
		if short < len(body) {
			_, _ = deliver(short)
		}
		return nil, errLink
	}
	answer, err := deliver(len(body))
	if fate == doubled {
		w.seen.Doubled++
		answer, err = deliver(len(body))
	}
	w.meanwhile(p)
	w.travel()
	if fate == replyLost {
		w.seen.RepliesLost++
		p.faulted = true
		return nil, errLink
	}
	return answer, err
}

// failing is where a body was cut.
type failing struct{}

// Read implements io.Reader.
func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// answered holds what a device is told of the bytes of a photo against the records: they are acknowledged only when it stands there.
func (ph *photography) answered(scope string, sha []byte, from caller, what string, stored bool, problem *roundsv1.Problem) {
	if len(sha) != len(media.Hash{}) {
		return
	}
	h := media.Hash(sha)
	if stored && !ph.isParked(store.Scope(scope), h) && !slices.ContainsFunc(ph.of(store.Scope(scope), h), func(photo *roundsv1.Photo) bool { return hasBytes(photo) }) {
		ph.wrong("P9: %s: %s of %s is answered with stored, and no photo there is", scope, what, h)
	}
	if problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER {
		ph.w.seen.Differed++
		if !ph.spoofed[from.Device] {
			ph.wrong("P2: %s is told that its bytes differ, and sent the right ones: %s", fmt.Sprint(ph.w.deviceName(string(from.Device))), h)
		}
	}
}
