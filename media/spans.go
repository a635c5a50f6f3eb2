package media

import (
	"fmt"
	"slices"
)

// Span is a range of an upload's bytes.
type Span struct{ Offset, Size int64 }

// End is the offset of the first byte behind the span.
func (s Span) End() int64 { return s.Offset + s.Size }

// maxOwnerBytes bounds the name of an owner: drivers put it into keys.
const maxOwnerBytes = 256

// maxPlanParts bounds what one Plan names, and so what one answer weighs.
const maxPlanParts = 10_000

// Validate answers ErrInvalid for an upload that no driver takes.
func (u Upload) Validate() error {
	switch {
	case u.Owner == "" || len(u.Owner) > maxOwnerBytes:
		return fmt.Errorf("%w: an owner's name of %d bytes", ErrInvalid, len(u.Owner))
	case u.Size < 1:
		return fmt.Errorf("%w: an upload of %d bytes", ErrInvalid, u.Size)
	}
	return nil
}

// Validate answers ErrInvalid for wishes that no driver can follow.
func (w Want) Validate() error {
	switch {
	case w.PartBytes < MinPartBytes || w.PartBytes > MaxPartBytes:
		return fmt.Errorf("%w: parts of %d bytes", ErrInvalid, w.PartBytes)
	case w.MaxParts < 1 || w.MaxParts > maxPlanParts:
		return fmt.Errorf("%w: %d parts in a plan", ErrInvalid, w.MaxParts)
	case w.Until.IsZero():
		return fmt.Errorf("%w: links without an end", ErrInvalid)
	}
	return nil
}

// Missing tells what an upload of so many bytes still needs, with the parts that are here in any order: how much has been received, and the
// gaps, cut into parts as wanted. Parts that are here may overlap; those that do not lie within the upload are passed over. Gaps are cut
// at multiples of the part size where that can be, so that a part which got lost is asked for again as it was.
func Missing(size int64, here []Span, want Want) (received int64, parts []Span, more bool) {
	cut := func(from, to int64) {
		for from < to {
			if len(parts) == want.MaxParts {
				more = true
				return
			}
			end := min(to, (from/want.PartBytes+1)*want.PartBytes)
			parts = append(parts, Span{from, end - from})
			from = end
		}
	}
	at := int64(0)
	for _, s := range inOrder(size, here) {
		if s.Offset > at {
			cut(at, s.Offset)
			at = s.Offset
		}
		if s.End() > at {
			received += s.End() - at
			at = s.End()
		}
	}
	cut(at, size)
	return received, parts, more
}

// Piece is a stretch of one part that is here.
type Piece struct {
	// Part is the part as it was sent.
	Part Span
	// Skip is how many bytes of it other parts have given before.
	Skip int64
	// Size is how many bytes to take from there.
	Size int64
}

// Assemble tells how the parts that are here, in any order, make up the whole, or answers ErrIncomplete. A part that is the whole comes alone.
func Assemble(size int64, here []Span) ([]Piece, error) {
	var pieces []Piece
	at := int64(0)
	for _, s := range inOrder(size, here) {
		switch {
		case s.Offset > at:
			return nil, ErrIncomplete
		case s.End() > at:
			pieces = append(pieces, Piece{Part: s, Skip: at - s.Offset, Size: s.End() - at})
			at = s.End()
		}
	}
	if at < size {
		return nil, ErrIncomplete
	}
	return pieces, nil
}

// inOrder returns the spans within size by their offsets, of those with the same the longest first.
func inOrder(size int64, spans []Span) []Span {
	in := slices.DeleteFunc(slices.Clone(spans), func(s Span) bool {
		return s.Offset < 0 || s.Size < 1 || s.Size > size || s.Offset > size-s.Size
	})
	slices.SortFunc(in, func(a, b Span) int {
		switch {
		case a.Offset != b.Offset:
			if a.Offset < b.Offset {
				return -1
			}
			return 1
		case a.Size > b.Size:
			return -1
		case a.Size < b.Size:
			return 1
		}
		return 0
	})
	return in
}
