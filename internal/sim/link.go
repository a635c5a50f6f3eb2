package sim

import (
	"context"
	"errors"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// link is a phone's way to the server. Requests and answers travel as bytes.
type link struct{ p *phone }

var _ roundsv1connect.SyncServiceClient = link{}

// errLink is the error of everything that the link does to a call.
var errLink = errors.New("sim: the link failed")

func cut() error { return connect.NewError(connect.CodeUnavailable, errLink) }

// Watch implements roundsv1connect.SyncServiceClient: this link holds no streams.
func (l link) Watch(context.Context, *connect.Request[roundsv1.WatchRequest]) (*connect.ServerStreamForClient[roundsv1.WatchResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errLink)
}

// Exchange implements roundsv1connect.SyncServiceClient.
func (l link) Exchange(_ context.Context, req *connect.Request[roundsv1.ExchangeRequest]) (*connect.Response[roundsv1.ExchangeResponse], error) {
	p, w := l.p, l.p.w
	w.seen.Exchanges++
	if p.requests++; p.requests > 400 {
		w.broken(promises.P6, "%s: one Sync makes %d requests", p.name, p.requests)
		panic(stop{})
	}
	encoded, err := proto.Marshal(req.Msg)
	if err != nil {
		return nil, err
	}
	from := p.caller()
	w.note("%s: request %s", p.name, w.request(req.Msg))
	w.travel()
	if !p.online {
		p.faulted = true
		return nil, cut()
	}
	w.meanwhile(p)
	fate := w.fate()
	if fate != arrives {
		w.note("%s: the request %s", p.name, fate)
	}
	if fate == copiedAway || fate == lost && w.chance(2) {
		w.copies = append(w.copies, copied{p, from, encoded})
	}
	if fate == lost {
		w.seen.Lost++
		p.faulted = true
		return nil, cut()
	}
	answer, err := w.deliver(p, from, encoded)
	if fate == doubled {
		w.seen.Doubled++
		again, failed := w.deliver(p, from, encoded)
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
	if err != nil {
		return nil, err
	}
	decoded := new(roundsv1.ExchangeResponse)
	if err := proto.Unmarshal(answer, decoded); err != nil {
		return nil, err
	}
	return connect.NewResponse(decoded), nil
}

// travel is the time that a request or an answer takes.
func (w *world) travel() {
	if !w.plan.instant {
		w.pass(5*time.Millisecond, time.Second)
	}
}

// fate is what becomes of a request.
type fate string

const (
	arrives    fate = "arrives"
	lost       fate = "is lost"
	replyLost  fate = "is done, and its answer lost"
	doubled    fate = "arrives twice"
	copiedAway fate = "arrives, and will again"
)

func (w *world) fate() fate {
	if w.healed || w.plan.loss == 0 || !w.chance(w.plan.loss) {
		return arrives
	}
	return pick(w, []fate{lost, replyLost, doubled, copiedAway})
}

// deliver hands a request to the engine and holds the answer against the mirror.
func (w *world) deliver(p *phone, from caller, encoded []byte) ([]byte, error) {
	request := new(roundsv1.ExchangeRequest)
	if err := proto.Unmarshal(encoded, request); err != nil {
		return nil, err
	}
	s := w.server
	var order []store.Scope
	if len(request.GetLanes()) > 1 {
		for _, lane := range request.GetLanes() {
			order = append(order, store.Scope(lane.GetScope()))
		}
		w.shuffle(order)
	}
	if w.plan.serverFaults && !w.healed && w.chance(4) {
		s.fuse.light(pick(w, faults()), 1+w.rand.IntN(60), w.chance(2))
	}
	s.turns.expect(order)
	at := s.now()
	answer, err := s.engine.Exchange(context.Background(), from, request)
	s.turns.expect(nil)
	crashed := crashes(s.fuse.struck)
	if s.fuse.struck != 0 && !w.mirror.stale {
		p.faulted = true
	}
	s.after()
	w.mirror.catchUp()
	if err == nil && crashed {
		// The answer was made, and the server died before it was sent.
		err = cut()
	}
	if err != nil {
		w.note("server: refuses %s: %v", w.deviceName(string(from.Device)), err)
		return nil, refusal(err)
	}
	bytes, err := proto.Marshal(answer)
	if err != nil {
		return nil, err
	}
	seen := new(roundsv1.ExchangeResponse)
	if err := proto.Unmarshal(bytes, seen); err != nil {
		return nil, err
	}
	w.mirror.answered(from, request, seen, at)
	return bytes, nil
}

func (w *world) shuffle(scopes []store.Scope) {
	w.rand.Shuffle(len(scopes), func(i, j int) { scopes[i], scopes[j] = scopes[j], scopes[i] })
}

// refusal is an error of the engine as a phone gets it.
func refusal(err error) error {
	var own *engine.Error
	if !errors.As(err, &own) {
		return err
	}
	code := connect.CodeInternal
	switch own.Kind {
	case engine.Invalid:
		code = connect.CodeInvalidArgument
	case engine.Denied:
		code = connect.CodePermissionDenied
	case engine.Exhausted:
		code = connect.CodeResourceExhausted
	case engine.Precondition:
		code = connect.CodeFailedPrecondition
	case engine.Unavailable:
		code = connect.CodeUnavailable
	}
	told := connect.NewError(code, errors.New("refused"))
	if own.Problem != nil {
		detail, err := connect.NewErrorDetail(own.Problem)
		if err != nil {
			return err
		}
		told.AddDetail(detail)
	}
	return told
}

// again lets a copy of an old request arrive.
func (w *world) again() {
	if len(w.copies) == 0 {
		return
	}
	i := w.rand.IntN(len(w.copies))
	c := w.copies[i]
	if w.chance(2) {
		w.copies = slices.Delete(w.copies, i, i+1)
	}
	w.seen.Copies++
	w.note("an old request of %s arrives again", c.from.name)
	w.mirror.stale = true
	w.depth++
	_, _ = w.deliver(c.from, c.caller, c.encoded)
	w.depth--
	w.mirror.stale = false
}

// meanwhile lets others act while a request or its answer is on its way.
func (w *world) meanwhile(p *phone) {
	if w.healed || w.plan.nested == 0 || w.depth > 2 || !w.chance(w.plan.nested) {
		return
	}
	w.seen.Nested++
	w.depth++
	defer func() { w.depth-- }()
	switch w.rand.IntN(5) {
	case 0:
		p.work()
	case 1:
		w.again()
	case 2:
		if w.plan.serverFaults {
			w.server.kill()
		}
	default:
		if other := pick(w, w.phones); other != p && !other.busy {
			if w.chance(2) {
				other.work()
			} else {
				other.sync()
			}
		}
	}
}

// request puts a request into words.
func (w *world) request(r *roundsv1.ExchangeRequest) string {
	words := ""
	for _, lane := range r.GetLanes() {
		words += w.short(store.Scope(lane.GetScope())) + " "
		if n := len(lane.GetMutations()); n > 0 {
			words += "lane " + itoa(lane.GetFirstSeq()) + "-" + itoa(lane.GetFirstSeq()+uint64(n)-1) + " "
		}
		words += "confirmed " + itoa(lane.GetConfirmed()) + ", "
	}
	for _, c := range r.GetCursors() {
		words += "pull " + w.short(store.Scope(c.GetScope())) + ", "
	}
	if len(r.GetPurged()) > 0 {
		words += "purged " + itoa(uint64(len(r.GetPurged())))
	}
	return words
}
