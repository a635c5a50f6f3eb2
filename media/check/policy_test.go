package check_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media/check"
)

func TestDefaults(t *testing.T) {
	p, err := check.ParsePolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	if p != check.DefaultPolicy() || p.ExifApart != 10*time.Minute || p.NearFrequency == 0 || p.PlaceTolerance == 0 {
		t.Errorf("%+v", p)
	}
}

func TestASiteSetsWhatItWants(t *testing.T) {
	p, err := check.ParsePolicy(map[string]string{"photo.near.frequency": " 4 ", "photo.exif.apart": "90s", "photo.place.tolerance": "12.5",
		"photo.gap.allowed": "2", "photo.retention": "forever", "ticket.review": "4h"})
	if err != nil {
		t.Fatal(err)
	}
	want := check.DefaultPolicy()
	want.NearFrequency, want.ExifApart, want.PlaceTolerance, want.Gap = 4, 90*time.Second, 12.5, 2
	if p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
}

func TestABadValueIsReportedAndItsDefaultCounts(t *testing.T) {
	site := map[string]string{
		"photo.near.frequency":    "33",
		"photo.near.difference":   "3.5",
		"photo.change.frequency":  "-1",
		"photo.exif.apart":        "10",
		"photo.dispatch.slack":    "-1s",
		"photo.rejection.slack":   "721h",
		"photo.place.tolerance":   "NaN",
		"photo.place.accuracy":    "0.5",
		"photo.place.pace":        "+Inf",
		"photo.place.scan":        "",
		"photo.near.typo":         "1",
		"photo.change.difference": "7",
	}
	p, err := check.ParsePolicy(site)
	want := check.DefaultPolicy()
	want.ChangeDifference = 7
	if p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !errors.Is(err, check.ErrSetting) {
		t.Fatalf("error %v", err)
	}
	var keys []string
	for _, one := range joined.Unwrap() {
		var fault *check.SettingError
		if !errors.As(one, &fault) || fault.Value != site[fault.Key] || fault.Want == "" {
			t.Errorf("fault %v", one)
			continue
		}
		keys = append(keys, fault.Key)
	}
	if len(keys) != 11 || !slices.IsSorted(keys) || slices.Contains(keys, "photo.change.difference") {
		t.Errorf("faults of %q", keys)
	}
}

func TestLimitsThemselvesAreUnderstood(t *testing.T) {
	for _, s := range check.Settings() {
		values := []string{s.Default}
		if s.Unit == "" {
			values = append(values, "0s", time.Duration(s.High*float64(time.Second)).String())
		}
		for _, v := range values {
			if _, err := check.ParsePolicy(map[string]string{s.Key: v}); err != nil {
				t.Error(err)
			}
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("photo.near.frequency", "12")
	f.Add("photo.exif.apart", "1h2m")
	f.Add("photo.place.pace", "1e-3")
	f.Add("photo.place.", "\x00")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, key, value string) {
		p, err := check.ParsePolicy(map[string]string{key: value})
		if err != nil && (p != check.DefaultPolicy() || !errors.Is(err, check.ErrSetting)) {
			t.Errorf("%q = %q: %+v with %v", key, value, p, err)
		}
		v := reflect.ValueOf(p)
		for i := range v.NumField() {
			switch field := v.Field(i); {
			case field.CanInt() && field.Int() < 0, field.CanFloat() && !(field.Float() >= 0 && field.Float() < 1e9):
				t.Errorf("%q = %q: %+v", key, value, p)
			}
		}
		check.Run(sound(), p)
	})
}
