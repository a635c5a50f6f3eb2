package adversary_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/adversary"
	"github.com/rounds-sync/rounds/media/check"
)

// small is a set that is quick to make: every kind of photo a few times.
func small() adversary.Options {
	return adversary.Options{Seed: 5, Tampered: 54, WidthPx: 96, Policy: check.DefaultPolicy()}
}

// TestFloors holds the checks to what they are known to do. The checks that compare facts make no mistake at all; those that compare what photos look
// like make some.
func TestFloors(t *testing.T) {
	result, err := adversary.Score(t.Context(), small())
	if err != nil {
		t.Fatal(err)
	}
	type floor struct{ precision, recall float64 }
	blurred := map[roundsv1.CheckCode]floor{
		roundsv1.CheckCode_CHECK_CODE_NEAR_DUPLICATE: {.8, .6}, // of screenshots and of deeper crops, it knows little
		roundsv1.CheckCode_CHECK_CODE_NO_CHANGE:      {.8, .75},
	}
	for _, row := range result.Checks {
		want, is := blurred[row.Code]
		if !is {
			want = floor{1, 1}
		}
		if row.Hits == 0 || row.Precision() < want.precision || row.Recall() < want.recall {
			t.Errorf("%+v: precision %.3f, want %.3f; recall %.3f, want %.3f", row, row.Precision(), want.precision, row.Recall(), want.recall)
		}
	}
	if share := float64(result.FlaggedHonest) / float64(result.Honest); share > .04 {
		t.Errorf("%.1f %% of honest photos are flagged", 100*share)
	}
	// What changes nothing of the picture's content is always found.
	for _, kind := range result.Kinds {
		switch kind.Kind {
		case "resized", "recompressed", "the same bytes on another ticket":
			if len(kind.Missed) > 0 {
				t.Errorf("%s: missed %v", kind.Kind, kind.Missed)
			}
		}
	}
	if t.Failed() {
		t.Log("\n" + result.String())
	}
}

func TestTheSameSeedMakesTheSameSet(t *testing.T) {
	all := func(seed uint64) (items []adversary.Item) {
		adversary.Items(seed, 27, 64, func(i adversary.Item) { items = append(items, i) })
		return items
	}
	a, b, other := all(1), all(1), all(2)
	ids := map[string]bool{}
	drew, differ := 0, 0
	for i := range a {
		if a[i].Kind != b[i].Kind || a[i].Case.ID != b[i].Case.ID || !slices.Equal(a[i].Want, b[i].Want) || a[i].Case.CapturedUs != b[i].Case.CapturedUs {
			t.Fatalf("photo %d: %+v and %+v", i, a[i], b[i])
		}
		if ids[a[i].Case.ID] {
			t.Errorf("two photos are %q", a[i].Case.ID)
		}
		if ids[a[i].Case.ID] = true; i%2 == 1 && i < 60 {
			continue // quicker: of the first ones, that are honest, half
		}
		drew++
		mine := a[i].Bytes()
		if !bytes.Equal(mine, b[i].Bytes()) {
			t.Errorf("photo %d (%s): other bytes", i, a[i].Kind)
		}
		if i < len(other) && !bytes.Equal(mine, other[i].Bytes()) {
			differ++
		}
		if i > 0 && a[i].Case.CapturedUs <= a[i-1].Case.CapturedUs {
			t.Errorf("photo %d is not after the one before it", i)
		}
	}
	if differ < drew/2 {
		t.Errorf("of %d photos of another seed, %d differ", drew, differ)
	}
}

// TestOtherThresholdsDoOtherwise shows that the floors hold because of the thresholds, not whatever they are.
func TestOtherThresholdsDoOtherwise(t *testing.T) {
	o := small()
	o.Tampered = 27
	var err error
	if o.Policy, err = check.ParsePolicy(map[string]string{"photo.near.frequency": "32", "photo.near.difference": "32", "photo.place.tolerance": "100000",
		"photo.exif.apart": "720h"}); err != nil {
		t.Fatal(err)
	}
	result, err := adversary.Score(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if row := result.Row(roundsv1.CheckCode_CHECK_CODE_NEAR_DUPLICATE); row.Precision() > .3 {
		t.Errorf("everything is like everything, and still: %+v", row)
	}
	for _, code := range []roundsv1.CheckCode{roundsv1.CheckCode_CHECK_CODE_OUTSIDE, roundsv1.CheckCode_CHECK_CODE_EXIF_TIME} {
		if row := result.Row(code); row.Hits > 1 {
			t.Errorf("nothing is too far, and still: %+v", row)
		}
	}
}

func TestScoreEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	o := small()
	o.Progress = func(done, total int) {
		if done == 3 {
			stop()
		}
		if done > total {
			t.Errorf("%d of %d", done, total)
		}
	}
	if _, err := adversary.Score(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
