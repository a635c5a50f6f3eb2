package check

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrOutline: a text is no outline that can be used.
var ErrOutline = errors.New("check: not an outline")

// The most that an outline may have.
const (
	maxOutlineBytes  = 64 << 10
	maxOutlinePoints = 8192
)

// Outline is the edge of a place: polygons with holes. The zero value is nowhere, and infinitely far.
type Outline struct {
	polygons [][][]Point
}

// ParseOutline reads a POLYGON or MULTIPOLYGON of well-known text: longitude before latitude, degrees, two dimensions, rings closed. Anything else
// is ErrOutline, with where in the text and why.
func ParseOutline(text string) (Outline, error) {
	if len(text) > maxOutlineBytes {
		return Outline{}, fmt.Errorf("%w: %d bytes", ErrOutline, len(text))
	}
	r := &reader{text: text}
	var o Outline
	switch word := r.word(); {
	case strings.EqualFold(word, "POLYGON"):
		o.polygons = [][][]Point{r.polygon()}
	case strings.EqualFold(word, "MULTIPOLYGON"):
		o.polygons = list(r, r.polygon)
	default:
		r.fail("neither POLYGON nor MULTIPOLYGON")
	}
	if r.space(); r.at < len(r.text) {
		r.fail("more behind its end")
	}
	if r.err != nil {
		return Outline{}, r.err
	}
	return o, nil
}

// reader reads well-known text. After its first fault it reads nothing more.
type reader struct {
	text   string
	at     int
	points int
	err    error
}

func (r *reader) fail(why string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: at byte %d: %s", ErrOutline, r.at, why)
	}
}

func (r *reader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// run reads the longest run of bytes that are among some.
func (r *reader) run(among string) string {
	r.space()
	from := r.at
	for r.at < len(r.text) && strings.IndexByte(among, r.text[r.at]) >= 0 {
		r.at++
	}
	return r.text[from:r.at]
}

func (r *reader) word() string { return r.run("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") }

// take reads one byte if it is the one that is wanted.
func (r *reader) take(want byte) bool {
	r.space()
	if r.err != nil || r.at >= len(r.text) || r.text[r.at] != want {
		return false
	}
	r.at++
	return true
}

// list reads items in brackets with commas between them. Each item reads at least a byte or fails, so it ends.
func list[T any](r *reader, item func() T) []T {
	if !r.take('(') {
		r.fail("an opening bracket is missing")
	}
	var all []T
	for r.err == nil {
		all = append(all, item())
		if !r.take(',') {
			break
		}
	}
	if !r.take(')') {
		r.fail("a closing bracket is missing")
	}
	return all
}

func (r *reader) polygon() [][]Point { return list(r, r.ring) }

func (r *reader) ring() []Point {
	ring := list(r, r.point)
	if r.err == nil && (len(ring) < 4 || ring[0] != ring[len(ring)-1]) {
		r.fail("a ring that is not closed")
	}
	return ring
}

func (r *reader) point() Point {
	p := Point{Longitude: r.number()}
	p.Latitude = r.number()
	if r.points++; r.points > maxOutlinePoints {
		r.fail("too many points")
	}
	if r.err == nil && !p.ok() {
		r.fail("a point that is not on earth: longitude comes first")
	}
	return p
}

func (r *reader) number() float64 {
	text := r.run("0123456789+-.eE")
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > 32 {
		r.fail("a number is missing")
		return 0
	}
	return v
}
