package bench

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what the protocol's Content-MD5 is made of
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// photo is what is uploaded: a head of its own, and a tail that may be shared, so that many large ones fit into the generator's memory.
type photo struct {
	head, tail []byte
	hash       [sha256.Size]byte
	mediaType  string
	id         string
	sums       *sync.Map // of tails: MD5 by range
}

func (p photo) size() int64 { return int64(len(p.head) + len(p.tail)) }

func jpegPhoto(content []byte) photo {
	return photo{head: content, hash: sha256.Sum256(content), mediaType: "image/jpeg", sums: new(sync.Map)}
}

// noises are as many photos of noise, each with another beginning.
func noises(seed uint64, n int, size int64) []photo {
	random := rand.New(rand.NewPCG(seed, 0x6e6f697365))
	tail := make([]byte, max(0, size-headBytes))
	for i := 0; i+8 <= len(tail); i += 8 {
		binary.LittleEndian.PutUint64(tail[i:], random.Uint64())
	}
	sums := new(sync.Map)
	all := make([]photo, n)
	for i := range all {
		head := make([]byte, min(size, headBytes))
		binary.BigEndian.PutUint64(head, random.Uint64()|1<<63) // no image begins like this
		binary.BigEndian.PutUint64(head[8:], uint64(i))
		all[i] = photo{head: head, tail: tail, mediaType: "image/jpeg", sums: sums}
	}
	_ = inParallel(2, n, func(i int) error {
		h := sha256.New()
		h.Write(all[i].head)
		h.Write(tail)
		all[i].hash = [sha256.Size]byte(h.Sum(nil))
		return nil
	})
	return all
}

const headBytes = 16

// part returns a range of the bytes.
func (p photo) part(offset, size int64) io.Reader {
	end := offset + size
	first := p.head[min(offset, int64(len(p.head))):min(end, int64(len(p.head)))]
	from := int64(len(p.head))
	rest := p.tail[max(0, offset-from):max(0, end-from)]
	return io.MultiReader(bytes.NewReader(first), bytes.NewReader(rest))
}

// md5 is the sum of a range; of one that lies in the shared tail it is computed once.
func (p photo) md5(offset, size int64) string {
	key := [2]int64{offset, size}
	shared := offset >= int64(len(p.head))
	if shared {
		if sum, ok := p.sums.Load(key); ok {
			return sum.(string)
		}
	}
	h := md5.New() //nolint:gosec // see the import
	_, _ = io.Copy(h, p.part(offset, size))
	sum := base64.StdEncoding.EncodeToString(h.Sum(nil))
	if shared {
		p.sums.Store(key, sum)
	}
	return sum
}

// photosATicket is how many photos a ticket has.
const photosATicket = 4

// promise pushes the facts of photos, on tickets of their own.
func (s *sender) promise(ctx context.Context, photos []photo) error {
	now := s.device.clock()
	ticket := ""
	for i := range photos {
		if i%photosATicket == 0 {
			ticket = s.words.ID()
			if _, err := s.device.do(s.scope, ticket, now, seen{}, create(ticketRecord(s.words.Ticket()))); err != nil {
				return err
			}
		}
		photos[i].id = s.words.ID()
		fact := fact(&roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket},
			Role: roundsv1.PhotoRole_PHOTO_ROLE_BEFORE, Round: 1, Sha256: photos[i].hash[:], SizeBytes: photos[i].size(), MediaType: photos[i].mediaType,
			Captured: now, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA, PersonId: s.device.person}}})
		if _, err := s.device.do(s.scope, photos[i].id, now, seen{}, fact); err != nil {
			return err
		}
	}
	for {
		req, count := s.device.flush()
		if req == nil {
			return nil
		}
		resp, err := s.sync.Exchange(ctx, connect.NewRequest(req))
		if err != nil {
			return fmt.Errorf("promising photos: %w", err)
		}
		if err := check(resp.Msg, count); err != nil {
			return err
		}
	}
}

// The most photos of one Plan and of one Describe.
const (
	planAtOnce     = 100
	describeAtOnce = 100
)

// upload promises photos and uploads their bytes, so many at a time, each with its parts one after the other, and returns how long it took from the
// first Plan to the last Finish. The sums of the parts are made before; that is the devices' time.
func (s *sender) upload(ctx context.Context, photos []photo, atOnce int) (time.Duration, error) {
	if err := s.promise(ctx, photos); err != nil {
		return 0, err
	}
	heads := make([]string, len(photos)) // the first part's sum, which no other shares
	_ = inParallel(2, len(photos), func(i int) error {
		for offset := int64(partBytes); offset < photos[i].size(); offset += partBytes {
			photos[i].md5(offset, min(partBytes, photos[i].size()-offset))
		}
		heads[i] = photos[i].md5(0, min(partBytes, photos[i].size()))
		return nil
	})
	began := time.Now()
	plans := make([]*roundsv1.PhotoUpload, 0, len(photos))
	for from := 0; from < len(photos); from += planAtOnce {
		req := &roundsv1.PlanRequest{Scope: s.scope, PartBytes: partBytes, MaxParts: 1000}
		for _, p := range photos[from:min(len(photos), from+planAtOnce)] {
			req.Sha256 = append(req.Sha256, p.hash[:])
		}
		resp, err := s.media.Plan(ctx, connect.NewRequest(req))
		if err != nil {
			return 0, fmt.Errorf("planning: %w", err)
		}
		for _, r := range resp.Msg.GetResults() {
			if r.GetUpload() == nil || r.GetUpload().GetMore() {
				return 0, fmt.Errorf("planning: not an upload: %v", r.GetProblem().GetSentence().GetEn())
			}
			for _, part := range r.GetUpload().GetParts() {
				if u, err := url.Parse(part.GetUrl()); err != nil || s.store != "" && u.Host != s.store {
					return 0, errors.New("planning: parts do not go to the object store")
				}
			}
			plans = append(plans, r.GetUpload())
		}
	}
	err := inParallel(atOnce, len(photos), func(i int) error { return s.send(ctx, photos[i], plans[i], heads[i]) })
	return time.Since(began), err
}

// send uploads one photo.
func (s *sender) send(ctx context.Context, p photo, plan *roundsv1.PhotoUpload, head string) error {
	for _, part := range plan.GetParts() {
		sum := head
		if part.GetOffset() > 0 || part.GetSize() != min(partBytes, p.size()) {
			sum = p.md5(part.GetOffset(), part.GetSize())
		}
		if err := s.parts.put(ctx, part, p.part(part.GetOffset(), part.GetSize()), sum); err != nil {
			return err
		}
	}
	resp, err := s.media.Finish(ctx, connect.NewRequest(&roundsv1.FinishRequest{Scope: s.scope, Sha256: [][]byte{p.hash[:]}}))
	if err != nil {
		return fmt.Errorf("finishing: %w", err)
	}
	if r := resp.Msg.GetResults(); len(r) != 1 || r[0].GetStored() == nil {
		return fmt.Errorf("finishing: not stored: %v", resp.Msg)
	}
	return nil
}

// waiting is how many of some photos were not looked at yet.
func (s *sender) waiting(ctx context.Context, photos []photo) (int, error) {
	req := &roundsv1.DescribeRequest{Scope: s.scope}
	for _, p := range photos {
		req.PhotoIds = append(req.PhotoIds, p.id)
	}
	resp, err := s.media.Describe(ctx, connect.NewRequest(req))
	if err != nil {
		return 0, fmt.Errorf("describing: %w", err)
	}
	done := 0
	for _, p := range resp.Msg.GetPhotos() {
		switch p.GetPhoto().GetState() {
		case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT:
			done++
		case roundsv1.PhotoState_PHOTO_STATE_HARD:
			return 0, fmt.Errorf("a drawn photo was refused: %v", p.GetPhoto().GetFindings())
		}
	}
	return len(photos) - done, nil
}

// plainClient is an HTTP client with connections to spare.
func plainClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true, WriteBufferSize: 64 << 10, ReadBufferSize: 16 << 10}}
}

// parts sends parts.
type parts struct{ client *http.Client }

func newParts() *parts { return &parts{plainClient()} }

func (p *parts) close() { p.client.CloseIdleConnections() }

func (p *parts) put(ctx context.Context, part *roundsv1.UploadPart, content io.Reader, sum string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, part.GetUrl(), io.NopCloser(content))
	if err != nil {
		return errors.New("a part without an address")
	}
	req.ContentLength = part.GetSize()
	for name, value := range part.GetHeaders() {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-MD5", sum)
	resp, err := p.client.Do(req)
	if err != nil {
		return errors.New("a part: the storage does not answer")
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a part: answered %d: %.300s", resp.StatusCode, answer)
	}
	return nil
}
