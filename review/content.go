package review

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"unsafe"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// uid is a record's id as its 16 bytes.
type uid [16]byte

// parseUID reads an id in its one written form; false for any other text.
func parseUID(id string) (u uid, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return u, false
	}
	var digits [32]byte
	copy(digits[:], id[:8])
	copy(digits[8:], id[9:13])
	copy(digits[12:], id[14:18])
	copy(digits[16:], id[19:23])
	copy(digits[20:], id[24:])
	for _, c := range digits {
		if 'A' <= c && c <= 'F' {
			return u, false
		}
	}
	_, err := hex.Decode(u[:], digits[:])
	return u, err == nil
}

// String is the id as it is written.
func (u uid) String() string {
	var text [36]byte
	hex.Encode(text[:8], u[:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:], u[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

func compareUIDs(a, b uid) int { return bytes.Compare(a[:], b[:]) }

// ref is a text that occurs often, by its number in a dictionary; 0 is the empty one.
type ref uint32

// dictionary numbers texts. It never forgets one: what it holds are ids of people, places and categories, of which a site has few.
type dictionary struct {
	texts []string
	of    map[string]ref
	bytes int64
}

func newDictionary() dictionary {
	return dictionary{texts: []string{""}, of: map[string]ref{"": 0}}
}

// put numbers a text.
func (d *dictionary) put(text string) ref {
	if r, known := d.of[text]; known {
		return r
	}
	r := ref(len(d.texts))
	text = strings.Clone(text) // of a decoded message, which it would keep
	d.texts, d.of[text] = append(d.texts, text), r
	d.bytes += int64(len(text)) + 64
	return r
}

// get returns a text's number; false for one that nobody named.
func (d *dictionary) get(text string) (ref, bool) {
	r, known := d.of[text]
	return r, known
}

func (d *dictionary) text(r ref) string { return d.texts[r] }

// list numbers several texts.
func (d *dictionary) list(texts []string) []ref {
	if len(texts) == 0 {
		return nil
	}
	refs := make([]ref, len(texts))
	for i, text := range texts {
		refs[i] = d.put(text)
	}
	return refs
}

// slot is the place of one row in a table.
type slot[T any] struct {
	id   uid
	live bool
	row  T
}

// table holds rows by id in one piece of memory, which a scan walks through.
type table[T any] struct {
	slots []slot[T]
	at    map[uid]int32
	free  []int32
}

func newTable[T any]() table[T] { return table[T]{at: map[uid]int32{}} }

// get returns a row, valid until the next put; nil where there is none.
func (t *table[T]) get(id uid) *T {
	if i, ok := t.at[id]; ok {
		return &t.slots[i].row
	}
	return nil
}

// slot tells where a row stands that is there.
func (t *table[T]) slot(id uid) int { return int(t.at[id]) }

// put sets a row.
func (t *table[T]) put(id uid, row T) {
	i, ok := t.at[id]
	switch {
	case ok:
	case len(t.free) > 0:
		i = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
		t.at[id] = i
	default:
		i = int32(len(t.slots))
		t.slots = append(t.slots, slot[T]{})
		t.at[id] = i
	}
	t.slots[i] = slot[T]{id: id, live: true, row: row}
}

// drop takes a row away.
func (t *table[T]) drop(id uid) {
	if i, ok := t.at[id]; ok {
		t.slots[i] = slot[T]{}
		t.free = append(t.free, i)
		delete(t.at, id)
	}
}

// size is what the table takes, bytes: its slots with the room that they may still grow into, and the map, of which Go fills seven eighths at most.
func (t *table[T]) size() int64 {
	const entry = (16 + 4 + 1) * 12 / 7
	return int64(cap(t.slots))*int64(unsafe.Sizeof(slot[T]{})) + int64(len(t.at))*entry + int64(cap(t.free))*4
}

// content is what a board holds: of each record what filters, orders and counts need.
type content struct {
	ids         dictionary
	tickets     table[ticket]
	inspections table[inspection]
	photos      table[photo]
	comments    table[comment]
	questions   table[question]
	notices     table[notice]
	places      table[place]
	staff       table[string] // names
	attached    map[uid]*attached
	merged      map[uid][]uid // of a ticket, those that were merged into it
	words       *grams        // of tickets, by their slots
	extra       int64         // bytes of what rows point to
}

// attached are the ids of what belongs to one ticket or inspection round, in no order.
type attached struct {
	photos, comments, questions []uid
}

func newContent() *content {
	return &content{ids: newDictionary(), tickets: newTable[ticket](), inspections: newTable[inspection](), photos: newTable[photo](),
		comments: newTable[comment](), questions: newTable[question](), notices: newTable[notice](), places: newTable[place](),
		staff: newTable[string](), attached: map[uid]*attached{},
		merged: map[uid][]uid{}, words: newGrams()}
}

// size is what the content takes, bytes.
func (c *content) size() int64 {
	const perAttached, perMerged = (16+8+1)*12/7 + int64(unsafe.Sizeof(attached{})), (16+24+1)*12/7 + 16
	return c.ids.bytes + c.tickets.size() + c.inspections.size() + c.photos.size() + c.comments.size() + c.questions.size() + c.notices.size() +
		c.places.size() + c.staff.size() + c.words.size() + int64(len(c.attached))*perAttached + int64(len(c.merged))*perMerged + c.extra
}

// one takes in one change.
func (c *content) one(change *roundsv1.Change) {
	id, ok := parseUID(change.GetRecordId())
	if !ok {
		return
	}
	gone := change.GetDeleted()
	switch kind := change.GetRecord().GetKind().(type) {
	case *roundsv1.Record_Ticket:
		before := c.tickets.get(id)
		c.extra -= before.bytes()
		if gone {
			if before != nil {
				c.words.put(c.tickets.slot(id), before.text, "")
				c.join(id, before.into, 0)
			}
			c.tickets.drop(id)
			return
		}
		row, text, into := c.ticketRow(change, kind.Ticket), "", ref(0)
		if before != nil {
			text, into = before.text, before.into
		}
		c.join(id, into, row.into)
		c.extra += row.bytes()
		c.tickets.put(id, row)
		c.words.put(c.tickets.slot(id), text, row.text)
	case *roundsv1.Record_Inspection:
		c.extra -= c.inspections.get(id).bytes()
		if c.inspections.dropped(id, gone) {
			return
		}
		row := c.inspectionRow(change, kind.Inspection)
		c.extra += row.bytes()
		c.inspections.put(id, row)
	case *roundsv1.Record_Photo:
		if before := c.photos.get(id); before != nil {
			c.detach(before.subject, id, photosOf)
		}
		if c.photos.dropped(id, gone) {
			return
		}
		row := c.photoRow(change, kind.Photo)
		c.photos.put(id, row)
		c.attach(row.subject, id, photosOf)
	case *roundsv1.Record_Comment:
		if before := c.comments.get(id); before != nil {
			c.detach(before.subject, id, commentsOf)
		}
		if c.comments.dropped(id, gone) {
			return
		}
		subject, _ := parseUID(kind.Comment.GetSubject().GetId())
		c.comments.put(id, comment{subject: subject, hidden: kind.Comment.GetHidden() != nil})
		c.attach(subject, id, commentsOf)
	case *roundsv1.Record_Conflict:
		if before := c.questions.get(id); before != nil {
			c.extra -= before.bytes()
			for _, subject := range before.subjects {
				c.detach(subject, id, questionsOf)
			}
		}
		if c.questions.dropped(id, gone) {
			return
		}
		row := c.questionRow(kind.Conflict)
		c.extra += row.bytes()
		c.questions.put(id, row)
		for _, subject := range row.subjects {
			c.attach(subject, id, questionsOf)
		}
	case *roundsv1.Record_Notice:
		c.extra -= c.notices.get(id).bytes()
		if c.notices.dropped(id, gone) {
			return
		}
		row := c.noticeRow(kind.Notice)
		c.extra += row.bytes()
		c.notices.put(id, row)
	case *roundsv1.Record_Place:
		c.extra -= c.places.get(id).bytes()
		if c.places.dropped(id, gone) {
			return
		}
		row := c.placeRow(kind.Place)
		c.extra += row.bytes()
		c.places.put(id, row)
	case *roundsv1.Record_Staff:
		if before := c.staff.get(id); before != nil {
			c.extra -= int64(len(*before))
		}
		if c.staff.dropped(id, gone) {
			return
		}
		name := strings.Clone(kind.Staff.GetName())
		c.extra += int64(len(name))
		c.staff.put(id, name)
	}
}

// dropped takes a row away where its record is gone, and tells whether it is.
func (t *table[T]) dropped(id uid, gone bool) bool {
	if gone {
		t.drop(id)
	}
	return gone
}

// The lists of attached.
func photosOf(a *attached) *[]uid    { return &a.photos }
func commentsOf(a *attached) *[]uid  { return &a.comments }
func questionsOf(a *attached) *[]uid { return &a.questions }

// attach notes that a record belongs to a subject, which need not be there.
func (c *content) attach(subject, id uid, list func(*attached) *[]uid) {
	if subject == (uid{}) {
		return
	}
	a := c.attached[subject]
	if a == nil {
		a = &attached{}
		c.attached[subject] = a
	}
	all := list(a)
	before := cap(*all)
	*all = append(*all, id)
	c.extra += int64(cap(*all)-before) * int64(len(id))
}

func (c *content) detach(subject, id uid, list func(*attached) *[]uid) {
	a := c.attached[subject]
	if a == nil {
		return
	}
	all := list(a)
	if i := slices.Index(*all, id); i >= 0 {
		(*all)[i] = (*all)[len(*all)-1]
		*all = (*all)[:len(*all)-1]
	}
	if len(a.photos)+len(a.comments)+len(a.questions) == 0 {
		c.extra -= int64(cap(a.photos)+cap(a.comments)+cap(a.questions)) * int64(len(id))
		delete(c.attached, subject)
	}
}

// under returns what belongs to a record; an empty one where nothing does. It is not to be changed.
func (c *content) under(id uid) *attached {
	if a := c.attached[id]; a != nil {
		return a
	}
	return &attached{}
}
