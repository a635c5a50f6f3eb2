package arbitration_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestRoughFix: a fix of 30 m or better stands before a place that somebody chose; one that may be kilometres off does not, whichever comes first.
func TestRoughFix(t *testing.T) {
	for name, c := range map[string]struct {
		accuracy float32
		want     roundsv1.LocationSource
	}{
		"a good fix":  {30, roundsv1.LocationSource_LOCATION_SOURCE_GPS},
		"a rough fix": {2000, roundsv1.LocationSource_LOCATION_SOURCE_TYPED},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(s *site, aFirst bool) {
				w := s.shift()
				w.y.edit(w.id, &roundsv1.Ticket{Location: &roundsv1.Location{PlaceId: "a chosen place", Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}, "location")
				w.x.edit(w.id, &roundsv1.Ticket{Location: &roundsv1.Location{Words: "somewhere", Latitude: 30, Longitude: 120, AccuracyM: c.accuracy,
					Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS}}, "location")
				inOrder(aFirst, w.y, w.x)
				if got := w.ticket(w.id).GetLocation(); got.GetSource() != c.want {
					t.Errorf("the place is %v, want that by %v", got, c.want)
				}
				s.settled()
			})
		})
	}
}
