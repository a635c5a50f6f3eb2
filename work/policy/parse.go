package policy

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
)

// ErrSetting is what every *SettingError is.
var ErrSetting = errors.New("policy: setting not understood")

// SettingError is a setting that was not understood. What the layer outside of it says counts instead.
type SettingError struct {
	// Layer is its place among the layers, from 0, the outermost.
	Layer      int
	Key, Value string
	// Want says what would be understood.
	Want string
}

// Error names the key and what it may be. Of the value, only the beginning is told.
func (e *SettingError) Error() string {
	return fmt.Sprintf("policy: setting %.64q is %.64q, want %s", e.Key, e.Value, e.Want)
}

// Unwrap returns ErrSetting.
func (e *SettingError) Unwrap() error { return ErrSetting }

// Parse reads a policy from the settings of the units above a site and of the site itself, the outermost first: what an inner one sets counts. Keys of other
// families are passed over: a key belongs to the family that stands before its first point. A value that is not understood, or a key that begins like the
// ones here and is none of them, is a *SettingError, joined with the others in the order of layers and keys; the policy that comes with the error is whole,
// with what counts outside in the place of each bad value.
func Parse(layers ...map[string]string) (Policy, error) {
	var p Policy
	var faults []error
	known, families := map[string]Setting{}, map[string]bool{}
	for _, s := range settings(&p) {
		family, _, _ := strings.Cut(s.Key, ".")
		known[s.Key], families[family] = s, true
		if s.set != nil {
			if v, ok := s.read(s.Default); ok {
				s.set(v)
			}
		}
	}
	pauses, rejects := map[string]PauseReason{}, map[string]RejectReason{}
	words := func(key, text string) bool {
		family, code, _ := strings.Cut(key, ".")
		return takeReason(pauses, rejects, family, code, text)
	}
	for _, r := range reasons() {
		words(r.key, r.value)
	}
	for i, layer := range layers {
		for _, key := range slices.Sorted(maps.Keys(layer)) {
			text := layer[key]
			family, _, _ := strings.Cut(key, ".")
			s, named := known[key]
			fault := &SettingError{Layer: i, Key: key, Value: text}
			switch {
			case !families[family]:
				continue
			case family == "pause" || family == "reject":
				fault.Want = known[family+".*"].want()
				if words(key, text) {
					continue
				}
			case !named:
				fault.Want = "a key that there is"
			default:
				fault.Want = s.want()
				if v, ok := s.read(text); ok {
					s.set(v)
					continue
				}
			}
			faults = append(faults, fault)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(pauses)) {
		p.PauseReasons = append(p.PauseReasons, pauses[code])
	}
	for _, code := range slices.Sorted(maps.Keys(rejects)) {
		p.RejectReasons = append(p.RejectReasons, rejects[code])
	}
	p.PlaceAccuracy = placeAccuracyOf(layers)
	return p, errors.Join(faults...)
}

// The longest that a code and the words of a reason may be, in bytes.
const (
	longestCode  = 64
	longestWords = 256
)

// PlaceAccuracyKey is a setting of the checks of photos, which list it and say what is wrong with it. What has to be proved by a place goes by it, too.
const PlaceAccuracyKey = "photo.place.accuracy"

// The accuracy that counts where nothing is set, and those that can be set, in metres; as the checks of photos have them.
const (
	placeAccuracy      = 200
	leastPlaceAccuracy = 1
	worstPlaceAccuracy = 100_000
)

// placeAccuracyOf reads PlaceAccuracyKey: what an inner layer sets counts, and what is not understood is passed over.
func placeAccuracyOf(layers []map[string]string) float64 {
	for _, layer := range slices.Backward(layers) {
		if m, err := strconv.ParseFloat(strings.TrimSpace(layer[PlaceAccuracyKey]), 64); err == nil && m >= leastPlaceAccuracy && m <= worstPlaceAccuracy {
			return m
		}
	}
	return placeAccuracy
}

// takeReason notes a reason, or takes it away; false where it is not understood.
func takeReason(pauses map[string]PauseReason, rejects map[string]RejectReason, family, code, text string) bool {
	if !isCode(code) || len(text) > longestWords {
		return false
	}
	if strings.TrimSpace(text) == "" {
		if family == "pause" {
			delete(pauses, code)
		} else {
			delete(rejects, code)
		}
		return true
	}
	rest, stops := strings.CutPrefix(text, "stops|")
	zh, en, both := strings.Cut(rest, "|")
	zh, en = strings.TrimSpace(zh), strings.TrimSpace(en)
	if !both || zh == "" || en == "" || strings.Contains(en, "|") || stops && family != "pause" {
		return false
	}
	if family == "pause" {
		pauses[code] = PauseReason{Code: code, StopsClock: stops, Words: &roundsv1.Text{Zh: zh, En: en}}
	} else {
		rejects[code] = RejectReason{Code: code, Words: &roundsv1.Text{Zh: zh, En: en}}
	}
	return true
}

// isCode: letters in lower case, digits and underscores.
func isCode(s string) bool {
	return s != "" && len(s) <= longestCode && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// read reads a value; false where it is not one.
func (s Setting) read(text string) (any, bool) {
	text = strings.TrimSpace(text)
	switch s.Type {
	case Duration:
		d, err := time.ParseDuration(text)
		return d, err == nil && d.Seconds() >= s.low && d.Seconds() <= s.high
	case Whole:
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil && v >= s.low && v <= s.high && v == math.Trunc(v)
	case Flag:
		return text == "true", text == "true" || text == "false"
	case Name:
		return text, isCode(text)
	case Zone:
		_, err := calendar.Zone(text)
		return text, err == nil && text != ""
	case Span:
		return readSpan(text)
	case Steps:
		return readSteps(text)
	case Role:
		r, ok := roundsv1.Role_value["ROLE_"+strings.ToUpper(text)]
		role := roundsv1.Role(r)
		return role, ok && text == strings.ToLower(text) && role != roundsv1.Role_ROLE_UNSPECIFIED && role != roundsv1.Role_ROLE_SYSTEM
	}
	return nil, false
}

func hoursOf(v any) calendar.Hours {
	h, _ := v.(calendar.Hours)
	return h
}

// readSpan reads "08:00-20:00"; 24:00 is the end of the day.
func readSpan(text string) (any, bool) {
	if text == "" {
		return calendar.Hours{}, true
	}
	a, b, both := strings.Cut(text, "-")
	from, ok := minute(a)
	to, also := minute(b)
	return calendar.Hours{From: from, To: to}, both && ok && also && from != to && from < 24*60
}

func minute(text string) (uint32, bool) {
	h, m, both := strings.Cut(strings.TrimSpace(text), ":")
	hours, err := strconv.ParseUint(h, 10, 8)
	minutes, bad := strconv.ParseUint(m, 10, 8)
	ok := both && err == nil && bad == nil && len(m) == 2 && minutes < 60 && hours*60+minutes <= 24*60
	return uint32(hours*60 + minutes), ok
}

// readSteps reads "respond,finish"; nothing is no step.
func readSteps(text string) (any, bool) {
	steps := []roundsv1.Step{}
	for _, word := range strings.Split(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		s, ok := roundsv1.Step_value["STEP_"+strings.ToUpper(word)]
		if !ok || s == 0 || word != strings.ToLower(word) {
			return nil, false
		}
		if !slices.Contains(steps, roundsv1.Step(s)) {
			steps = append(steps, roundsv1.Step(s))
		}
	}
	return steps, true
}

// want says what a setting may be.
func (s Setting) want() string {
	switch s.Type {
	case Duration:
		return fmt.Sprintf("a duration as 90s, 15m or 2h, %v to %v", time.Duration(s.low)*time.Second, time.Duration(s.high)*time.Second)
	case Whole:
		return fmt.Sprintf("a whole number of %s, %g to %g", s.Unit, s.low, s.high)
	case Flag:
		return "true or false"
	case Name:
		return "a code of letters in lower case, digits and _"
	case Zone:
		return "a time zone as Asia/Shanghai"
	case Span:
		return "times of day as 08:00-20:00, or nothing"
	case Steps:
		return "some of respond,arrive,finish,review,follow_up"
	case Role:
		return "a role as foreman, supervisor or manager"
	}
	return "words in Chinese and English with a | between, for a pause that stops the clocks with stops| before, under a code of letters in lower case, digits and _"
}
