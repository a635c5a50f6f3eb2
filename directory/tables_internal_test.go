package directory

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestCategoriesAskForAPhoto unless a table says that they do not.
func TestCategoriesAskForAPhoto(t *testing.T) {
	if n := newCategory("X").GetCategory().GetAfterPhotos(); n != 1 {
		t.Fatalf("without the column: %d", n)
	}
	for _, c := range categoryColumns() {
		for cell, want := range map[string]uint32{"": 1, "0": 0, "1": 1, "3": 3} {
			to := &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{AfterPhotos: 9}}}
			if c.Name != "after_photos" {
				continue
			}
			if p, err := c.set(nil, to, cell); p != nil || err != nil || to.GetCategory().GetAfterPhotos() != want {
				t.Errorf("%q: %v %v %v", cell, to, p, err)
			}
		}
	}
}
