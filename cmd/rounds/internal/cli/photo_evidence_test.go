package cli

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestEvidenceLines: what a reviewer sees of a photo, who it was and in one line each, and nothing of what hangs on nothing.
func TestEvidenceLines(t *testing.T) {
	photo := &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_HARD, LegalHold: "court\x1b[2J",
		Hidden: &roundsv1.Hidden{Reason: "wrong\nlamp", PersonId: "p"},
		Report: &roundsv1.PhotoReport{Findings: []*roundsv1.Finding{
			{Code: roundsv1.CheckCode_CHECK_CODE_REUSED, Severity: roundsv1.Severity_SEVERITY_HARD, Sentence: &roundsv1.Text{En: "The same."},
				OtherPhotoId: "0199c0de-1234-7abc-8def-0123456789ab", OtherSubject: &roundsv1.RecordRef{Kind: "ticket", Id: "12345678"}},
			{Code: roundsv1.CheckCode_CHECK_CODE_EXIF_MISSING, Severity: roundsv1.Severity_SEVERITY_NOTE, Sentence: &roundsv1.Text{En: "No date."}}}}}
	want := []string{"hidden by 王芳: wrong lamp", "held: court [2J", "hard REUSED: The same. (photo 456789ab of ticket 12345678)"}
	if got := (&deviceCommands{program: &program{lang: "en"}}).evidenceLines(photo, names{"p": "王芳"}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCountsNot: by itself a completion names no photo that would only keep the ticket from review.
func TestCountsNot(t *testing.T) {
	for state, not := range map[roundsv1.PhotoState]bool{
		roundsv1.PhotoState_PHOTO_STATE_UNSPECIFIED: false, roundsv1.PhotoState_PHOTO_STATE_STORED: false, roundsv1.PhotoState_PHOTO_STATE_CLEAN: false,
		roundsv1.PhotoState_PHOTO_STATE_SOFT: false, roundsv1.PhotoState_PHOTO_STATE_HARD: true, roundsv1.PhotoState_PHOTO_STATE_REDACTED: true,
	} {
		if countsNot(&roundsv1.Photo{State: state}) != not || !countsNot(&roundsv1.Photo{State: state, Hidden: &roundsv1.Hidden{}}) {
			t.Errorf("%v, or one of it that is hidden", state)
		}
	}
}
