package check

import (
	"fmt"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Check is one row of the table of checks.
type Check struct {
	// Code of its findings.
	Code roundsv1.CheckCode
	// Severity is the worst that it gives.
	Severity roundsv1.Severity
	// Compares says in one line what is held against what.
	Compares string
	// Keys of the settings that it obeys; the first is the threshold that findings name. None: it has no threshold.
	Keys []string

	pictures bool // only photos that show a place: no signatures, no annotations
	decoded  bool // only bytes that were decoded
	run      func(*look)
}

// table is what Run goes through.
func table() []Check {
	refusal := func(code roundsv1.CheckCode, compares string) Check {
		return Check{Code: code, Severity: hard, Compares: compares, run: refused}
	}
	return []Check{
		refusal(roundsv1.CheckCode_CHECK_CODE_EMPTY, "the bytes: there are none"),
		refusal(roundsv1.CheckCode_CHECK_CODE_UNDECODABLE, "the bytes with their format, decoded to the end"),
		refusal(roundsv1.CheckCode_CHECK_CODE_TOO_LARGE, "pixels and memory with what the server decodes"),
		refusal(roundsv1.CheckCode_CHECK_CODE_WRONG_TYPE, "the type by content with the promised one"),
		refusal(roundsv1.CheckCode_CHECK_CODE_POLYGLOT, "the end of the image with the end of the bytes"),
		{Code: roundsv1.CheckCode_CHECK_CODE_REUSED, Severity: hard,
			Compares: "SHA-256 with every other ticket, round and item, unless both say `shared` on one capture event and are not two rounds of one record; the earlier one gets a note", run: reused},
		{Code: roundsv1.CheckCode_CHECK_CODE_NEAR_DUPLICATE, Severity: soft, pictures: true, decoded: true,
			Compares: "both perceptual hashes, also mirrored, with older photos of other tickets and rounds of the site; silent on featureless ones",
			Keys:     []string{"photo.near.frequency", "photo.near.difference"}, run: nearDuplicate},
		{Code: roundsv1.CheckCode_CHECK_CODE_FEATURELESS, Severity: soft, pictures: true, decoded: true,
			Compares: "contrast and frequencies of the image with what a hash needs", run: featureless},
		{Code: roundsv1.CheckCode_CHECK_CODE_NO_CHANGE, Severity: soft, pictures: true, decoded: true,
			Compares: "both perceptual hashes of an after-photo with the before-photos of its round",
			Keys:     []string{"photo.change.frequency", "photo.change.difference"}, run: noChange},
		{Code: roundsv1.CheckCode_CHECK_CODE_EXIF_TIME, Severity: soft, pictures: true, decoded: true,
			Compares: "the image's own time with the phone's at the capture, as it stood and as corrected: the nearer counts",
			Keys:     []string{"photo.exif.apart"}, run: exifTime},
		{Code: roundsv1.CheckCode_CHECK_CODE_EXIF_MISSING, Severity: note, pictures: true, decoded: true,
			Compares: "whether the image says when it was made", run: exifMissing},
		{Code: roundsv1.CheckCode_CHECK_CODE_BEFORE_DISPATCH, Severity: soft, pictures: true,
			Compares: "corrected capture time of after- and item-photos with when the work was first given out",
			Keys:     []string{"photo.dispatch.slack"}, run: beforeDispatch},
		{Code: roundsv1.CheckCode_CHECK_CODE_BEFORE_REJECTION, Severity: hard,
			Compares: "corrected capture time with the rejection of the round before; soft where the time is not of trust A",
			Keys:     []string{"photo.rejection.slack"}, run: beforeRejection},
		{Code: roundsv1.CheckCode_CHECK_CODE_OUTSIDE, Severity: soft, pictures: true,
			Compares: "distance of the fix from the place's outline, less its accuracy and what can be walked since; or the tag with the place",
			Keys:     []string{"photo.place.tolerance", "photo.place.pace", "photo.place.fix_age"}, run: outside},
		{Code: roundsv1.CheckCode_CHECK_CODE_MOCK_LOCATION, Severity: soft, pictures: true,
			Compares: "what the phone's system says of who made the fix", run: mockLocation},
		{Code: roundsv1.CheckCode_CHECK_CODE_PLACE_UNKNOWN, Severity: note, pictures: true,
			Compares: "whether a fix, a scanned tag or the last fix and its age say where it was taken; the finding names the reason",
			Keys:     []string{"photo.place.accuracy", "photo.place.fix_age", "photo.place.scan"}, run: placeUnknown},
		{Code: roundsv1.CheckCode_CHECK_CODE_NOT_CAMERA, Severity: hard, pictures: true,
			Compares: "the image's source with what the category demands", run: notCamera},
		{Code: roundsv1.CheckCode_CHECK_CODE_GAP, Severity: soft,
			Compares: "the device's numbers of its photos with those that arrived",
			Keys:     []string{"photo.gap.allowed"}, run: gap},
		{Code: roundsv1.CheckCode_CHECK_CODE_WRONG_PIXELS, Severity: soft, decoded: true,
			Compares: "width and height, either way up, with the promised ones", run: wrongPixels},
	}
}

// Checks returns the table of checks, in the order in which they run.
func Checks() []Check { return table() }

// Word is a check's code or a severity as people write it: "NEAR_DUPLICATE", "soft".
func Word[E roundsv1.CheckCode | roundsv1.Severity](e E) string {
	switch e := any(e).(type) {
	case roundsv1.CheckCode:
		return strings.TrimPrefix(e.String(), "CHECK_CODE_")
	case roundsv1.Severity:
		return strings.ToLower(strings.TrimPrefix(e.String(), "SEVERITY_"))
	}
	return ""
}

// Table prints the checks and then the settings as two Markdown tables.
func Table() string {
	var b strings.Builder
	b.WriteString("| check | severity | what is compared | settings |\n|---|---|---|---|\n")
	for _, c := range table() {
		keys := make([]string, len(c.Keys))
		for i, key := range c.Keys {
			keys[i] = "`" + key + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", Word(c.Code), Word(c.Severity), c.Compares, strings.Join(keys, ", "))
	}
	b.WriteString("\n| setting | default | from, to | what it is |\n|---|---|---|---|\n")
	for _, s := range settings(new(Policy)) {
		limits := fmt.Sprintf("%g, %.0f", s.Low, s.High)
		if s.span != nil {
			limits = fmt.Sprintf("%gs, %.0fh", s.Low, s.High/3600)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Key, strings.TrimSpace(s.Default+" "+s.Unit), limits, s.Meaning)
	}
	return b.String()
}
