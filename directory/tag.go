package directory

import (
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
		return wanted("tag", tagAuto, "标签内容(此服务器不签发标签)", "what the tag says: this server issues none"), nil
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
