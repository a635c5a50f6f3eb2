package check

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// refused passes on why the bytes cannot count.
func refused(l *look) {
	if l.Refused == nil || l.Refused.Code != l.code {
		return
	}
	l.find(hard, l.Refused.Sentence.GetZh(), l.Refused.Sentence.GetEn(), 0, 0)
}

// mostOthers is how many other photos a check names. More of the same tell a reviewer nothing new.
const mostOthers = 3

// reused looks for the same bytes on other work: a photo of one place cannot be evidence of two. It is held against the one that came later, so that
// nobody spoils good evidence by using it again; of the earlier one it is only noted. Bytes that cannot count are not compared: all photos
// without bytes are the same.
func reused(l *look) {
	if l.Refused != nil {
		return
	}
	found := 0
	for _, later := range []bool{false, true} {
		for _, o := range l.Same {
			another := l.elsewhere(o) || l.Photo.GetItemId() != o.Photo.GetItemId()
			if o.Later != later || o.ID == l.ID || !another || l.shares(o) {
				continue
			}
			if found++; found > mostOthers {
				return
			}
			zh, en := describe(l, o)
			if later {
				l.findIn(o, note, "本照片的原始数据后来又被用于"+zh+"。", "The very same bytes were used again later, "+en+".", 0, 0)
				continue
			}
			l.findIn(o, hard, "同一张照片的原始数据已用于"+zh+"。", "The very same bytes stand "+en+".", 0, 0)
		}
	}
}

// shares tells whether two records speak of one press of the shutter and both say so: one photo of two faults. What was there when the work was sent back
// proves nothing of the round after it, so two rounds of one record share none.
func (l *look) shares(o Other) bool {
	if a, b := l.Photo.GetSubject(), o.Photo.GetSubject(); a.GetKind() == b.GetKind() && a.GetId() == b.GetId() && l.Photo.GetRound() != o.Photo.GetRound() {
		return false
	}
	return l.Photo.GetShared() && o.Photo.GetShared() && l.Photo.GetCaptured() != nil && l.Photo.GetPersonId() == o.Photo.GetPersonId() &&
		proto.Equal(l.Photo.GetCaptured(), o.Photo.GetCaptured())
}

// describe tells where another photo stands, seen from this one.
func describe(l *look, o Other) (zh, en string) {
	a, b := l.Photo.GetSubject(), o.Photo.GetSubject()
	switch {
	case a.GetKind() != b.GetKind() || a.GetId() != b.GetId():
		return "另一张" + kindZh(b.GetKind()), "on another " + kindEn(b.GetKind())
	case l.Photo.GetRound() != o.Photo.GetRound():
		return fmt.Sprintf("本%s的第 %d 轮", kindZh(b.GetKind()), o.Photo.GetRound()), fmt.Sprintf("in round %d of this %s", o.Photo.GetRound(), kindEn(b.GetKind()))
	}
	return "另一检查项", "on another item of the checklist"
}

func kindZh(kind string) string {
	switch kind {
	case "ticket":
		return "工单"
	case "inspection":
		return "巡检"
	}
	return "记录"
}

func kindEn(kind string) string {
	switch kind {
	case "ticket", "inspection":
		return kind
	}
	return "record"
}

// notCamera wants the live camera where the category does. An unknown source is not the camera.
func notCamera(l *look) {
	if !l.LiveCamera {
		return
	}
	switch l.Photo.GetSource() {
	case roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA:
	case roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY:
		l.find(hard, "照片来自手机相册，此类工单要求现场拍摄。", "The photo is from the phone's gallery; this category demands the live camera.", 0, 0)
	default:
		l.find(hard, "照片来源不明，此类工单要求现场拍摄。", "Where the image came from is not known; this category demands the live camera.", 0, 0)
	}
}

// gap tells of photos that the device took and never sent.
func gap(l *look) {
	n := len(l.Missing)
	if n <= l.policy.Gap {
		return
	}
	first, last := l.Missing[0], l.Missing[n-1]
	l.find(soft, fmt.Sprintf("设备在此之前拍摄的照片缺少 %d 张（编号 %d 至 %d）。", n, first, last),
		fmt.Sprintf("Photos missing that the device took before this one: %d (numbers %d to %d).", n, first, last), float64(n), float64(l.policy.Gap))
}

// wrongPixels holds the size against the promise. A promise without a size is none, and a phone may count the sides before it turned the image.
func wrongPixels(l *look) {
	w, h := l.Photo.GetWidthPx(), l.Photo.GetHeightPx()
	rw, rh := l.Report.GetWidthPx(), l.Report.GetHeightPx()
	if w == 0 || h == 0 || (w == rw && h == rh) || (w == rh && h == rw) {
		return
	}
	l.find(soft, fmt.Sprintf("照片为 %d × %d 像素，与登记的 %d × %d 不符。", rw, rh, w, h),
		fmt.Sprintf("The photo has %d by %d pixels; %d by %d were promised.", rw, rh, w, h), float64(rw)*float64(rh), float64(w)*float64(h))
}
