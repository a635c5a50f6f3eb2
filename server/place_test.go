package server_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/work/policy"
)

// TestPlaceAccuracyIsOne: the rules go by the same accuracy of a fix as the checks of photos, where a site sets one and where none does.
func TestPlaceAccuracyIsOne(t *testing.T) {
	at := slices.IndexFunc(check.Settings(), func(s check.Setting) bool { return s.Key == policy.PlaceAccuracyKey })
	if at < 0 {
		t.Fatalf("the checks have no %s", policy.PlaceAccuracyKey)
	}
	s := check.Settings()[at]
	number := func(m float64) string { return strconv.FormatFloat(m, 'f', -1, 64) }
	for _, text := range []string{"", "70", "far", "NaN", number(s.Low), number(s.Low - 0.1), number(s.High), number(s.High + 1)} {
		set := map[string]string{s.Key: text}
		if text == "" {
			set = nil
		}
		photos, _ := check.ParsePolicy(set) // what is not understood counts as its default
		rules, err := policy.Parse(set)
		if err != nil || rules.PlaceAccuracy != photos.PlaceAccuracy {
			t.Errorf("%q: %v for the rules, %v for the checks, %v", text, rules.PlaceAccuracy, photos.PlaceAccuracy, err)
		}
	}
}
