package check

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Policy is the thresholds of the checks.
type Policy struct {
	// NearFrequency and NearDifference: a photo is like an older one when both perceptual hashes differ by at most so many bits.
	NearFrequency, NearDifference int
	// ChangeFrequency and ChangeDifference: before and after look the same when both hashes differ by at most so many bits.
	ChangeFrequency, ChangeDifference int
	// ExifApart is how far the image's own time may be from the phone's.
	ExifApart time.Duration
	// DispatchSlack and RejectionSlack are how long before these a photo may have been taken.
	DispatchSlack, RejectionSlack time.Duration
	// PlaceTolerance is how far outside the place a fix may lie beyond its accuracy, metres.
	PlaceTolerance float64
	// PlaceAccuracy is the worst accuracy that still says where, metres.
	PlaceAccuracy float64
	// PlacePace is how fast a person goes on after the last fix, metres a second.
	PlacePace float64
	// FixAge is how old the last fix may be and still say where.
	FixAge time.Duration
	// ScanApart is how far from the photo a scan of the place's tag may be in time.
	ScanApart time.Duration
	// Gap is how many photos of a device may be missing.
	Gap int
}

// Setting is a threshold that a site may set.
type Setting struct {
	// Key in the site's settings.
	Key string
	// Default as it would be written.
	Default string
	// Unit of the value; "" is a duration, as "90s" or "10m" or "2h".
	Unit string
	// Low and High are the least and the greatest value, in the unit, of a duration in seconds.
	Low, High float64
	// Meaning in one line.
	Meaning string

	whole *int
	real  *float64
	span  *time.Duration
}

// settings is the one list of what can be set, bound to a policy.
func settings(p *Policy) []Setting {
	day := (24 * time.Hour).Seconds()
	return []Setting{
		{Key: "photo.near.frequency", Default: "10", Unit: "bits", High: 32, whole: &p.NearFrequency,
			Meaning: "like an older photo: at most so many of 64 bits of the hash by frequencies differ"},
		{Key: "photo.near.difference", Default: "8", Unit: "bits", High: 32, whole: &p.NearDifference,
			Meaning: "and at most so many of 64 bits of the hash by differences"},
		{Key: "photo.change.frequency", Default: "6", Unit: "bits", High: 32, whole: &p.ChangeFrequency,
			Meaning: "before and after look the same: at most so many bits of the hash by frequencies differ"},
		{Key: "photo.change.difference", Default: "8", Unit: "bits", High: 32, whole: &p.ChangeDifference,
			Meaning: "and at most so many bits of the hash by differences"},
		{Key: "photo.exif.apart", Default: "10m", High: 30 * day, span: &p.ExifApart,
			Meaning: "between the image's own time and the phone's"},
		{Key: "photo.dispatch.slack", Default: "1m", High: 30 * day, span: &p.DispatchSlack,
			Meaning: "taken so long before the work was given out"},
		{Key: "photo.rejection.slack", Default: "1m", High: 30 * day, span: &p.RejectionSlack,
			Meaning: "taken so long before the rejection of the round before"},
		{Key: "photo.place.tolerance", Default: "30", Unit: "m", High: 100_000, real: &p.PlaceTolerance,
			Meaning: "outside the place, beyond the accuracy of the fix"},
		{Key: "photo.place.accuracy", Default: "200", Unit: "m", Low: 1, High: 100_000, real: &p.PlaceAccuracy,
			Meaning: "a fix less accurate does not say where"},
		{Key: "photo.place.pace", Default: "1.5", Unit: "m/s", High: 50, real: &p.PlacePace,
			Meaning: "how fast a person goes on after the last fix"},
		{Key: "photo.place.fix_age", Default: "2h", High: 30 * day, span: &p.FixAge,
			Meaning: "an older last fix does not say where"},
		{Key: "photo.place.scan", Default: "15m", High: 30 * day, span: &p.ScanApart,
			Meaning: "between the photo and a scan of the place's tag that stands for a fix"},
		{Key: "photo.gap.allowed", Default: "0", Unit: "photos", High: 1000, whole: &p.Gap,
			Meaning: "photos of the device that may be missing"},
	}
}

// Settings returns every threshold that a site may set, in the order of the checks.
func Settings() []Setting {
	all := settings(new(Policy))
	for i := range all {
		all[i].whole, all[i].real, all[i].span = nil, nil, nil
	}
	return all
}

// ErrSetting is what every *SettingError is.
var ErrSetting = errors.New("check: setting not understood")

// SettingError is a setting of a site that was not understood. Its default counts instead.
type SettingError struct {
	Key, Value string
	// Want says what would be understood.
	Want string
}

// Error names the key and what it may be. Of the value, only the beginning is told.
func (e *SettingError) Error() string {
	return fmt.Sprintf("check: setting %.64q is %.64q, want %s", e.Key, e.Value, e.Want)
}

// Unwrap returns ErrSetting.
func (e *SettingError) Unwrap() error { return ErrSetting }

// DefaultPolicy returns the thresholds of a site that sets none.
func DefaultPolicy() Policy {
	p, _ := ParsePolicy(nil) // defaults are understood: a test says so
	return p
}

// ParsePolicy reads the thresholds from a site's settings. Keys of others are passed over. A value that is not understood, or a key that begins like
// the ones here and is none of them, is reported as a *SettingError, joined with the others in the order of their keys; the policy that comes with the
// error is whole, with the default in the place of each bad value.
func ParsePolicy(site map[string]string) (Policy, error) {
	var p Policy
	var faults []error
	known := map[string]bool{}
	families := map[string]bool{}
	for _, s := range settings(&p) {
		known[s.Key] = true
		families[family(s.Key)] = true
		if err := s.set(s.Default); err != nil {
			faults = append(faults, err)
		}
		if text, set := site[s.Key]; set {
			if err := s.set(text); err != nil {
				faults = append(faults, err)
			}
		}
	}
	for key, value := range site {
		if families[family(key)] && !known[key] {
			faults = append(faults, &SettingError{Key: key, Value: value, Want: "a key that there is"})
		}
	}
	slices.SortStableFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return p, errors.Join(faults...)
}

// family is a key up to its last point, which is counted in: "photo.near.".
func family(key string) string { return key[:strings.LastIndexByte(key, '.')+1] }

// set takes a value, or leaves all as it is and says what it wants.
func (s Setting) set(text string) error {
	fault := &SettingError{Key: s.Key, Value: text, Want: s.want()}
	text = strings.TrimSpace(text)
	if s.span != nil {
		d, err := time.ParseDuration(text)
		if err != nil || d.Seconds() < s.Low || d.Seconds() > s.High {
			return fault
		}
		*s.span = d
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= s.Low && v <= s.High) { // so that NaN is refused too
		return fault
	}
	if s.real != nil {
		*s.real = v
		return nil
	}
	if v != math.Trunc(v) {
		return fault
	}
	*s.whole = int(v)
	return nil
}

func (s Setting) want() string {
	switch {
	case s.span != nil:
		return fmt.Sprintf("a duration as 90s, 10m or 2h, %v to %v", time.Duration(s.Low)*time.Second, time.Duration(s.High)*time.Second)
	case s.whole != nil:
		return fmt.Sprintf("a whole number of %s, %g to %g", s.Unit, s.Low, s.High)
	}
	return fmt.Sprintf("a number of %s, %g to %.0f", s.Unit, s.Low, s.High)
}
