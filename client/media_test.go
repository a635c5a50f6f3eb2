package client_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
)

// mediaServer is a small MediaService with its parts behind plain HTTP. It keeps the rules of media.proto, and holds devices to theirs: whatever a
// device may not send fails the test. Calls that are not about uploads are not implemented.
type mediaServer struct {
	roundsv1connect.UnimplementedMediaServiceHandler
	t     testing.TB
	words *server // whose records promise the photos
	url   string

	mu      sync.Mutex // guards all below
	uploads map[uploadKey]*fakeUpload
	objects map[client.PhotoHash][]byte
	known   map[client.Scope]map[client.PhotoHash]bool // stored, by scope
	tickets map[string]ticketTo
	issued  int
	plans   []*roundsv1.PlanRequest
	puts    []fakePut
	active  int // parts that are arriving
	widest  int
	// unpromised: a device may ask for what was not promised.
	unpromised bool
	// onCall may fail a call before or after it is done; onPart sees a part when so many of its bytes have arrived, and may end it with a status.
	onCall func(name string, done bool) error
	onPart func(p fakePut, read int64) (status int)
	// problem may answer for a photo in place of the fake.
	problem func(call string, hash client.PhotoHash) *roundsv1.Problem
}

type uploadKey struct {
	owner client.DeviceID
	hash  client.PhotoHash
}

type fakeUpload struct {
	size  int64
	parts map[int64][]byte // by offset
}

func (u *fakeUpload) received() (n int64) {
	for _, p := range u.parts {
		n += int64(len(p))
	}
	return n
}

// ticketTo is what a URL is good for.
type ticketTo struct {
	key          uploadKey
	offset, size int64
}

// fakePut is one PUT of a part that began to arrive.
type fakePut struct {
	hash         client.PhotoHash
	offset, size int64
	whole        bool // it arrived whole, and is kept
}

var _ roundsv1connect.MediaServiceHandler = (*mediaServer)(nil)

// newMedia serves a fake and the words beside it; its URLs lead to it by the address at.
func newMedia(t testing.TB, words *server) *mediaServer {
	m := &mediaServer{t: t, words: words, uploads: map[uploadKey]*fakeUpload{}, objects: map[client.PhotoHash][]byte{},
		known: map[client.Scope]map[client.PhotoHash]bool{}, tickets: map[string]ticketTo{}}
	served := httptest.NewServer(m.handler())
	t.Cleanup(served.Close)
	m.url = served.URL
	return m
}

func (m *mediaServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(roundsv1connect.NewMediaServiceHandler(m))
	mux.Handle(roundsv1connect.NewSyncServiceHandler(handler{server: m.words, noStreams: true}))
	mux.HandleFunc("PUT /part/{ticket}", m.put)
	return mux
}

// use lets a rig upload to the fake.
func (m *mediaServer) use(d *rig) *rig {
	m.t.Helper()
	folder, err := client.Folder(m.t.TempDir())
	if err != nil {
		m.t.Fatal(err)
	}
	transport := &http.Transport{}
	m.t.Cleanup(transport.CloseIdleConnections)
	hc := &http.Client{Transport: transport}
	d.cfg.Originals, d.cfg.HTTP = folder, hc
	d.cfg.Media = roundsv1connect.NewMediaServiceClient(hc, m.url)
	d.cfg.Timing.BackoffFirst, d.cfg.Timing.BackoffMax = 1e6, 4e6 // the waits of the tests are real
	d.open(d.disk)
	return d
}

func (m *mediaServer) call(name string, done bool) error {
	if m.onCall == nil {
		return nil
	}
	return m.onCall(name, done)
}

// promised returns the size that a photo of the scope promises for a hash.
func (m *mediaServer) promised(scope client.Scope, hash client.PhotoHash) (int64, bool) {
	m.words.mu.Lock()
	defer m.words.mu.Unlock()
	for _, change := range m.words.scope(scope).records {
		if p := change.GetRecord().GetPhoto(); bytes.Equal(p.GetSha256(), hash[:]) && p != nil {
			return p.GetSizeBytes(), true
		}
	}
	return 0, false
}

func problemResult(code roundsv1.ProblemCode) *roundsv1.Problem { return &roundsv1.Problem{Code: code} }

// Plan implements roundsv1connect.MediaServiceHandler.
func (m *mediaServer) Plan(_ context.Context, request *connect.Request[roundsv1.PlanRequest]) (*connect.Response[roundsv1.PlanResponse], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := request.Msg
	m.plans = append(m.plans, x)
	if err := m.call("Plan", false); err != nil {
		return nil, err
	}
	device, err := m.words.device(request.Header().Get("Authorization"))
	if err != nil {
		return nil, err
	}
	if n := len(x.GetSha256()); n < 1 || n > 100 || x.GetPartBytes() < 64<<10 || x.GetPartBytes() > 8<<20 || x.GetMaxParts() < 1 || x.GetMaxParts() > 1000 {
		m.t.Errorf("a Plan outside the limits: %d hashes, %d parts of %d", n, x.GetMaxParts(), x.GetPartBytes())
	}
	answer := &roundsv1.PlanResponse{}
	seen := map[client.PhotoHash]bool{}
	for _, b := range x.GetSha256() {
		hash := client.PhotoHash(b)
		if seen[hash] {
			m.t.Errorf("%s is asked for twice in one Plan", hash)
		}
		seen[hash] = true
		answer.Results = append(answer.Results, m.planOne(device, client.Scope(x.GetScope()), hash, x))
	}
	if err := m.call("Plan", true); err != nil {
		return nil, err
	}
	return connect.NewResponse(answer), nil
}

func (m *mediaServer) planOne(device client.DeviceID, scope client.Scope, hash client.PhotoHash, x *roundsv1.PlanRequest) *roundsv1.PlanResult {
	result := &roundsv1.PlanResult{Sha256: hash[:]}
	fail := func(p *roundsv1.Problem) *roundsv1.PlanResult {
		result.Plan = &roundsv1.PlanResult_Problem{Problem: p}
		return result
	}
	if m.problem != nil {
		if p := m.problem("Plan", hash); p != nil {
			return fail(p)
		}
	}
	size, ok := m.promised(scope, hash)
	if !ok {
		if !m.unpromised {
			m.t.Errorf("%s is asked for before its promise is here", hash)
		}
		return fail(problemResult(roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED))
	}
	if m.known[scope][hash] {
		result.Plan = &roundsv1.PlanResult_Stored{Stored: &roundsv1.PhotoStored{Deduplicated: true}}
		return result
	}
	key := uploadKey{device, hash}
	u := m.uploads[key]
	if u == nil {
		u = &fakeUpload{size: size, parts: map[int64][]byte{}}
		m.uploads[key] = u
	}
	plan := &roundsv1.PhotoUpload{ReceivedBytes: u.received(), ExpiresUs: 1 << 60}
	offsets := []int64{}
	for at := range u.parts {
		offsets = append(offsets, at)
	}
	slices.Sort(offsets)
	at := int64(0)
	gap := func(to int64) {
		for at < to {
			n := min(int64(x.GetPartBytes()), to-at)
			if len(plan.Parts) == int(x.GetMaxParts()) {
				plan.More = true
				return
			}
			m.issued++
			ticket := fmt.Sprint("t", m.issued)
			m.tickets[ticket] = ticketTo{key: key, offset: at, size: n}
			plan.Parts = append(plan.Parts, &roundsv1.UploadPart{Offset: at, Size: n, Url: m.url + "/part/" + ticket, Headers: map[string]string{"X-Part": ticket}})
			at += n
		}
	}
	for _, have := range offsets {
		gap(have)
		at = have + int64(len(u.parts[have]))
	}
	gap(size)
	result.Plan = &roundsv1.PlanResult_Upload{Upload: plan}
	return result
}

func (m *mediaServer) put(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	to, ok := m.tickets[r.PathValue("ticket")]
	if !ok {
		m.mu.Unlock()
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.Header.Get("X-Part") != r.PathValue("ticket") || r.ContentLength != to.size || r.Header.Get("Authorization") != "" {
		m.t.Errorf("a part of %d bytes with %d and headers %v", to.size, r.ContentLength, r.Header)
	}
	n := len(m.puts)
	m.puts = append(m.puts, fakePut{hash: to.key.hash, offset: to.offset, size: to.size})
	m.active++
	m.widest = max(m.widest, m.active)
	seen, one := m.onPart, m.puts[n]
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.active--
		m.mu.Unlock()
	}()
	body := make([]byte, 0, to.size)
	buffer := make([]byte, max(1, min(8<<10, to.size/4)))
	for {
		if seen != nil {
			if status := seen(one, int64(len(body))); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		k, err := r.Body.Read(buffer)
		body = append(body, buffer[:k]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return // cut: nothing of it is kept
		}
	}
	if int64(len(body)) != to.size {
		return
	}
	sum := md5.Sum(body)
	if base64.StdEncoding.EncodeToString(sum[:]) != r.Header.Get("Content-MD5") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	if u := m.uploads[to.key]; u != nil {
		u.parts[to.offset] = body
		m.puts[n].whole = true
	}
	one = m.puts[n]
	m.mu.Unlock()
	if seen != nil {
		if status := seen(one, to.size); status != 0 {
			w.WriteHeader(status)
		}
	}
}

// Finish implements roundsv1connect.MediaServiceHandler.
func (m *mediaServer) Finish(_ context.Context, request *connect.Request[roundsv1.FinishRequest]) (*connect.Response[roundsv1.FinishResponse], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("Finish", false); err != nil {
		return nil, err
	}
	device, err := m.words.device(request.Header().Get("Authorization"))
	if err != nil {
		return nil, err
	}
	answer := &roundsv1.FinishResponse{}
	for _, b := range request.Msg.GetSha256() {
		answer.Results = append(answer.Results, m.finishOne(device, client.Scope(request.Msg.GetScope()), client.PhotoHash(b)))
	}
	if err := m.call("Finish", true); err != nil {
		return nil, err
	}
	return connect.NewResponse(answer), nil
}

func (m *mediaServer) finishOne(device client.DeviceID, scope client.Scope, hash client.PhotoHash) *roundsv1.FinishResult {
	result := &roundsv1.FinishResult{Sha256: hash[:]}
	fail := func(p *roundsv1.Problem) *roundsv1.FinishResult {
		result.Result = &roundsv1.FinishResult_Problem{Problem: p}
		return result
	}
	if m.problem != nil {
		if p := m.problem("Finish", hash); p != nil {
			if p.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER {
				delete(m.uploads, uploadKey{device, hash})
			}
			return fail(p)
		}
	}
	if !m.known[scope][hash] {
		u := m.uploads[uploadKey{device, hash}]
		if u == nil || u.received() != u.size {
			return fail(problemResult(roundsv1.ProblemCode_PROBLEM_CODE_PARTS_MISSING))
		}
		var whole []byte
		for int64(len(whole)) < u.size {
			next, ok := u.parts[int64(len(whole))]
			if !ok {
				m.t.Errorf("%s: parts overlap or leave gaps", hash)
				return fail(problemResult(roundsv1.ProblemCode_PROBLEM_CODE_PARTS_MISSING))
			}
			whole = append(whole, next...)
		}
		delete(m.uploads, uploadKey{device, hash})
		if sha256.Sum256(whole) != hash {
			m.t.Errorf("%s: the device sent other bytes", hash)
			return fail(problemResult(roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER))
		}
		m.objects[hash] = whole
		if m.known[scope] == nil {
			m.known[scope] = map[client.PhotoHash]bool{}
		}
		m.known[scope][hash] = true
	}
	result.Result = &roundsv1.FinishResult_Stored{Stored: &roundsv1.PhotoStored{}}
	return result
}

// has tells whether the fake stores exactly these bytes.
func (m *mediaServer) has(content []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Equal(m.objects[sha256.Sum256(content)], content) && len(content) > 0
}

// again counts how often parts began to arrive that had begun before.
func (m *mediaServer) again() (parts int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	times := map[string]int{}
	for _, p := range m.puts {
		times[fmt.Sprint(p.hash, p.offset)]++
	}
	for _, n := range times {
		parts += n - 1
	}
	return parts
}
