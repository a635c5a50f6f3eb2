package check_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media/check"
)

const (
	second = int64(time.Second / time.Microsecond)
	minute = 60 * second
	noon   = int64(1_772_000_000) * second
)

var square = "POLYGON ((114 22.5, 114.001 22.5, 114.001 22.501, 114 22.501, 114 22.5))"

// sound is a photo of which nothing bad can be said.
func sound() check.Case {
	return check.Case{
		ID: "p1",
		Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: "t1"}, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Round: 1,
			Sha256: []byte("one"), WidthPx: 1280, HeightPx: 960, Captured: &roundsv1.Clock{WallUs: noon, BootId: "b", MonotonicUs: 5}, PersonId: "li",
			Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA,
			Location: &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS, Latitude: 22.5005, Longitude: 114.0005,
				AccuracyM: 10}},
		Report:     &roundsv1.PhotoReport{WidthPx: 1280, HeightPx: 960, ExifTakenUs: noon},
		CapturedUs: noon, Trust: roundsv1.Trust_TRUST_A, DispatchedUs: noon - 3600*second, LiveCamera: true,
		Area: check.Area{PlaceIDs: []string{"pump room"}, Outlines: []string{square}},
	}
}

func other(id, ticket string, frequency, difference int) check.Other {
	return check.Other{ID: id, CapturedUs: noon - 3600*second, FrequencyBits: frequency, DifferenceBits: difference, Photo: &roundsv1.Photo{
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket}, Round: 1, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Sha256: []byte("two"),
		Captured: &roundsv1.Clock{WallUs: noon, BootId: "b", MonotonicUs: 5}, PersonId: "li"}}
}

// north returns a latitude so many metres north of the square.
func north(metres float64) float64 { return 22.501 + metres/110_753 }

func TestChecks(t *testing.T) {
	d := check.DefaultPolicy()
	type act func(*check.Case)
	gps := func(f func(*roundsv1.Location)) act { return func(c *check.Case) { f(c.Photo.Location) } }
	with := func(o check.Other, change ...func(*check.Other)) act {
		for _, f := range change {
			f(&o)
		}
		return func(c *check.Case) { c.Similar = append(c.Similar, o) }
	}
	same := func(o check.Other, change ...func(*check.Other)) act {
		o.Photo.Sha256 = []byte("one")
		for _, f := range change {
			f(&o)
		}
		return func(c *check.Case) { c.Same = append(c.Same, o) }
	}
	before := func(o check.Other, change ...func(*check.Other)) act {
		o.Photo.Role = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE
		for _, f := range change {
			f(&o)
		}
		return func(c *check.Case) { c.Before = append(c.Before, o) }
	}
	all := func(acts ...act) act {
		return func(c *check.Case) {
			for _, f := range acts {
				f(c)
			}
		}
	}
	role := func(r roundsv1.PhotoRole) act { return func(c *check.Case) { c.Photo.Role = r } }
	noFix := gps(func(l *roundsv1.Location) {
		*l = roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX}
	})
	lastFix := func(metres float64, age time.Duration) act {
		return gps(func(l *roundsv1.Location) {
			l.Source, l.Latitude, l.AgeUs = roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX, north(metres), age.Microseconds()
		})
	}

	for _, c := range []struct {
		name string
		do   act
		want string
	}{
		{"sound", all(), ""},

		{"refused", func(c *check.Case) {
			c.Report, c.Refused = nil, &check.Refusal{Code: roundsv1.CheckCode_CHECK_CODE_POLYGLOT, Sentence: &roundsv1.Text{Zh: "坏", En: "bad"}}
		}, "hard POLYGLOT"},
		{"empty", func(c *check.Case) {
			c.Report, c.Refused = nil, &check.Refusal{Code: roundsv1.CheckCode_CHECK_CODE_EMPTY, Sentence: &roundsv1.Text{Zh: "空", En: "none"}}
		}, "hard EMPTY"},

		{"empty, as another one", all(func(c *check.Case) {
			c.Report, c.Refused = nil, &check.Refusal{Code: roundsv1.CheckCode_CHECK_CODE_EMPTY, Sentence: &roundsv1.Text{Zh: "空", En: "none"}}
		}, same(other("p0", "t2", 0, 0))), "hard EMPTY"},

		{"same bytes on another ticket", same(other("p0", "t2", 0, 0)), "hard REUSED"},
		{"same bytes in another round", same(other("p0", "t1", 0, 0), func(o *check.Other) { o.Photo.Round = 2 }), "hard REUSED"},
		{"same bytes on another item", same(other("p0", "t1", 0, 0), func(o *check.Other) { o.Photo.ItemId = "i02" }), "hard REUSED"},
		{"the same fact twice", same(other("p0", "t1", 0, 0)), ""},
		{"shared on one capture", all(func(c *check.Case) { c.Photo.Shared = true },
			same(other("p0", "t2", 0, 0), func(o *check.Other) { o.Photo.Shared = true })), ""},
		{"shared on one capture of two items", all(func(c *check.Case) { c.Photo.Shared = true }, same(other("p0", "t1", 0, 0), func(o *check.Other) {
			o.Photo.Shared, o.Photo.ItemId = true, "i02"
		})), ""},
		{"shared on one capture, between rounds of one ticket", all(func(c *check.Case) { c.Photo.Shared = true }, same(other("p0", "t1", 0, 0), func(o *check.Other) {
			o.Photo.Shared, o.Photo.Round = true, 2
		})), "hard REUSED"},
		{"shared on one capture with another round of another ticket", all(func(c *check.Case) { c.Photo.Shared = true }, same(other("p0", "t2", 0, 0), func(o *check.Other) {
			o.Photo.Shared, o.Photo.Round = true, 2
		})), ""},
		{"same bytes used again later", same(other("p0", "t2", 0, 0), func(o *check.Other) { o.Later = true }), "note REUSED"},
		{"shared by one side only", same(other("p0", "t2", 0, 0), func(o *check.Other) { o.Photo.Shared = true }), "hard REUSED"},
		{"shared, but of two captures", all(func(c *check.Case) { c.Photo.Shared = true }, same(other("p0", "t2", 0, 0), func(o *check.Other) {
			o.Photo.Shared, o.Photo.Captured.MonotonicUs = true, 6
		})), "hard REUSED"},
		{"shared, without a capture", all(func(c *check.Case) { c.Photo.Shared, c.Photo.Captured = true, nil }, same(other("p0", "t2", 0, 0),
			func(o *check.Other) { o.Photo.Shared, o.Photo.Captured = true, nil })), "hard REUSED"},
		{"reused four times", all(same(other("a", "t2", 0, 0)), same(other("b", "t3", 0, 0)), same(other("c", "t4", 0, 0)), same(other("d", "t5", 0, 0))),
			"hard REUSED, hard REUSED, hard REUSED"},

		{"near: at both thresholds", with(other("p0", "t2", d.NearFrequency, d.NearDifference)), "soft NEAR_DUPLICATE"},
		{"near: one bit more by frequencies", with(other("p0", "t2", d.NearFrequency+1, 0)), ""},
		{"near: one bit more by differences", with(other("p0", "t2", 0, d.NearDifference+1)), ""},
		{"near: mirrored", with(other("p0", "t2", 3, 3), func(o *check.Other) { o.Mirrored = true }), "soft NEAR_DUPLICATE"},
		{"near: newer", with(other("p0", "t2", 0, 0), func(o *check.Other) { o.CapturedUs = noon + 1 }), ""},
		{"near: same round of the same ticket", with(other("p0", "t1", 0, 0)), ""},
		{"near: another round", with(other("p0", "t1", 0, 0), func(o *check.Other) { o.Photo.Round = 2 }), "soft NEAR_DUPLICATE"},
		{"near: itself", with(other("p1", "t2", 0, 0)), ""},
		{"near: a signature", with(other("p0", "t2", 0, 0), func(o *check.Other) { o.Photo.Role = roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE }), ""},
		{"near: a featureless one", with(other("p0", "t2", 0, 0), func(o *check.Other) { o.Featureless = true }), ""},
		{"near: of a signature", all(with(other("p0", "t2", 0, 0)), role(roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE)), ""},
		{"near: of an annotation", all(with(other("p0", "t2", 0, 0)), role(roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION)), ""},
		{"featureless, and nothing of near", all(func(c *check.Case) { c.Report.Featureless = true }, with(other("p0", "t2", 0, 0)), before(other("p0", "t1", 0, 0))),
			"soft FEATURELESS"},

		{"no change: at both thresholds", before(other("p0", "t1", d.ChangeFrequency, d.ChangeDifference)), "soft NO_CHANGE"},
		{"no change: one bit more by frequencies", before(other("p0", "t1", d.ChangeFrequency+1, 0)), ""},
		{"no change: one bit more by differences", before(other("p0", "t1", 0, d.ChangeDifference+1)), ""},
		{"no change: of a before-photo", all(role(roundsv1.PhotoRole_PHOTO_ROLE_BEFORE), before(other("p0", "t1", 0, 0))), ""},
		{"no change: the same bytes, featureless", all(func(c *check.Case) { c.Report.Featureless = true }, before(other("p0", "t1", 0, 0), func(o *check.Other) {
			o.Photo.Sha256 = []byte("one")
		})), "soft FEATURELESS, soft NO_CHANGE"},

		{"exif: 10 min", func(c *check.Case) { c.Report.ExifTakenUs = noon - 10*minute }, ""},
		{"exif: 10 min and 1 µs", func(c *check.Case) { c.Report.ExifTakenUs = noon - 10*minute - 1 }, "soft EXIF_TIME"},
		{"exif: later", func(c *check.Case) { c.Report.ExifTakenUs = noon + 10*minute + 1 }, "soft EXIF_TIME"},
		{"exif: the phone's clock is wrong, the image agrees with it", func(c *check.Case) {
			c.Photo.Captured.WallUs, c.Report.ExifTakenUs = noon-999*minute, noon-999*minute
		}, ""},
		{"exif: the phone's clock is wrong, the image is right", func(c *check.Case) { c.Photo.Captured.WallUs = noon - 999*minute }, ""},
		{"exif: years apart", func(c *check.Case) { c.Report.ExifTakenUs = math.MinInt64 }, "soft EXIF_TIME"},
		{"exif: the phone has no time", func(c *check.Case) { c.Photo.Captured, c.CapturedUs = nil, 0 }, ""},
		{"exif: none", func(c *check.Case) { c.Report.ExifTakenUs = 0 }, "note EXIF_MISSING"},
		{"exif: none in a signature", all(role(roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE), func(c *check.Case) { c.Report.ExifTakenUs = 0 }), ""},

		{"dispatch: 1 min before", func(c *check.Case) { c.DispatchedUs = noon + minute }, ""},
		{"dispatch: more before", func(c *check.Case) { c.DispatchedUs = noon + minute + 1 }, "soft BEFORE_DISPATCH"},
		{"dispatch: of an item", all(role(roundsv1.PhotoRole_PHOTO_ROLE_ITEM), func(c *check.Case) { c.DispatchedUs = noon + 2*minute }), "soft BEFORE_DISPATCH"},
		{"dispatch: the state found", all(role(roundsv1.PhotoRole_PHOTO_ROLE_BEFORE), func(c *check.Case) { c.DispatchedUs = noon + 99*minute }), ""},
		{"dispatch: not given out", func(c *check.Case) { c.DispatchedUs = 0 }, ""},
		{"rejection: 1 min before", func(c *check.Case) { c.RejectedUs = noon + minute }, ""},
		{"rejection: more before", func(c *check.Case) { c.RejectedUs = noon + minute + 1 }, "hard BEFORE_REJECTION"},
		{"rejection: the time is not sure", func(c *check.Case) { c.RejectedUs, c.Trust = noon+minute+1, roundsv1.Trust_TRUST_B }, "soft BEFORE_REJECTION"},
		{"rejection: the time is not known", func(c *check.Case) { c.RejectedUs, c.CapturedUs = noon+minute+1, 0 }, ""},

		{"place: 39 m outside, good to 10", gps(func(l *roundsv1.Location) { l.Latitude = north(39) }), ""},
		{"place: 41 m outside, good to 10", gps(func(l *roundsv1.Location) { l.Latitude = north(41) }), "soft OUTSIDE"},
		{"place: 59 m outside, accuracy not said", gps(func(l *roundsv1.Location) { l.Latitude, l.AccuracyM = north(59), 0 }), ""},
		{"place: 61 m outside, accuracy not said", gps(func(l *roundsv1.Location) { l.Latitude, l.AccuracyM = north(61), 0 }), "soft OUTSIDE"},
		{"place: in a circle", all(func(c *check.Case) { c.Area.Centre, c.Area.RadiusM = check.Point{Latitude: 22.6, Longitude: 114}, 500 },
			gps(func(l *roundsv1.Location) { l.Latitude, l.Longitude = 22.604, 114 })), ""},
		{"place: beyond a circle", all(func(c *check.Case) { c.Area.Centre, c.Area.RadiusM = check.Point{Latitude: 22.6, Longitude: 114}, 400 },
			gps(func(l *roundsv1.Location) { l.Latitude, l.Longitude = 22.604, 114 })), "soft OUTSIDE"},
		{"place: no area is known", all(func(c *check.Case) { c.Area.Outlines = nil }, gps(func(l *roundsv1.Location) { l.Latitude = 50 })), ""},
		{"place: an outline that is none", func(c *check.Case) { c.Area.Outlines = []string{"POLYGON"} }, "note PLACE_UNKNOWN"},
		{"place: made up", gps(func(l *roundsv1.Location) { l.Mocked = true }), "soft MOCK_LOCATION"},
		{"place: last fix, 600 s of walking away", lastFix(935, 10*time.Minute), ""},
		{"place: last fix, further", lastFix(945, 10*time.Minute), "soft OUTSIDE"},
		{"place: last fix, 2 h old", lastFix(0, 2*time.Hour), ""},
		{"place: last fix, older", lastFix(0, 2*time.Hour+time.Microsecond), "note PLACE_UNKNOWN"},
		{"place: last fix, older and far", lastFix(99_999, 2*time.Hour+time.Microsecond), "note PLACE_UNKNOWN"},
		{"place: good to 200 m", gps(func(l *roundsv1.Location) { l.AccuracyM = 200 }), ""},
		{"place: good to 201 m", gps(func(l *roundsv1.Location) { l.AccuracyM = 201 }), "note PLACE_UNKNOWN"},
		{"place: good to 5 km, and further away", gps(func(l *roundsv1.Location) { l.AccuracyM, l.Latitude = 5000, 23 }), "soft OUTSIDE"},
		{"place: no number", gps(func(l *roundsv1.Location) { l.Latitude = math.NaN() }), "note PLACE_UNKNOWN"},
		{"place: no fix", noFix, "note PLACE_UNKNOWN"},
		{"place: nothing said", func(c *check.Case) { c.Photo.Location = nil }, "note PLACE_UNKNOWN"},
		{"place: typed", gps(func(l *roundsv1.Location) { l.Source = roundsv1.LocationSource_LOCATION_SOURCE_TYPED }), "note PLACE_UNKNOWN"},
		{"place: tag", gps(func(l *roundsv1.Location) {
			l.Source, l.PlaceId = roundsv1.LocationSource_LOCATION_SOURCE_TAG, "pump room"
		}), ""},
		{"place: tag of another place", gps(func(l *roundsv1.Location) { l.Source, l.PlaceId = roundsv1.LocationSource_LOCATION_SOURCE_TAG, "gate" }), "soft OUTSIDE"},
		{"place: no fix, tag scanned 15 min before", all(noFix, func(c *check.Case) { c.Scans = []check.Scan{{PlaceID: "pump room", Us: noon - 15*minute}} }), ""},
		{"place: no fix, tag scanned earlier", all(noFix, func(c *check.Case) { c.Scans = []check.Scan{{PlaceID: "pump room", Us: noon - 15*minute - 1}} }),
			"note PLACE_UNKNOWN"},
		{"place: no fix, tag of another place", all(noFix, func(c *check.Case) { c.Scans = []check.Scan{{PlaceID: "gate", Us: noon}} }), "note PLACE_UNKNOWN"},

		{"gallery", func(c *check.Case) { c.Photo.Source = roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY }, "hard NOT_CAMERA"},
		{"source unknown", func(c *check.Case) { c.Photo.Source = roundsv1.PhotoSource_PHOTO_SOURCE_UNSPECIFIED }, "hard NOT_CAMERA"},
		{"gallery where that is allowed", func(c *check.Case) { c.LiveCamera, c.Photo.Source = false, roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY }, ""},
		{"gap", func(c *check.Case) { c.Missing = []uint64{4} }, "soft GAP"},
		{"pixels", func(c *check.Case) { c.Report.WidthPx = 1279 }, "soft WRONG_PIXELS"},
		{"pixels: turned", func(c *check.Case) { c.Report.WidthPx, c.Report.HeightPx = 960, 1280 }, ""},
		{"pixels: not promised", func(c *check.Case) { c.Photo.WidthPx, c.Photo.HeightPx = 0, 0 }, ""},

		{"the worst first", all(gps(func(l *roundsv1.Location) { l.Mocked = true }), func(c *check.Case) {
			c.Report.ExifTakenUs, c.Photo.Source = 0, roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY
		}), "hard NOT_CAMERA, soft MOCK_LOCATION, note EXIF_MISSING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := sound()
			c.do(&one)
			found := check.Run(one, d)
			var words []string
			for _, f := range found {
				words = append(words, check.Word(f.Severity)+" "+check.Word(f.Code))
				if f.GetSentence().GetZh() == "" || f.GetSentence().GetEn() == "" || strings.Contains(f.String(), "%!") || math.IsNaN(f.Measured) {
					t.Errorf("%v", f)
				}
				if err := protovalidate.Validate(f); err != nil {
					t.Error(err)
				}
			}
			if got := strings.Join(words, ", "); got != c.want {
				t.Errorf("found %q, want %q: %v", got, c.want, found)
			}
		})
	}
}

func TestAFindingSaysWhatWasCompared(t *testing.T) {
	c := sound()
	c.Similar = []check.Other{other("far", "t3", 8, 8), other("near", "t2", 2, 3)}
	f := check.Run(c, check.DefaultPolicy())
	if len(f) != 2 || f[0].OtherPhotoId != "near" || f[0].OtherSubject.GetId() != "t2" || f[0].Measured != 2 ||
		f[0].Threshold != float64(check.DefaultPolicy().NearFrequency) {
		t.Errorf("found %v", f)
	}
	c = sound()
	c.Photo.Location.Latitude = north(1041)
	f = check.Run(c, check.DefaultPolicy())
	if len(f) != 1 || math.Abs(f[0].Measured-1031) > 2 || f[0].Threshold != 30 || !strings.Contains(f[0].Sentence.En, "1041 m") {
		t.Errorf("found %v", f)
	}
}

func TestWorst(t *testing.T) {
	finding := func(s roundsv1.Severity) *roundsv1.Finding { return &roundsv1.Finding{Severity: s} }
	const n, s, h = roundsv1.Severity_SEVERITY_NOTE, roundsv1.Severity_SEVERITY_SOFT, roundsv1.Severity_SEVERITY_HARD
	for _, c := range []struct {
		findings []*roundsv1.Finding
		want     roundsv1.PhotoState
	}{
		{nil, roundsv1.PhotoState_PHOTO_STATE_CLEAN},
		{[]*roundsv1.Finding{finding(n)}, roundsv1.PhotoState_PHOTO_STATE_CLEAN},
		{[]*roundsv1.Finding{finding(n), finding(s)}, roundsv1.PhotoState_PHOTO_STATE_SOFT},
		{[]*roundsv1.Finding{finding(s), finding(h), finding(n)}, roundsv1.PhotoState_PHOTO_STATE_HARD},
	} {
		if got := check.Worst(c.findings); got != c.want {
			t.Errorf("%v: %v, want %v", c.findings, got, c.want)
		}
	}
}

func TestTheTableHasEveryCode(t *testing.T) {
	keys := map[string]bool{}
	for _, s := range check.Settings() {
		keys[s.Key] = false
	}
	var codes []roundsv1.CheckCode
	for _, c := range check.Checks() {
		codes = append(codes, c.Code)
		if c.Compares == "" || c.Severity == 0 {
			t.Errorf("%v says nothing", c.Code)
		}
		for _, key := range c.Keys {
			if _, there := keys[key]; !there {
				t.Errorf("%v obeys %q, which cannot be set", c.Code, key)
			}
			keys[key] = true
		}
	}
	for number, name := range roundsv1.CheckCode_name {
		if number != 0 && !slices.Contains(codes, roundsv1.CheckCode(number)) {
			t.Errorf("%s stands nowhere", name)
		}
	}
	for key, used := range keys {
		if !used {
			t.Errorf("no check obeys %s", key)
		}
	}
}

func TestTheTableStandsInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), check.Table()) {
		t.Errorf("docs/evidence.md does not hold this table:\n%s", check.Table())
	}
}

func TestRunLeavesTheCaseAsItIs(t *testing.T) {
	c := sound()
	c.Similar = []check.Other{other("b", "t3", 9, 9), other("a", "t2", 2, 3)}
	photo, order := proto.CloneOf(c.Photo), fmt.Sprint(c.Similar[0].ID, c.Similar[1].ID)
	check.Run(c, check.DefaultPolicy())
	if !proto.Equal(photo, c.Photo) || order != fmt.Sprint(c.Similar[0].ID, c.Similar[1].ID) {
		t.Error("the case was changed")
	}
}
