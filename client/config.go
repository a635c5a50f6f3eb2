package client

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/sync/store"
)

// Config is what a device is made of. Only Store is needed; the zero value of every other field means its default.
type Config struct {
	// Store keeps everything. It belongs to one Device at a time; the device does not close it.
	Store store.Store
	// Sync reaches the server. Default: none, the device is offline and Sync answers ErrOffline.
	Sync roundsv1connect.SyncServiceClient
	// Media plans the upload of photos. Default: none, photos are queued and their bytes stay here.
	Media roundsv1connect.MediaServiceClient
	// HTTP sends the bytes of photos, by plain HTTP to the addresses that Media answers with. Its client must not follow redirects. Default: a
	// client of its own.
	HTTP connect.HTTPClient
	// Originals keep the bytes of photos until the server has them. Default: none, AddPhoto answers ErrNoOriginals.
	Originals Originals
	// Progress hears how the uploads go: at each step of a photo and while its bytes travel. One call at a time, from the goroutine that does the
	// work: it must return soon, and must not call the device. Default: nobody hears.
	Progress func(PhotoProgress)
	// Tokens give the access token of each call. Default: calls carry none.
	Tokens Tokens
	// Identity of the device. It is stored at the first Open and need not be given again; another one than the stored is
	// refused. Default: the stored one; without any the device reads and Do answers ErrNotEnrolled.
	Identity *Identity
	// Roles of the person, as far as the app knows: they rank the person's own pending edits until the server has judged them.
	Roles []roundsv1.Role
	// Clock of the device. Default: SystemClock.
	Clock Clock
	// Rand makes ids and jitter. Default: crypto/rand.Reader.
	Rand io.Reader
	// Logger hears what a developer or an operator should know. Contents of records and secrets are never logged. Default:
	// nothing.
	Logger *slog.Logger
	// Validate checks a mutation against the rules of its schema before it is queued; its error is shown to the person.
	// Default: no check.
	Validate func(proto.Message) error
	// Foresee tells what a command will do to its record if the server lets it: the result is shown, as pending, until the
	// server has decided. nil, or a nil result: the record is shown as it is, with the command counted in View.Pending. It is
	// called often, and must be pure.
	Foresee func(current *roundsv1.Change, command *roundsv1.Mutation) *roundsv1.Edit
	// Limits bound memory, disk and the wire.
	Limits Limits
	// Timing of the background sync.
	Timing Timing
}

// Limits are sizes in bytes. The zero value of a field means its default.
type Limits struct {
	// MutationBytes of one mutation. Default: 1 MiB.
	MutationBytes int
	// RequestBytes of mutations in one request over a good link. Default: 2 MiB.
	RequestBytes int
	// FirstRequestBytes of mutations in the first request, and of changes asked back, while nothing is known of the link: what
	// fits into a ten-second window at 64 kbit/s. Default: 40 KiB.
	FirstRequestBytes int
	// PageBytes of changes asked for over a good link. Default: 1 MiB.
	PageBytes int
	// RetainBytes of mutations kept in a scope after the server took them, until it has them in a backup. Default: 64 MiB.
	RetainBytes int64
	// PhotoBytes of one original. Default: 32 MiB, which is the most that a server takes unless it is set otherwise.
	PhotoBytes int64
	// PreviewPixels of an image that a preview is made of; of a larger one none is made. Default: 64 million.
	PreviewPixels int
	// PartBytes of one part of a photo over a good link, 64 KiB to 8 MiB. Default: 8 MiB.
	PartBytes int64
	// Parts on their way at once over a good link. Over a bad one it is one. With 1 they are sent on the goroutine that uploads. Default: 4.
	Parts int
}

// Timing are durations. The zero value of a field means its default.
type Timing struct {
	// Exchange may take this long. Default: 60 s.
	Exchange time.Duration
	// Debounce is how long Run waits after a mutation for more of them. Default: 200 ms.
	Debounce time.Duration
	// Poll is how often Run syncs while no stream can be held. Default: 60 s.
	Poll time.Duration
	// Heartbeat asked of the stream; after three times this silence it counts as lost. Default: 30 s.
	Heartbeat time.Duration
	// BackoffFirst and BackoffMax bound the wait after a failure; it doubles, with jitter. Default: 1 s and 5 min.
	BackoffFirst, BackoffMax time.Duration
	// Retain is how long a mutation that the server took is kept for the case that the server loses it, at most. Default: 30
	// days.
	Retain time.Duration
	// Parked is how long a lane rests that the server refused as a whole. Default: 1 h.
	Parked time.Duration
	// Standstill is how long a part of a photo may not move before its connection is given up. Default: 30 s.
	Standstill time.Duration
	// Originals is how long the original of a photo is kept after the server has it, while its ticket is not closed. Default: 14 days.
	Originals time.Duration
}

// withDefaults returns the config with every default filled in, or all faults at once.
func (c Config) withDefaults() (Config, error) {
	if err := c.faults(); err != nil {
		return c, err
	}
	if c.Clock == nil {
		c.Clock = SystemClock(time.Now)
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	l := &c.Limits
	l.MutationBytes = or(l.MutationBytes, 1<<20)
	l.RequestBytes = or(l.RequestBytes, 2<<20)
	l.FirstRequestBytes = or(l.FirstRequestBytes, 40<<10)
	l.PageBytes = or(l.PageBytes, 1<<20)
	l.RetainBytes = or(l.RetainBytes, 64<<20)
	l.PhotoBytes = or(l.PhotoBytes, 32<<20)
	l.PreviewPixels = or(l.PreviewPixels, 64_000_000)
	l.PartBytes = or(l.PartBytes, maxPart)
	l.Parts = or(l.Parts, 4)
	t := &c.Timing
	t.Exchange = or(t.Exchange, time.Minute)
	t.Debounce = or(t.Debounce, 200*time.Millisecond)
	t.Poll = or(t.Poll, time.Minute)
	t.Heartbeat = or(t.Heartbeat, 30*time.Second)
	t.BackoffFirst = or(t.BackoffFirst, time.Second)
	t.BackoffMax = or(t.BackoffMax, 5*time.Minute)
	t.Retain = or(t.Retain, 30*24*time.Hour)
	t.Parked = or(t.Parked, time.Hour)
	t.Standstill = or(t.Standstill, 30*time.Second)
	t.Originals = or(t.Originals, 14*24*time.Hour)
	if c.HTTP == nil {
		c.HTTP = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return c, nil
}

// faults returns all faults of the config, joined, or nil.
func (c Config) faults() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.Store == nil, "Store is missing")
	if c.Identity != nil {
		if err := c.Identity.check(); err != nil {
			faults = append(faults, err)
		}
	}
	sizes := []struct {
		name  string
		value int64
	}{
		{"MutationBytes", int64(c.Limits.MutationBytes)}, {"RequestBytes", int64(c.Limits.RequestBytes)},
		{"FirstRequestBytes", int64(c.Limits.FirstRequestBytes)}, {"PageBytes", int64(c.Limits.PageBytes)},
		{"RetainBytes", c.Limits.RetainBytes}, {"PhotoBytes", c.Limits.PhotoBytes}, {"PreviewPixels", int64(c.Limits.PreviewPixels)},
		{"Parts", int64(c.Limits.Parts)},
	}
	for _, s := range sizes {
		fault(s.value < 0, "Limits.%s is negative: %d", s.name, s.value)
	}
	fault(c.Limits.MutationBytes > maxMutation, "Limits.MutationBytes is more than %d", maxMutation)
	fault(c.Limits.PartBytes != 0 && (c.Limits.PartBytes < minPart || c.Limits.PartBytes > maxPart), "Limits.PartBytes is not within %d and %d", minPart, maxPart)
	durations := []struct {
		name  string
		value time.Duration
	}{
		{"Exchange", c.Timing.Exchange}, {"Debounce", c.Timing.Debounce}, {"Poll", c.Timing.Poll}, {"Heartbeat", c.Timing.Heartbeat},
		{"BackoffFirst", c.Timing.BackoffFirst}, {"BackoffMax", c.Timing.BackoffMax}, {"Retain", c.Timing.Retain}, {"Parked", c.Timing.Parked},
		{"Standstill", c.Timing.Standstill}, {"Originals", c.Timing.Originals},
	}
	for _, d := range durations {
		fault(d.value < 0, "Timing.%s is negative: %v", d.name, d.value)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("client: config: %w", err)
	}
	return nil
}

// maxMutation is what the store, the journal and one request can hold, with room to spare.
const maxMutation = 3 << 20

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
