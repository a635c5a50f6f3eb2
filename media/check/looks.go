package check

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// nearDuplicate looks for older photos of other work that look like this one.
func nearDuplicate(l *look) {
	if l.Report.GetFeatureless() {
		return
	}
	var near []Other
	for _, o := range l.Similar {
		switch {
		case o.ID == l.ID, !l.elsewhere(o), !l.older(o), o.Featureless:
		case bytes.Equal(o.Photo.GetSha256(), l.Photo.GetSha256()): // the very same bytes are another check
		case o.FrequencyBits > l.policy.NearFrequency, o.DifferenceBits > l.policy.NearDifference:
		case isDrawing(o.Photo):
		default:
			near = append(near, o)
		}
	}
	slices.SortStableFunc(near, closer)
	for _, o := range near[:min(len(near), mostOthers)] {
		zh, en := describe(l, o)
		mirroredZh, mirroredEn := "", "It"
		if o.Mirrored {
			mirroredZh, mirroredEn = "左右翻转后", "Mirrored, it"
		}
		l.findIn(o, soft, fmt.Sprintf("%s与%s中较早的一张照片很相似（两种感知哈希相差 %d 位和 %d 位），请对比查看。",
			mirroredZh, zh, o.FrequencyBits, o.DifferenceBits),
			fmt.Sprintf("%s looks like an older photo %s (%d and %d of 64 bits differ): compare the two.", mirroredEn, en, o.FrequencyBits, o.DifferenceBits),
			float64(o.FrequencyBits), float64(l.policy.NearFrequency))
	}
}

// older tells whether another photo was taken before this one; of two at one time, one of them is.
func (l *look) older(o Other) bool {
	if o.CapturedUs != l.CapturedUs {
		return o.CapturedUs < l.CapturedUs
	}
	return o.ID < l.ID
}

func isDrawing(p *roundsv1.Photo) bool {
	return p.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE || p.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION
}

func closer(a, b Other) int {
	return cmp.Or(cmp.Compare(a.FrequencyBits+a.DifferenceBits, b.FrequencyBits+b.DifferenceBits), cmp.Compare(a.ID, b.ID))
}

// featureless asks for a photo on which something can be seen.
func featureless(l *look) {
	if l.Report.GetFeatureless() {
		l.find(soft, "照片太暗或画面过于单一，无法与其他照片比对，请打开闪光灯或换个角度重拍。",
			"The photo is too dark or too even to be compared with others: use the flash, or another angle.", 0, 0)
	}
}

// noChange holds an after-photo against the before-photos.
func noChange(l *look) {
	if l.Photo.GetRole() != roundsv1.PhotoRole_PHOTO_ROLE_AFTER {
		return
	}
	var alike []Other
	for _, o := range l.Before {
		same := bytes.Equal(o.Photo.GetSha256(), l.Photo.GetSha256()) && len(l.Photo.GetSha256()) > 0
		blind := l.Report.GetFeatureless() || o.Featureless
		near := !blind && !o.Mirrored && o.FrequencyBits <= l.policy.ChangeFrequency && o.DifferenceBits <= l.policy.ChangeDifference
		if o.ID != l.ID && (same || near) {
			alike = append(alike, o)
		}
	}
	if len(alike) == 0 {
		return
	}
	o := slices.MinFunc(alike, closer)
	l.findIn(o, soft, fmt.Sprintf("与处理前的照片几乎相同（两种感知哈希相差 %d 位和 %d 位），看不出变化。", o.FrequencyBits, o.DifferenceBits),
		fmt.Sprintf("It looks like the photo before the work (%d and %d of 64 bits differ): no visible change.", o.FrequencyBits, o.DifferenceBits),
		float64(o.FrequencyBits), float64(l.policy.ChangeFrequency))
}
