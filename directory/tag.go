package directory

import (
	"context"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// tagAuto is what a table or a call says in place of a tag that the server is to issue.
const tagAuto = "auto"

// issue puts what a place's tag is to say where a tag is asked for. Asked again it is the same, until the site's key changes.
func (k *Keeper) issue(scope store.Scope, id string, record *roundsv1.Record) (*roundsv1.Problem, error) {
	place := record.GetPlace()
	if place.GetTag() != tagAuto {
		return nil, nil
	}
	if k.cfg.Tag == nil {
		return wanted("tag", tagAuto, "标签内容（此服务器不签发标签）", "what the tag says: this server issues none"), nil
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
	if edit.GetRecord().GetPlace().GetTag() != tagAuto {
		return edit, nil
	}
	edit = proto.CloneOf(edit)
	p, err := k.issue(scope, id, edit.GetRecord())
	if p != nil {
		err = refuse(p)
	}
	return edit, err
}

// sameTag refuses a tag that another place of the site has: who scans it would be at two places. Shall has records as they shall be, where that differs from how they stand; nil for what
// goes. What a place says already it may go on to say.
func (k *Keeper) sameTag(ctx context.Context, scope store.Scope, id string, before, after *roundsv1.Record, shall map[string]*roundsv1.Record) (*roundsv1.Problem, error) {
	tag := after.GetPlace().GetTag()
	if tag == "" || tag == before.GetPlace().GetTag() {
		return nil, nil
	}
	for other, record := range shall {
		if other != id && record.GetPlace().GetTag() == tag {
			return tagTaken(other, record), nil
		}
	}
	for e, err := range k.cfg.Desk.Find(ctx, scope, tagIndex, store.Prefix(tagKey(tag))) {
		if err != nil {
			return nil, err
		}
		other := string(e.Key[len(tagKey(tag)):])
		if _, others := shall[other]; other == id || others {
			continue
		}
		change, err := k.cfg.Desk.Record(ctx, scope, KindPlace, other)
		if err != nil {
			return nil, err
		}
		if !change.GetDeleted() && change.GetRecord().GetPlace().GetTag() == tag {
			return tagTaken(other, change.GetRecord()), nil
		}
	}
	return nil, nil
}

// tagTaken is the refusal of a tag that a place has.
func tagTaken(id string, place *roundsv1.Record) *roundsv1.Problem {
	has := label(CodeOf(place), id)
	p := wanted("tag", place.GetPlace().GetTag(), "与其他位置不同的标签（位置 "+has+" 已使用它）", "a tag that no other place has: the place "+has+" has this one")
	p.Facts["place"] = has
	return p
}
