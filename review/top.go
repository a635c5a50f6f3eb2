package review

import "slices"

// page gathers the rows of one page out of all that a filter lets through, in any order: the first of those behind the cursor, and how many there are in all.
// It is a heap with the greatest of the kept on top, so that most rows cost one comparison.
type page struct {
	from  *cursor
	size  int
	all   int
	kept  []position // at most size + 1: one more tells that there is another page
	after bool
}

// mostCounted bounds the totals that are told.
const mostCounted = 10_000

func newPage(from *cursor, size int) *page {
	return &page{from: from, size: size, after: !from.first()}
}

// add takes one row that the filter lets through, and tells whether it may be on the page.
func (p *page) add(row position) bool {
	p.all++
	if p.after && row.compare(p.from.after) <= 0 {
		return false
	}
	if len(p.kept) <= p.size {
		p.kept = append(p.kept, row)
		p.up(len(p.kept) - 1)
		return true
	}
	if row.compare(p.kept[0]) >= 0 {
		return false
	}
	p.kept[0] = row
	p.down(0)
	return true
}

func (p *page) up(i int) {
	for i > 0 {
		above := (i - 1) / 2
		if p.kept[above].compare(p.kept[i]) >= 0 {
			return
		}
		p.kept[above], p.kept[i] = p.kept[i], p.kept[above]
		i = above
	}
}

func (p *page) down(i int) {
	for {
		greatest := i
		for _, below := range []int{2*i + 1, 2*i + 2} {
			if below < len(p.kept) && p.kept[below].compare(p.kept[greatest]) > 0 {
				greatest = below
			}
		}
		if greatest == i {
			return
		}
		p.kept[i], p.kept[greatest] = p.kept[greatest], p.kept[i]
		i = greatest
	}
}

// rows returns the page in order; more says that another one follows.
func (p *page) rows() (rows []position, more bool) {
	slices.SortFunc(p.kept, position.compare)
	if len(p.kept) > p.size {
		return p.kept[:p.size], true
	}
	return p.kept, false
}

// total is what is told of how many there are.
func (p *page) total() uint32 { return uint32(min(p.all, mostCounted)) }

// sizeOf is the page size that a request means.
func sizeOf(asked uint32, usual, most int) int {
	if asked == 0 {
		return usual
	}
	return min(int(asked), most)
}
