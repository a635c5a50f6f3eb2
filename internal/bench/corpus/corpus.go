// Package corpus makes the records that the workloads of the benchmark push: invented, bilingual, and the same for the same seed.
//
// A ticket is about 600 bytes as JSON. Its words are drawn from the stock phrases of property service, so that it compresses as the real thing
// does and not better: ids, numbers, phone numbers and the order of sentences differ from ticket to ticket.
package corpus

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Corpus draws records. It is used by one goroutine at a time.
type Corpus struct {
	rand  *rand.Rand
	ms    int64 // of the ids
	words *phrases
}

// New returns the corpus of a seed; stream tells apart what is drawn from one seed at several places.
func New(seed, stream uint64) *Corpus {
	return &Corpus{rand: rand.New(rand.NewPCG(seed, stream)), ms: 1_782_000_000_000 + int64(stream%1_000_000), words: stock()}
}

// ID returns a new record id, a UUIDv7.
func (c *Corpus) ID() string {
	c.ms += c.rand.Int64N(40_000)
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(c.ms)<<16|uint64(c.rand.Uint32N(1<<12)))
	binary.BigEndian.PutUint64(u[8:], c.rand.Uint64())
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u.String()
}

// known is the n-th id of a directory: categories, places and households are the same all over a corpus and from seed to seed.
func known(directory string, n int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://rounds.example.com/"+directory+"/"+strconv.Itoa(n))).String()
}

func pick[T any](c *Corpus, from []T) T { return from[c.rand.IntN(len(from))] }

// IntN draws a number from 0 to less than n.
func (c *Corpus) IntN(n int) int { return c.rand.IntN(n) }

// where draws a place of the community: its node, and its name in both languages.
func (c *Corpus) where() (id, zh, en string) {
	n := c.rand.IntN(len(c.words.places) * 40)
	p, number := c.words.places[n%len(c.words.places)], n/len(c.words.places)+1
	return known("place", n), fmt.Sprintf(p.zh, number), fmt.Sprintf(p.en, number)
}

func (c *Corpus) phone() string {
	return "+86 1" + strconv.Itoa(30+c.rand.IntN(69)) + " " + strconv.Itoa(1000+c.rand.IntN(9000)) + " " + strconv.Itoa(1000+c.rand.IntN(9000))
}

// The people of the demo community.
const (
	crew       = 62
	households = 1010
)

// Person returns the id of one of the crew.
func (c *Corpus) Person() string { return known("person", c.rand.IntN(crew)) }

// Ticket draws a ticket as its creation carries it.
func (c *Corpus) Ticket() *roundsv1.Ticket {
	n := c.rand.IntN(len(c.words.troubles))
	trouble := c.words.troubles[n]
	place, zh, en := c.where()
	household := known("household", c.rand.IntN(households))
	reporter := household
	if c.rand.IntN(2) == 0 {
		reporter = c.Person()
	}
	t := &roundsv1.Ticket{
		Title:       zh + trouble.zh,
		Description: fmt.Sprintf("%s: %s. %s %s", en, trouble.en, pick(c, c.words.details), pick(c, c.words.urges)),
		CategoryId:  known("category", n),
		Priority:    roundsv1.Priority(1 + c.rand.IntN(3)), // no emergencies: each of them is told to several people
		Location:    &roundsv1.Location{PlaceId: place, Words: zh, Source: roundsv1.LocationSource(2 + c.rand.IntN(3))},
		CustomerWords: fmt.Sprintf("%s%s,%s。%s(%d:%02d)", pick(c, c.words.openings), trouble.zh, pick(c, c.words.complaints), pick(c, c.words.asks),
			7+c.rand.IntN(14), c.rand.IntN(60)),
		ReporterId:   reporter,
		Channel:      roundsv1.Channel(1 + c.rand.IntN(9)),
		HouseholdId:  household,
		ContactPhone: c.phone(),
	}
	for range 1 + c.rand.IntN(3) {
		if tag := pick(c, c.words.tags); !strings.Contains(strings.Join(t.Tags, " "), tag) {
			t.Tags = append(t.Tags, tag)
		}
	}
	return t
}

// Title draws another title for a ticket.
func (c *Corpus) Title() string {
	_, zh, _ := c.where()
	return zh + pick(c, c.words.troubles).zh + "(" + strconv.Itoa(c.rand.IntN(10_000)) + ")"
}

// Inspection draws a round as it is planned.
func (c *Corpus) Inspection() *roundsv1.Inspection {
	_, zh, _ := c.where()
	start := c.ms * 1000
	i := &roundsv1.Inspection{ChecklistId: known("checklist", c.rand.IntN(8)), ChecklistVersion: 3, Title: zh + "巡检",
		WindowStartUs: start, WindowEndUs: start + 7_200_000_000}
	for range 4 {
		if at := known("place", c.rand.IntN(len(c.words.places)*40)); !slices.Contains(i.CheckpointIds, at) {
			i.CheckpointIds = append(i.CheckpointIds, at)
		}
	}
	return i
}

// Answer draws the answer to the n-th item of a checklist, as a fact about an inspection.
func (c *Corpus) Answer(n int) *roundsv1.Inspection {
	a := &roundsv1.Answer{Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Answered: &roundsv1.Clock{WallUs: c.ms * 1000, BootId: "boot", MonotonicUs: c.ms}}
	if c.rand.IntN(3) == 0 {
		value := float64(50+c.rand.IntN(350)) / 10
		a.Reading = &value
	}
	if c.rand.IntN(5) == 0 {
		a.Note = pick(c, c.words.complaints)
	}
	return &roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"item-" + strconv.Itoa(n): a}}
}

// Comment draws a remark about a ticket.
func (c *Corpus) Comment(ticket string) *roundsv1.Comment {
	return &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket},
		Words: pick(c, c.words.openings) + pick(c, c.words.complaints) + "," + pick(c, c.words.asks), PersonId: c.Person()}
}

// Photo draws the promise of a photo of a ticket, without a preview.
func (c *Corpus) Photo(ticket string, taken *roundsv1.Clock) *roundsv1.Photo {
	sum := make([]byte, 32)
	for i := range 4 {
		binary.BigEndian.PutUint64(sum[8*i:], c.rand.Uint64())
	}
	return &roundsv1.Photo{
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket}, Role: roundsv1.PhotoRole(1 + c.rand.IntN(2)), Round: 1, Sha256: sum,
		SizeBytes: 900_000 + c.rand.Int64N(1_200_000), MediaType: "image/jpeg", WidthPx: 4000, HeightPx: 3000, Captured: taken,
		Location: &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX}, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA,
		PersonId: c.Person(),
	}
}
