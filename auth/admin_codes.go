package auth

import (
	"context"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// maxCodeLife is the longest that a code is good for.
const maxCodeLife = 30 * 24 * time.Hour

func codesOf(r Reader, person uid) ([]*roundsv1.EnrolmentCode, error) {
	var all []*roundsv1.EnrolmentCode
	err := each(r, key(keyCode, person[:]), newCode, func(_ []byte, c *roundsv1.EnrolmentCode) error {
		all = append(all, c)
		return nil
	})
	return all, err
}

// makeCode writes a new code and tells it.
func (a *Authority) makeCode(t *tx, person uid, by string, life time.Duration) (*roundsv1.EnrolmentCode, Secret, error) {
	now := a.now()
	id, err := newUID(now, a.cfg.Rand)
	if err != nil {
		return nil, "", err
	}
	code, err := drawCode(a.cfg.Rand)
	if err != nil {
		return nil, "", err
	}
	normalized, _ := NormalizeCode(string(code))
	c := &roundsv1.EnrolmentCode{CodeId: id.String(), PersonId: person.String(), CreatedBy: by, CreatedUs: now.UnixMicro(),
		ExpiresUs: now.Add(life).UnixMicro()}
	t.set(key(keyCodeHash, codeHash(normalized)), append(person[:], id[:]...))
	return c, code, t.write(key(keyCode, person[:], id[:]), c)
}

// CreateEnrolmentCode makes a code by which a person enrols one device. The answer holds the code: keep it out of logs.
func (d Admin) CreateEnrolmentCode(ctx context.Context, who Identity, req *roundsv1.CreateEnrolmentCodeRequest) (
	*roundsv1.CreateEnrolmentCodeResponse, error) {
	life := d.a.cfg.CodeLife
	if req.GetLife() != nil {
		life = min(req.GetLife().AsDuration(), maxCodeLife)
	}
	if life <= 0 {
		return nil, badField("life", "有效期无效", "It would end before it begins")
	}
	var c *roundsv1.EnrolmentCode
	var code Secret
	draw := func(t *tx, actor, id uid, now int64, p *roundsv1.Person) (err error) {
		if !d.a.index.mayActFor(actor.String(), id, p.GetHomeNodeId(), now) {
			return noRight()
		}
		if d.a.index.barredNow(id, now) {
			return refuse(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "该人员已停用", "The person is suspended")
		}
		all, err := codesOf(t, id)
		if err != nil {
			return err
		}
		open := 0
		for _, one := range all {
			if one.GetUsedUs() == 0 && one.GetCancelledUs() == 0 && one.GetExpiresUs() > now {
				open++
			}
		}
		if open >= maxOpenCodes {
			return tooMany("person_id")
		}
		c, code, err = d.a.makeCode(t, id, actor.String(), life)
		return err
	}
	if err := d.person(ctx, who, "create enrolment code", req.GetPersonId(), draw); err != nil {
		return nil, err
	}
	return &roundsv1.CreateEnrolmentCodeResponse{EnrolmentCode: c, Code: string(code), Uri: string(codeURI(d.a.cfg.Audience, code))}, nil
}

// CancelEnrolmentCode makes a code worthless.
func (d Admin) CancelEnrolmentCode(ctx context.Context, who Identity, req *roundsv1.CancelEnrolmentCodeRequest) (
	*roundsv1.CancelEnrolmentCodeResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	var c *roundsv1.EnrolmentCode
	err = d.a.committer.commit(ctx, func(t *tx) error {
		now := d.a.now().UnixMicro()
		person, _, err := d.kept(t, actor, req.GetPersonId(), now)
		if err != nil {
			return err
		}
		id, _ := parseUID(req.GetCodeId())
		at := key(keyCode, person[:], id[:])
		c = &roundsv1.EnrolmentCode{}
		if found, err := read(t, at, c); err != nil {
			return err
		} else if !found {
			return noRecord("code_id")
		}
		if c.GetUsedUs() != 0 || c.GetCancelledUs() != 0 {
			return nil
		}
		c.CancelledUs = now
		return t.write(at, c)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "cancel enrolment code", c.GetCodeId())
	return &roundsv1.CancelEnrolmentCodeResponse{EnrolmentCode: c}, nil
}

// ListEnrolmentCodes lists the codes of a person.
func (d Admin) ListEnrolmentCodes(ctx context.Context, who Identity, req *roundsv1.ListEnrolmentCodesRequest) (
	*roundsv1.ListEnrolmentCodesResponse, error) {
	resp := &roundsv1.ListEnrolmentCodesResponse{}
	err := d.personsRows(ctx, who, req.GetPersonId(), "codes", req.GetPageToken(), req.GetPageSize(), keyCode,
		func() { resp.Reset() },
		func(r Reader, _ uid, e Entry) error {
			c := &roundsv1.EnrolmentCode{}
			_, err := read(r, e.Key, c)
			resp.EnrolmentCodes = append(resp.EnrolmentCodes, c)
			return err
		},
		func(next string) { resp.NextPageToken = next })
	return resp, err
}

// personsRows pages through rows whose keys begin with a letter and the person.
func (d Admin) personsRows(ctx context.Context, who Identity, personID, what, token string, size uint32, letter byte,
	reset func(), take func(Reader, uid, Entry) error, next func(string)) error {
	actor, err := d.begin(who)
	if err != nil {
		return err
	}
	position, err := decodePage(token, what, personID)
	if err != nil {
		return err
	}
	return d.a.cfg.Store.View(ctx, func(r Reader) error {
		reset()
		person, _, err := d.kept(r, actor, personID, d.a.now().UnixMicro())
		if err != nil {
			return err
		}
		p := pager{size: pageSize(size)}
		err = p.rows(r, key(letter, person[:]), position, func(e Entry) (bool, error) { return true, take(r, person, e) })
		if err == nil {
			next(p.next(what, personID))
		}
		return err
	})
}
