package check

import (
	"fmt"
	"math"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// exifTime holds the image's own time against the phone's. The camera and the app read the same clock, so a phone whose clock is wrong agrees with
// itself; and an image read in the right time agrees with the corrected one. Only an image that agrees with neither is from another time.
func exifTime(l *look) {
	exif := l.Report.GetExifTakenUs()
	if exif == 0 {
		return
	}
	apart, known := uint64(math.MaxUint64), false
	for _, us := range []int64{l.Photo.GetCaptured().GetWallUs(), l.CapturedUs} {
		if us != 0 {
			apart, known = min(apart, between(exif, us)), true
		}
	}
	if limit := l.policy.ExifApart; known && apart > uint64(limit.Microseconds()) {
		zh, en := long(apart)
		l.find(soft, "照片自带的拍摄时间与手机登记的拍摄时间相差"+zh+"。", "The image says that it was made "+en+" from when the phone says it was.",
			float64(apart)/1e6, limit.Seconds())
	}
}

// between is how far apart two times are, microseconds. It is right for any two.
func between(a, b int64) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}

func exifMissing(l *look) {
	if l.Report.GetExifTakenUs() == 0 {
		l.find(note, "照片没有自带的拍摄时间，可能经过编辑或聊天软件转发。",
			"The image does not say when it was made, as after an editor or a messenger.", 0, 0)
	}
}

// beforeDispatch is about finished work: the state found may well be photographed before anybody is sent.
func beforeDispatch(l *look) {
	role := l.Photo.GetRole()
	if role != roundsv1.PhotoRole_PHOTO_ROLE_AFTER && role != roundsv1.PhotoRole_PHOTO_ROLE_ITEM {
		return
	}
	if early, is := l.early(l.DispatchedUs, l.policy.DispatchSlack); is {
		zh, en := long(early)
		l.find(soft, "拍摄时间比派单早"+zh+"。", "Taken "+en+" before the work was given out.", float64(early)/1e6, l.policy.DispatchSlack.Seconds())
	}
}

// beforeRejection: a photo from before the rejection is of the round that was rejected. What counts against a person is decided by a person
// unless the time is well known.
func beforeRejection(l *look) {
	early, is := l.early(l.RejectedUs, l.policy.RejectionSlack)
	if !is {
		return
	}
	zh, en := long(early)
	if l.Trust == roundsv1.Trust_TRUST_A {
		l.find(hard, "拍摄时间比上一轮退回早"+zh+"，属于上一轮，不能作为本轮证据。",
			"Taken "+en+" before the last rejection: it belongs to the round before and fails the rule of rounds.",
			float64(early)/1e6, l.policy.RejectionSlack.Seconds())
		return
	}
	l.find(soft, "拍摄时间似乎比上一轮退回早"+zh+"，但手机时间不可靠，请核实是否属于上一轮。",
		"It seems to be taken "+en+" before the last rejection, but the phone's time is not well known: is it of the round before?",
		float64(early)/1e6, l.policy.RejectionSlack.Seconds())
}

// early tells whether, and by how much, the photo was taken before a moment, microseconds.
func (l *look) early(moment int64, slack time.Duration) (uint64, bool) {
	if moment == 0 || l.CapturedUs == 0 || l.CapturedUs >= moment {
		return 0, false
	}
	by := between(moment, l.CapturedUs)
	return by, by > uint64(slack.Microseconds())
}

// long writes a stretch of time, microseconds, as people say it.
func long(us uint64) (zh, en string) {
	s := us / 1_000_000
	one := func(n uint64, zh, en string) (string, string) {
		if n != 1 {
			en += "s"
		}
		return fmt.Sprintf(" %d %s", n, zh), fmt.Sprintf("%d %s", n, en)
	}
	switch {
	case s < 120:
		return one(s, "秒", "second")
	case s < 2*3600:
		return one(s/60, "分钟", "minute")
	case s < 48*3600:
		return one(s/3600, "小时", "hour")
	}
	return one(s/86400, "天", "day")
}
