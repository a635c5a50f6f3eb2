package arbitration_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
)

const (
	isHard = roundsv1.PhotoState_PHOTO_STATE_HARD
	reused = roundsv1.CheckCode_CHECK_CODE_REUSED
)

// finds: whether the checks of a photo found something.
func finds(p *roundsv1.Photo, code roundsv1.CheckCode) *roundsv1.Finding {
	i := slices.IndexFunc(p.GetReport().GetFindings(), func(f *roundsv1.Finding) bool { return f.GetCode() == code })
	if i < 0 {
		return nil
	}
	return p.GetReport().GetFindings()[i]
}

// TestRow26: the bytes of a photo of T1 are offered for T2: they are stored once, stand in two records, and count on T2 only where the capture was shared on
// purpose.
func TestRow26(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for _, name := range []string{"reused", "shared on purpose"} {
		t.Run(name, func(t *testing.T) {
			w := world.site(t).shift()
			other := w.reported("二单元的灯")
			w.all()
			content := drawnShot(500)
			share := func(in *client.PhotoInput) { in.Shared = name != "reused" }
			at := w.x.reading() // one capture
			capture := func(in *client.PhotoInput) { in.Captured = at }
			first := w.x.shootsBytes(content, w.id, share, capture)
			w.x.sync()
			w.looked(first)
			second := w.x.shootsBytes(content, other, share, capture)
			tally, err := w.x.device.Sync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.looked(second)

			if tally.Photos.Parts != 0 || tally.Photos.Bytes != 0 || tally.Photos.Stored != 1 {
				t.Errorf("the bytes travelled again: %+v", tally.Photos)
			}
			a, b := w.photo(first), w.photo(second)
			if !bytes.Equal(a.GetSha256(), b.GetSha256()) || a.GetSubject().GetId() == b.GetSubject().GetId() {
				t.Errorf("%v and %v", a.GetSubject(), b.GetSubject())
			}
			if a.GetState() == isHard {
				t.Errorf("T1's photo: %v", a.GetReport().GetFindings())
			}
			found := finds(b, reused)
			switch name {
			case "reused":
				if b.GetState() != isHard || found.GetSeverity() != roundsv1.Severity_SEVERITY_HARD || found.GetOtherPhotoId() != first {
					t.Errorf("T2's photo is %v: %v", b.GetState(), b.GetReport().GetFindings())
				}
			default:
				if b.GetState() == isHard || found.GetSeverity() == roundsv1.Severity_SEVERITY_HARD {
					t.Errorf("T2's photo is %v: %v", b.GetState(), b.GetReport().GetFindings())
				}
			}
			w.settled()
		})
	}
}

// TestRow26TwoPhones: of two people who offer the same bytes for two tickets, whoever comes later has the flag, whichever of them that is.
func TestRow26TwoPhones(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		other := w.reported("二单元的灯")
		w.all()
		content := drawnShot(501)
		first, then := w.x, w.y
		earlier, later := w.x.shootsBytes(content, w.id), w.y.shootsBytes(content, other)
		if !aFirst {
			first, then, earlier, later = then, first, later, earlier
		}
		first.sync()
		w.looked(earlier)
		then.sync()
		w.looked(later)

		if p := w.photo(earlier); p.GetState() == isHard {
			s.t.Errorf("the photo that came first: %v", p.GetReport().GetFindings())
		}
		p := w.photo(later)
		if found := finds(p, reused); p.GetState() != isHard || found.GetSeverity() != roundsv1.Severity_SEVERITY_HARD || found.GetOtherPhotoId() != earlier {
			s.t.Errorf("the photo that came later is %v: %v", p.GetState(), p.GetReport().GetFindings())
		}
		if !bytes.Equal(p.GetSha256(), w.photo(earlier).GetSha256()) {
			s.t.Error("two blobs")
		}
	})
}

// chased is the list of photos that were promised and are not here, as a leader asks for it.
func (p *phone) chased() []*roundsv1.MissingPhoto {
	p.t.Helper()
	tokens, err := client.OpenTokens(p.t.Context(), p.disk, p.auth(), p.clock, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := tokens.Token(p.t.Context(), "")
	if err != nil {
		p.t.Fatal(err)
	}
	ask := func() (*connect.Response[roundsv1.ChaseResponse], error) {
		req := connect.NewRequest(&roundsv1.ChaseRequest{Scope: string(p.scope)})
		req.Header().Set("Authorization", "Bearer "+string(token))
		return roundsv1connect.NewMediaServiceClient(p.http, p.url()).Chase(p.t.Context(), req)
	}
	answer, err := ask()
	if connect.CodeOf(err) == connect.CodeUnauthenticated { // it has ended
		if token, err = tokens.Token(p.t.Context(), token); err == nil {
			answer, err = ask()
		}
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.Msg.GetPhotos()
}

// TestRow36: reported as done, and the phone is lost with the photos on it: they stand on the chase list, and the ticket goes on with a new capture or is closed by
// two people. What was promised stays listed. There is no other side whose order could differ.
func TestRow36(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"retake", "force_close"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).site(t).shift()
			s, r := w.phone("S"), w.phone("R")
			w.crew()
			w.x.do(w.id, start())
			_, lost := w.x.completes(w.id, 1)
			w.x.words()
			w.stands(w.id, isDone)
			promised := w.photo(lost).GetSha256()
			w.x.revoke(roundsv1.Revocation_REVOCATION_IMMEDIATE)
			w.x.device = nil // it lies in a drain

			w.later(24*time.Hour + time.Minute)
			s.sync()
			listed := s.chased()
			if len(listed) != 1 || listed[0].GetPhotoId() != lost || !bytes.Equal(listed[0].GetSha256(), promised) || listed[0].GetLevel() != 1 {
				t.Errorf("after a day the list is %v", listed)
			}
			w.later(48 * time.Hour)
			if listed = s.chased(); len(listed) != 1 || listed[0].GetLevel() != 2 {
				t.Errorf("after three days the list is %v", listed)
			}
			w.until("the foreman is told", func() bool {
				w.f.sync()
				return w.f.notices(roundsv1.NoticeCode_NOTICE_CODE_CHASE, w.id) > 0
			})
			asked := w.f.asked(roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, w.id, foreman, []string{w.x.id()},
				roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE)

			w.flagged(w.stands(w.id, isDone), "evidence_lost")
			if !slices.ContainsFunc(asked.conflict().GetSides(), func(s *roundsv1.Side) bool { return s.GetRecord().GetId() == lost && s.GetPersonId() == w.x.id() }) {
				t.Errorf("the lost photo is no side of the question: %v", asked.conflict().GetSides())
			}

			if name == "retake" {
				w.came(w.f.choose(asked, roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE), applied)
				w.y.sync()
				again := w.y.shoots(w.id, func(in *client.PhotoInput) {
					in.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS, Latitude: 22.54, Longitude: 114.06, AccuracyM: 5}
				})
				w.y.do(w.id, submit(1, again))
				w.y.sync()
				w.looked(again)
				w.flagged(w.inState(w.id, isInReview), "retake")
				w.flagged(w.ticket(w.id), "evidence_lost") // what was promised is still lost
			} else {
				one := s.do(w.id, forceClose(r))
				s.sync()
				w.came(one, applied)
				w.stands(w.id, isDone)
				r.sync()
				two := r.do(w.id, forceClose(s))
				r.sync()
				w.came(two, applied)
				w.flagged(w.stands(w.id, isClosed), "forced")
			}
			if got := w.photo(lost); !bytes.Equal(got.GetSha256(), promised) || got.GetState() >= roundsv1.PhotoState_PHOTO_STATE_STORED {
				t.Errorf("of the lost photo %s is left as %v", hex.EncodeToString(got.GetSha256()), got.GetState())
			}
			if listed := s.chased(); len(listed) != 1 || listed[0].GetPhotoId() != lost {
				t.Errorf("in the end the list is %v", listed)
			}
			w.settled()
		})
	}
}
