package export

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/typeset"
	"github.com/rounds-sync/rounds/work"
)

// mostPictureBytes bounds what the pictures of one document take in memory.
const mostPictureBytes = 32 << 20

// pictures writes the photos: round by round, each photo from before beside one from after, then those of items, then the others.
func (p *paper) pictures(ctx context.Context) error {
	if len(p.photos) == 0 {
		return nil
	}
	p.doc.Keep(110) // the heading with the first two
	p.doc.Heading(p.say("照片", "Photos"))
	order, left := p.order()
	spent := 0
	var row []typeset.Picture
	for _, change := range order {
		if change == nil { // a place that stays empty
			row = append(row, typeset.Picture{})
		} else {
			picture, err := p.picture(ctx, change, &spent)
			if err != nil {
				return err
			}
			row = append(row, picture)
		}
		if len(row) == 2 {
			p.doc.Pictures(row)
			row = row[:0]
		}
	}
	p.doc.Pictures(row)
	if left > 0 {
		p.doc.Note(fmt.Sprintf(p.say("另有 %d 张照片未列入本文件。", "%d further photos are not in this document."), left))
	}
	return nil
}

// order is the photos as they stand on the page, two in a row, nil for a place that stays empty; and how many were left out.
func (p *paper) order() (order []*roundsv1.Change, left int) {
	photos, left := p.kept()
	round := func(one *roundsv1.Change) uint32 { return one.GetRecord().GetPhoto().GetRound() }
	slices.SortStableFunc(photos, func(a, b *roundsv1.Change) int { return cmp.Compare(round(a), round(b)) })
	for len(photos) > 0 {
		n := slices.IndexFunc(photos, func(one *roundsv1.Change) bool { return round(one) != round(photos[0]) })
		if n < 0 {
			n = len(photos)
		}
		order = append(order, pairs(photos[:n])...)
		photos = photos[n:]
	}
	return order, left
}

// kept are the photos that there is room for, in the order of their ids, and how many are left out. What the last decision rests on stays, and else the last
// ones: they show how it is now.
func (p *paper) kept() (photos []*roundsv1.Change, left int) {
	byID := func(a, b *roundsv1.Change) int { return strings.Compare(a.GetRecordId(), b.GetRecordId()) }
	all := slices.SortedStableFunc(slices.Values(p.photos), byID)
	if len(all) <= p.cfg.MaxPhotos {
		return all, 0
	}
	decisive := work.ShownPhotos(p.change)
	var others, stay []*roundsv1.Change
	for _, one := range all {
		if _, counts := slices.BinarySearch(decisive, one.GetRecordId()); counts {
			stay = append(stay, one)
		} else {
			others = append(others, one)
		}
	}
	left = len(all) - p.cfg.MaxPhotos
	photos = append(others, stay...)[left:]
	slices.SortStableFunc(photos, byID)
	return photos, left
}

// pairs are the photos of one round: each from before beside one from after, then those of items, then the others, two in a row.
func pairs(photos []*roundsv1.Change) []*roundsv1.Change {
	var before, after, others, order []*roundsv1.Change
	for _, one := range photos {
		switch one.GetRecord().GetPhoto().GetRole() {
		case roundsv1.PhotoRole_PHOTO_ROLE_BEFORE:
			before = append(before, one)
		case roundsv1.PhotoRole_PHOTO_ROLE_AFTER:
			after = append(after, one)
		default:
			others = append(others, one)
		}
	}
	for i := range max(len(before), len(after)) {
		order = append(order, nth(before, i), nth(after, i))
	}
	slices.SortStableFunc(others, func(a, b *roundsv1.Change) int {
		return strings.Compare(a.GetRecord().GetPhoto().GetItemId(), b.GetRecord().GetPhoto().GetItemId())
	})
	order = append(order, others...)
	if len(order)%2 == 1 {
		order = append(order, nil)
	}
	return order
}

// nth is one of some photos, nil where they are fewer.
func nth(all []*roundsv1.Change, i int) *roundsv1.Change {
	if i < len(all) {
		return all[i]
	}
	return nil
}

// picture is one photo with what is to be said of it.
func (p *paper) picture(ctx context.Context, change *roundsv1.Change, spent *int) (typeset.Picture, error) {
	photo, stamp := change.GetRecord().GetPhoto(), created(change)
	hash := hex.EncodeToString(photo.GetSha256())
	picture := typeset.Picture{Name: hash, Caption: p.caption(change, photo, stamp, hash)}
	switch {
	case photo.GetHidden() != nil:
		picture.Missing = p.say("照片已隐藏：", "This photo is hidden: ") + photo.GetHidden().GetReason()
	case photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_REDACTED:
		picture.Missing = p.say("照片内容已依规删除，哈希保留。", "The bytes of this photo were removed for good; its hash stays.")
	case *spent >= mostPictureBytes:
		picture.Missing = p.say("文件过大，此照片未列入。", "Left out: the document would become too large.")
	case len(photo.GetSha256()) == 32:
		bytes, err := p.cfg.Pictures.Small(ctx, photo.GetSha256(), typeset.MaxImageBytes)
		if err != nil {
			return picture, err
		}
		*spent += len(bytes)
		picture.JPEG = bytes
		picture.Missing = p.say("照片内容尚未上传或无法显示。", "The bytes of this photo have not arrived, or cannot be shown.")
		if len(bytes) > 0 {
			picture.Missing = p.say("照片无法显示。", "This photo cannot be shown.")
		}
	default:
		picture.Missing = p.say("照片没有有效的哈希。", "This photo has no valid hash.")
	}
	if picture.JPEG == nil {
		picture.Name = "" // no picture of another record with the same bytes in its place
	}
	picture.Missing += "\nSHA-256 " + strings.Join(halves(hash), "\n")
	return picture, nil
}

// caption says what, when, who, where, and what the checks found.
func (p *paper) caption(change *roundsv1.Change, photo *roundsv1.Photo, stamp *roundsv1.Stamp, hash string) []string {
	what := []string{cmp.Or(p.lang.in(photo.GetRole()), p.say("照片", "photo")), fmt.Sprintf(p.say("第 %d 轮", "round %d"), photo.GetRound())}
	if item := photo.GetItemId(); item != "" {
		what = append(what, cmp.Or(p.items[item], item))
	}
	what = append(what, p.lang.in(photo.GetSource()))
	if of := photo.GetSubject(); of.GetId() != p.change.GetRecordId() {
		title := p.line.look(func() (string, error) { return p.s.names.title(p.ctx, of) })
		what = append(what, p.say("属于：", "of: ")+cmp.Or(title, of.GetId()))
	}
	lines := []string{
		strings.Join(what, " · "),
		p.when(stamp.GetTimeUs()) + " · " + p.person(cmp.Or(photo.GetPersonId(), stamp.GetPersonId())),
	}
	if where := p.line.look(func() (string, error) { return p.s.names.where(p.ctx, photo.GetLocation()) }); where != "" || photo.GetLocation().GetSource() != 0 {
		lines = append(lines, strings.Trim(where+" · "+p.lang.in(photo.GetLocation().GetSource()), " ·"))
	}
	lines = append(lines, p.say("检查：", "Checks: ")+cmp.Or(p.lang.in(photo.GetState()), p.say("已登记，内容未到", "promised")))
	for i, finding := range photo.GetReport().GetFindings() {
		if i == 8 {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, "– "+p.lang.in(finding.GetSeverity())+": "+cmp.Or(p.lang.text(finding.GetSentence()), code(finding.GetCode())))
	}
	if len(photo.GetReport().GetFindings()) == 0 && len(photo.GetFindings()) > 0 {
		lines = append(lines, "– "+strings.Join(photo.GetFindings(), ", "))
	}
	half := halves(hash)
	return append(lines, "SHA-256 "+half[0], half[1], fmt.Sprintf(p.say("编号 %s · 历史 #%d", "id %s · journal #%d"), change.GetRecordId(), stamp.GetSeq()))
}

// halves are the lines of a hash: whole it would not fit beside its name, and end in a scrap of itself.
func halves(hash string) []string { return []string{hash[:len(hash)/2], hash[len(hash)/2:]} }
