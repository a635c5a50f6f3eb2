package check

import (
	"fmt"
	"math"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// fix is where the phone was, by satellites or networks, now or when it last knew.
type fix struct {
	at        Point
	accuracyM float64
	age       time.Duration
}

// fix returns the photo's fix, if it has one.
func (l *look) fix() (fix, bool) {
	loc := l.Photo.GetLocation()
	f := fix{at: Point{loc.GetLatitude(), loc.GetLongitude()}, accuracyM: float64(loc.GetAccuracyM()), age: microseconds(loc.GetAgeUs())}
	switch loc.GetSource() {
	case roundsv1.LocationSource_LOCATION_SOURCE_GPS:
	case roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX: // with what the phone last knew, if it says so
		if f.age <= 0 || f.at == (Point{}) {
			return fix{}, false
		}
	default:
		return fix{}, false
	}
	if f.accuracyM == 0 {
		f.accuracyM = 30 // as good as a fix has to be to be called one
	}
	return f, f.at.ok() && f.accuracyM > 0 // not of NaN
}

// microseconds as a duration; what does not fit is the longest there is.
func microseconds(us int64) time.Duration {
	if us > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return time.Duration(us) * time.Microsecond
}

// distance returns how far a point is from the area, metres. Not known: there is neither an outline that can be read nor a circle.
func (a Area) distance(p Point) (metres float64, known bool) {
	metres = math.Inf(1)
	for _, text := range a.Outlines {
		if o, err := ParseOutline(text); err == nil {
			metres, known = min(metres, o.Distance(p)), true
		}
	}
	if a.RadiusM > 0 && a.Centre.ok() {
		metres, known = min(metres, max(0, Distance(p, a.Centre)-a.RadiusM)), true
	}
	return metres, known
}

// beyond returns how far outside the area the photo was taken for certain: less the accuracy of the fix and what the person can have walked since.
func (l *look) beyond() (f fix, distanceM, beyondM float64, known bool) {
	f, ok := l.fix()
	if !ok || f.age > l.policy.FixAge {
		return f, 0, 0, false
	}
	distanceM, known = l.Area.distance(f.at)
	return f, distanceM, distanceM - f.accuracyM - f.age.Seconds()*l.policy.PlacePace, known
}

func (l *look) isOutside() bool {
	_, _, by, known := l.beyond()
	return known && by > l.policy.PlaceTolerance
}

// within tells whether a place is the one of the work.
func (a Area) within(placeID string) bool {
	return len(a.PlaceIDs) == 0 || slices.Contains(a.PlaceIDs, placeID)
}

func outside(l *look) {
	loc := l.Photo.GetLocation()
	if loc.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_TAG && loc.GetPlaceId() != "" && !l.Area.within(loc.GetPlaceId()) {
		l.find(soft, "拍摄时扫描的标签属于另一个位置。", "The tag that was scanned for the photo belongs to another place.", 0, 0)
		return
	}
	if !l.isOutside() {
		return
	}
	f, distance, by, _ := l.beyond()
	zh, en := length(distance)
	accuracyZh, accuracyEn := length(f.accuracyM)
	lastZh, lastEn := "", ""
	if f.age > 0 {
		agoZh, agoEn := long(uint64(f.age.Microseconds()))
		lastZh, lastEn = "（拍摄前"+agoZh+"的最后定位）", " by the last fix, "+agoEn+" before"
	}
	l.find(soft, fmt.Sprintf("拍摄位置在工作地点之外%s%s，定位精度%s。", zh, lastZh, accuracyZh),
		fmt.Sprintf("Taken %s from the place of the work%s; the fix is good to %s.", en, lastEn, accuracyEn), by, l.policy.PlaceTolerance)
}

// length writes metres as people say them.
func length(m float64) (zh, en string) {
	switch {
	case !(m < 100_000_000): // further than around the earth, or no number
		return "未知距离", "an unknown distance"
	case m >= 10_000:
		return fmt.Sprintf(" %.0f 公里", m/1000), fmt.Sprintf("%.0f km", m/1000)
	}
	return fmt.Sprintf(" %.0f 米", m), fmt.Sprintf("%.0f m", m)
}

func mockLocation(l *look) {
	if l.Photo.GetLocation().GetMocked() {
		l.find(soft, "手机系统报告定位由第三方程序模拟。", "The phone's system says that another program made the place up.", 0, 0)
	}
}

// scanned tells whether the device read the tag of the place around the time of the photo.
func (l *look) scanned() bool {
	return slices.ContainsFunc(l.Scans, func(s Scan) bool {
		return l.CapturedUs != 0 && s.Us != 0 && l.Area.within(s.PlaceID) && between(l.CapturedUs, s.Us) <= uint64(l.policy.ScanApart.Microseconds())
	})
}

// placeUnknown says why it cannot be told where the photo was taken. Nothing hangs on it: in a basement that is how it is.
func placeUnknown(l *look) {
	f, has := l.fix()
	source := l.Photo.GetLocation().GetSource()
	switch {
	case source >= roundsv1.LocationSource_LOCATION_SOURCE_TAG, l.scanned(), l.isOutside():
	case source == roundsv1.LocationSource_LOCATION_SOURCE_TYPED:
		l.find(note, "位置由人工选择，没有定位或扫码。", "The place was chosen by hand: no fix, no tag.", 0, 0)
	case has && f.age > l.policy.FixAge:
		zh, en := long(uint64(f.age.Microseconds()))
		l.find(note, "最后一次定位在拍摄前"+zh+"，时间过久，且未扫描位置标签。", "The last fix is from "+en+" before, too old to say where; no tag was scanned.",
			f.age.Seconds(), l.policy.FixAge.Seconds())
	case has && f.accuracyM > l.policy.PlaceAccuracy:
		zh, en := length(f.accuracyM)
		l.find(note, "定位精度仅"+zh+"，无法判断位置，且未扫描位置标签。", "The fix is only good to "+en+", which does not say where; no tag was scanned.",
			f.accuracyM, l.policy.PlaceAccuracy)
	case has:
		if _, known := l.Area.distance(f.at); !known && len(l.Area.Outlines) > 0 {
			l.find(note, "有定位，但工作地点的轮廓无法读取。", "There is a fix, but the outline of the place of the work cannot be read.", 0, 0)
		}
	case source != roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX && source != roundsv1.LocationSource_LOCATION_SOURCE_GPS:
		l.find(note, "手机没有提供任何位置信息。", "The phone says nothing of the place.", 0, 0)
	case l.Area.Signal == roundsv1.Signal_SIGNAL_NONE || l.Area.Signal == roundsv1.Signal_SIGNAL_WEAK:
		l.find(note, "没有定位（此处信号差，属正常情况），未扫描位置标签。", "No fix, which is normal here: phones receive little. No tag was scanned.", 0, 0)
	default:
		l.find(note, "没有定位，未扫描位置标签。", "No fix, and no tag was scanned.", 0, 0)
	}
}
