package cli

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// whereFlags say where something is.
type whereFlags struct {
	place, fix string
	noFix      bool
}

func (f *whereFlags) flags(p *program, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.place, "place", "", p.in("where it is: a place by code, name or id, or else in words", "位置的代码、名称或编号；没有符合的则作为文字"))
	flags.StringVar(&f.fix, "fix", "", p.in("where the phone is: latitude,longitude,accuracy in metres", "手机定位：纬度、经度和精度（米），如 31.2304,121.4737,12"))
	flags.BoolVar(&f.noFix, "no-fix", false, p.in("the phone found no fix", "手机定位不到"))
	cmd.MarkFlagsMutuallyExclusive("fix", "no-fix")
}

// given tells whether the flags say anything.
func (f *whereFlags) given(cmd *cobra.Command) bool {
	return cmd.Flags().Changed("place") || cmd.Flags().Changed("fix") || cmd.Flags().Changed("no-fix")
}

// location makes of the flags where something is; nil where they take a location away. A place that the site does not have goes as words, and the person is told.
func (f *whereFlags) location(ctx context.Context, d *deviceCommands, s *session, scope client.Scope) (*roundsv1.Location, error) {
	l := &roundsv1.Location{}
	if f.place != "" {
		known, err := s.knownPlaces(ctx, scope)
		if err != nil {
			return nil, err
		}
		l.Source = roundsv1.LocationSource_LOCATION_SOURCE_TYPED
		if len(fitting(f.place, known)) == 0 && !isID(f.place) {
			l.Words = f.place
			d.tellWords(f.place, known)
		} else if l.PlaceId, err = choose("place", f.place, known, "a whole id"); err != nil {
			return nil, err
		}
	}
	if f.noFix && l.PlaceId == "" { // a place that was chosen is more certain than that there was no fix
		l.Source = roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX
	}
	if f.fix != "" {
		if err := readFix(f.fix, l); err != nil {
			return nil, err
		}
	}
	if l.Source == roundsv1.LocationSource_LOCATION_SOURCE_UNSPECIFIED {
		return nil, nil
	}
	return l, nil
}

// tellWords says that no place is called so, and which ones were perhaps meant.
func (d *deviceCommands) tellWords(asked string, known []choice) {
	like := ""
	if some := alike(asked, known); len(some) > 0 {
		like = d.in("; perhaps "+labels(some)+"?", "；是不是 "+labels(some)+"？")
	}
	fmt.Fprintf(d.Err, d.in("note: no place is called %q: it stands as words%s\n", "提示：没有叫 %q 的位置，作为文字保存%s\n"), asked, like)
}

// goodFixM is how exact a fix is at least that counts as one, metres, as the schema has it.
const goodFixM = 30

// readFix reads "latitude,longitude,accuracy". One that is less exact than a fix has to be keeps its numbers, and is none.
func readFix(text string, l *roundsv1.Location) error {
	var n [3]float64
	parts := strings.Split(narrow(text), ",")
	good := len(parts) == len(n)
	for i := 0; good && i < len(n); i++ {
		value, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		good, n[i] = err == nil && !math.IsNaN(value) && !math.IsInf(value, 0), value
	}
	if !good || math.Abs(n[0]) > 90 || math.Abs(n[1]) > 180 || n[2] <= 0 {
		return say(Usage, "--fix %q is not latitude,longitude,accuracy: 31.2304,121.4737,12 say", "--fix %q 须为纬度、经度和精度（米），如 31.2304,121.4737,12", text)
	}
	l.Latitude, l.Longitude, l.AccuracyM = n[0], n[1], float32(n[2])
	switch {
	case n[2] <= goodFixM:
		l.Source = roundsv1.LocationSource_LOCATION_SOURCE_GPS
	case l.Source == roundsv1.LocationSource_LOCATION_SOURCE_UNSPECIFIED:
		l.Source = roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX
	}
	return nil
}

// assetID finds an asset of a site: by its whole id, its code, its name or a part of its id; "" stays.
func (s *session) assetID(ctx context.Context, scope client.Scope, asked string) (string, error) {
	if asked == "" {
		return "", nil
	}
	var known []choice
	for view, err := range s.List(ctx, scope, "asset") {
		if err != nil {
			return "", err
		}
		if a := view.Record.GetAsset(); !view.Deleted {
			known = append(known, choice{id: string(view.ID), code: a.GetCode(), names: []string{a.GetName().GetZh(), a.GetName().GetEn()}})
		}
	}
	return choose("asset", asked, known, "a whole id")
}
