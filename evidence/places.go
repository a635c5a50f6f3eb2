package evidence

import (
	"context"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// areaOf tells where the work is: its place, with the outline of the nearest place above that has one; without any, the fix of the report.
func (d *Desk) areaOf(ctx context.Context, scope store.Scope, at *roundsv1.Location, photo *roundsv1.Photo, c *check.Case) error {
	if at.GetPlaceId() == "" {
		if at.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_GPS && at.GetAccuracyM() > 0 {
			c.Area.Centre, c.Area.RadiusM = check.Point{Latitude: at.GetLatitude(), Longitude: at.GetLongitude()}, float64(at.GetAccuracyM())
		}
		return nil
	}
	above, err := d.placesAbove(ctx, scope, at.GetPlaceId())
	if err != nil {
		return err
	}
	c.Area.PlaceIDs = []string{at.GetPlaceId()}
	for i, place := range above {
		if i == 0 {
			c.Area.Signal = place.GetSignal()
		}
		if outline := place.GetOutline(); outline != "" {
			c.Area.Outlines = []string{outline}
			break
		}
	}
	// Tags of places within the place of the work count for it.
	tagged := []string{photo.GetLocation().GetPlaceId()}
	for _, scan := range c.Scans {
		tagged = append(tagged, scan.PlaceID)
	}
	slices.Sort(tagged)
	tagged = slices.Compact(tagged)
	for _, id := range tagged[:min(mostOthers, len(tagged))] {
		within, err := d.within(ctx, scope, id, at.GetPlaceId())
		if err != nil {
			return err
		}
		if within && id != at.GetPlaceId() {
			c.Area.PlaceIDs = append(c.Area.PlaceIDs, id)
		}
	}
	return nil
}

// placesAbove returns a place and those that it lies in, from the inside out.
func (d *Desk) placesAbove(ctx context.Context, scope store.Scope, id string) ([]*roundsv1.Place, error) {
	var list []*roundsv1.Place
	for range mostLevels {
		if id == "" {
			break
		}
		change, err := d.cfg.Records.Record(ctx, scope, kindPlace, merge.RecordID(id))
		if err != nil {
			return nil, err
		}
		place := change.GetRecord().GetPlace()
		if place == nil || change.GetDeleted() {
			break
		}
		list, id = append(list, place), place.GetParentId()
	}
	return list, nil
}

// within: whether a place is another one or lies in it.
func (d *Desk) within(ctx context.Context, scope store.Scope, id, other string) (bool, error) {
	if id == "" || id == other {
		return id == other, nil
	}
	above, err := d.placesAbove(ctx, scope, id)
	return slices.ContainsFunc(above, func(p *roundsv1.Place) bool { return p.GetParentId() == other }), err
}
