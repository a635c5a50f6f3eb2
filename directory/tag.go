package directory

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TagAuto is what a table or a call says in place of a tag that the server is to issue.
const TagAuto = "auto"

// issue puts what a place's tag is to say where a tag is asked for. Asked again it is the same, until the site's key changes.
func (k *Keeper) issue(scope store.Scope, id string, record *roundsv1.Record) (*roundsv1.Problem, error) {
	place := record.GetPlace()
	if place.GetTag() != TagAuto {
		return nil, nil
	}
	if k.cfg.Tag == nil {
		return wanted("tag", TagAuto, "标签内容（此服务器不签发标签）", "what the tag says: this server issues none"), nil
	}
	payload, err := k.cfg.Tag(scope, id)
	if err != nil {
		return nil, err
	}
	place.Tag = payload
	return nil, nil
}

// issued is an edit with the tag that it asks for.
func (k *Keeper) issued(scope store.Scope, id string, edit *roundsv1.Edit) (*roundsv1.Edit, error) {
	if edit.GetRecord().GetPlace().GetTag() != TagAuto {
		return edit, nil
	}
	edit = proto.CloneOf(edit)
	p, err := k.issue(scope, id, edit.GetRecord())
	if p != nil {
		err = refuse(p)
	}
	return edit, err
}

// tagged says which place of a site has the tag that another one shall have: who scans it would be at two places. Find visits the entries of tagIndex, lookup reads the site's records as they
// shall be. Shall has records as they shall be, where that differs from how they stand; nil for what goes. What a place says already it may go on to say. Nil where no other has the tag.
func tagged(id string, before, after *roundsv1.Record, shall map[string]*roundsv1.Record, find func(store.Span) iter.Seq2[engine.IndexEntry, error],
	lookup func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) (other string, place *roundsv1.Record, err error) {
	tag := after.GetPlace().GetTag()
	if tag == "" || tag == before.GetPlace().GetTag() {
		return "", nil, nil
	}
	for other, record := range shall {
		if other != id && record.GetPlace().GetTag() == tag {
			return other, record, nil
		}
	}
	for e, err := range find(store.Prefix(tagKey(tag))) {
		if err != nil {
			return "", nil, err
		}
		other := string(e.Key[len(tagKey(tag)):])
		if _, others := shall[other]; other == id || others {
			continue
		}
		change, err := lookup(KindPlace, merge.RecordID(other))
		if err != nil {
			return "", nil, err
		}
		if !change.GetDeleted() && change.GetRecord().GetPlace().GetTag() == tag {
			return other, change.GetRecord(), nil
		}
	}
	return "", nil, nil
}

// sameTag refuses a tag that another place of the site has.
func (k *Keeper) sameTag(ctx context.Context, scope store.Scope, id string, before, after *roundsv1.Record) (*roundsv1.Problem, error) {
	other, place, err := tagged(id, before, after, nil, k.tags(ctx, scope), func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		return k.cfg.Desk.Record(ctx, scope, kind, id)
	})
	if place == nil || err != nil {
		return nil, err
	}
	return TagTaken(place.GetPlace().GetTag(), label(CodeOf(place), other), 0), nil
}

// sameTag refuses a tag that another place of the site has, or shall have by an earlier row.
func (r *run) sameTag(scope store.Scope, id string, before, after *roundsv1.Record) (*roundsv1.Problem, error) {
	other, place, err := tagged(id, before, after, r.censusOf(scope).shall, r.tags(r.ctx, scope), r.lookup(scope))
	if place == nil || err != nil {
		return nil, err
	}
	return TagTaken(place.GetPlace().GetTag(), label(CodeOf(place), other), r.lines[other]), nil
}

// tags visits the tags of a site.
func (k *Keeper) tags(ctx context.Context, scope store.Scope) func(store.Span) iter.Seq2[engine.IndexEntry, error] {
	return func(span store.Span) iter.Seq2[engine.IndexEntry, error] {
		return k.cfg.Desk.Find(ctx, scope, tagIndex, span)
	}
}

// TagTaken is the refusal of a tag that a place, by its code, has already, or shall have by a line of the table that is not 0.
func TagTaken(tag, place string, line uint32) *roundsv1.Problem {
	zh, en := "位置 "+place, "the place "+place
	if line > 0 {
		zh, en = fmt.Sprintf("第 %d 行的位置 %s", line, place), fmt.Sprintf("%s in line %d", en, line)
	}
	p := wanted("tag", tag, "与其他位置不同的标签（"+zh+" 已使用它）", "a tag that no other place has: "+en+" has this one")
	p.Facts["place"] = place
	if line > 0 {
		p.Facts["line"] = strconv.FormatUint(uint64(line), 10)
	}
	return p
}
