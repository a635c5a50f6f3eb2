package policy_test

import (
	"testing"

	"github.com/rounds-sync/rounds/work/policy"
)

// TestPlaceAccuracy: what says where is what the checks of photos go by: 200 m, or what an inner layer has, wherever that is a number of metres that may be set.
func TestPlaceAccuracy(t *testing.T) {
	set := func(text string) map[string]string { return map[string]string{policy.PlaceAccuracyKey: text} }
	for _, test := range []struct {
		layers []map[string]string
		want   float64
	}{
		{nil, 200},
		{[]map[string]string{set("50")}, 50},
		{[]map[string]string{set("50"), set(" 80.5 "), {}}, 80.5},
		{[]map[string]string{set("1"), set("far")}, 1},
		{[]map[string]string{set("100000"), set("100001"), set("0.9"), set("NaN"), set("")}, 100_000},
	} {
		p, err := policy.Parse(test.layers...)
		if err != nil || p.PlaceAccuracy != test.want {
			t.Errorf("%v: %v, %v", test.layers, p.PlaceAccuracy, err)
		}
	}
}
