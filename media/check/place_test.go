package check_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/rounds-sync/rounds/media/check"
)

// The distances are those of Vincenty's and Karney's inverse solution on WGS 84, as published: Flinders Peak to Buninyong, a quarter of a
// meridian, one degree of the equator.
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		name     string
		a, b     check.Point
		want, by float64
	}{
		{"none", check.Point{Latitude: 22.5, Longitude: 114}, check.Point{Latitude: 22.5, Longitude: 114}, 0, 0},
		{"Flinders Peak to Buninyong", check.Point{Latitude: -37.95103341666667, Longitude: 144.42486788888888},
			check.Point{Latitude: -37.65282113888889, Longitude: 143.92649552777777}, 54972.271, 1},
		{"a degree of the equator", check.Point{}, check.Point{Longitude: 1}, 111319.491, .1},
		{"a quarter of a meridian", check.Point{}, check.Point{Latitude: 90}, 10001965.729, 60},
		{"over the antimeridian", check.Point{Longitude: 179.999}, check.Point{Longitude: -179.999}, 222.639, .01},
		{"to the other side", check.Point{}, check.Point{Longitude: 180}, 20003931.459, 40_000},
	} {
		if got := check.Distance(c.a, c.b); math.Abs(got-c.want) > c.by {
			t.Errorf("%s: %f m, want %f", c.name, got, c.want)
		}
	}
}

func TestOutlines(t *testing.T) {
	const ring = "(114 22.5, 114.01 22.5, 114.01 22.51, 114 22.51, 114 22.5)"
	const hole = "(114.004 22.504, 114.006 22.504, 114.006 22.506, 114.004 22.506, 114.004 22.504)"
	at := func(lat, lon float64) check.Point { return check.Point{Latitude: lat, Longitude: lon} }
	for _, c := range []struct {
		name, text string
		p          check.Point
		want, by   float64
	}{
		{"inside", "POLYGON (" + ring + ")", at(22.503, 114.003), 0, 0},
		{"on the edge", "polygon(" + ring + ")", at(22.505, 114), 0, .01},
		{"north of it", "POLYGON (" + ring + ")", at(22.51+100/110_753., 114.005), 100, .5},
		{"east of it", "POLYGON (" + ring + ")", at(22.505, 114.01+100/102_900.), 100, .5},
		{"off a corner", "POLYGON (" + ring + ")", at(22.51+300/110_753., 114.01+400/102_900.), 500, 2},
		{"in the hole", "POLYGON (" + ring + "," + hole + ")", at(22.505, 114.005), 102.9, 1},
		{"beside the hole", "POLYGON (" + ring + "," + hole + ")", at(22.503, 114.005), 0, 0},
		{"in the second of two", "MULTIPOLYGON ((" + ring + "), ((10 10, 11 10, 11 11, 10 11, 10 10)))", at(10.5, 10.5), 0, 0},
		{"far from both", "MULTIPOLYGON ((" + ring + "), ((10 10, 11 10, 11 11, 10 11, 10 10)))", at(12, 10.5), 110_630, 30},
		{"over the antimeridian", "POLYGON ((179.99 0, 180 0, 180 0.01, 179.99 0.01, 179.99 0))", at(.005, -179.999), 111.3, .5},
		{"numbers of all kinds", "POLYGON\n((-1e-2 +5E-1,\t1.0E-2 .5, 0.01 0.51, -.01 0.51, -0.01 0.5))", at(.505, 0), 0, 0},
	} {
		o, err := check.ParseOutline(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := o.Distance(c.p); math.Abs(got-c.want) > c.by {
			t.Errorf("%s: %f m, want %f", c.name, got, c.want)
		}
	}
	if d := (check.Outline{}).Distance(check.Point{}); !math.IsInf(d, 1) {
		t.Errorf("nowhere is %f m away", d)
	}
}

func TestWhatIsNoOutlineIsRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", "POINT (1 2)", "POLYGON", "POLYGON EMPTY", "POLYGON ()", "POLYGON (())", "POLYGON ((0 0, 1 0, 1 1, 0 0)", "POLYGON ((0 0, 1 0, 1 1, 0 0)))",
		"POLYGON ((0 0, 1 0, 1 1, 0 1))", "POLYGON ((0 0, 1 0, 0 0))", "POLYGON ((0 0, 181 0, 1 1, 0 0))", "POLYGON ((22 114, 23 114, 23 115, 22 114))",
		"POLYGON ((0 0 5, 1 0 5, 1 1 5, 0 0 5))", "POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))", "POLYGON ((nan 0, 1 0, 1 1, nan 0))", "POLYGON ((1e999 0, 1 0, 1 1, 1e999 0))",
		"POLYGON ((0 0, 1 0, 1 1, 0 0)) x", "POLYGON ((0 0,, 1 0, 1 1, 0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0),)", "MULTIPOLYGON ((0 0, 1 0, 1 1, 0 0))",
		"SRID=4326;POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0.00000000000000000000000000000000000))",
		"POLYGON ((0 0" + strings.Repeat(",1 1", 9000) + ",0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0))" + strings.Repeat(" ", 64<<10), strings.Repeat("(", 60000),
	} {
		if o, err := check.ParseOutline(text); !errors.Is(err, check.ErrOutline) {
			t.Errorf("%.40q: %v, %v", text, o, err)
		}
	}
}

func FuzzOutline(f *testing.F) {
	f.Add(square, 22.5, 114.0)
	f.Add("MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0), (0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))", -90.0, 180.0)
	f.Add("POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))", 90.0, 0.0)
	f.Add("POLYGON (((", 0.0, 0.0)
	f.Fuzz(func(t *testing.T, text string, lat, lon float64) {
		o, err := check.ParseOutline(text)
		if err != nil {
			if !errors.Is(err, check.ErrOutline) {
				t.Error(err)
			}
			return
		}
		if !(math.Abs(lat) <= 90 && math.Abs(lon) <= 180) {
			return
		}
		if d := o.Distance(check.Point{Latitude: lat, Longitude: lon}); !(d >= 0 && d < 2.1e7) {
			t.Errorf("%q from %f %f: %f m", text, lat, lon, d)
		}
	})
}
