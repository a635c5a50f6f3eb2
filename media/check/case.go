// Package check holds a photo against the rules of evidence: whether it was used before, whether it looks like another, when and where it was taken,
// and with what. It compares and does nothing else: no clock, no storage, no network. Whoever calls it gathers what there is to compare with.
//
// Checks returns the table of checks. Run applies all of them. The thresholds are a Policy, which comes from the settings of a site. All functions may be
// called from any number of goroutines.
package check

import (
	"cmp"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Case is one photo and all that it is compared with. What is left out is not known, and the checks that need it are silent.
type Case struct {
	// ID of the photo.
	ID string
	// Photo is the promise; needed.
	Photo *roundsv1.Photo
	// Report is what was found out about the bytes. Nil where they were refused.
	Report *roundsv1.PhotoReport
	// Refused says why the bytes cannot count; nil where they can.
	Refused *Refusal

	// CapturedUs is the corrected time of the capture event, microseconds since 1970, and Trust how well it is known. 0: not known.
	CapturedUs int64
	Trust      roundsv1.Trust
	// DispatchedUs is when the work was first given out, microseconds since 1970: the first dispatch of a ticket, the release of an inspection.
	DispatchedUs int64
	// RejectedUs is when the round before the photo's was rejected, microseconds since 1970. 0 in the first round.
	RejectedUs int64

	// LiveCamera: the category demands photos from the camera of the app.
	LiveCamera bool
	// Area is where the work is.
	Area Area
	// Scans are the tags that the device read while it was at this work.
	Scans []Scan
	// Missing are the numbers of photos that the device took before this one and that never arrived, in order.
	Missing []uint64

	// Same are other photos of the same bytes, wherever they stand.
	Same []Other
	// Similar are other photos of the site that may look alike, with their distances. The photo itself is not among them.
	Similar []Other
	// Before are the photos of this subject and round from before the work, with their distances.
	Before []Other
}

// Refusal is why a photo's bytes cannot count as evidence.
type Refusal struct {
	// Code is EMPTY, UNDECODABLE, TOO_LARGE, WRONG_TYPE or POLYGLOT.
	Code roundsv1.CheckCode
	// Sentence for the person who took the photo.
	Sentence *roundsv1.Text
}

// Other is a photo that the one at hand is compared with.
type Other struct {
	// ID of that photo.
	ID string
	// Photo is its promise; needed.
	Photo *roundsv1.Photo
	// CapturedUs is the corrected time of its capture event, microseconds since 1970. 0: not known.
	CapturedUs int64
	// FrequencyBits and DifferenceBits are how many bits of the perceptual hashes differ, 0 to 64.
	FrequencyBits, DifferenceBits int
	// Mirrored: the distances are those of the mirror image.
	Mirrored bool
	// Featureless: its perceptual hashes mean nothing.
	Featureless bool
	// Later: it came to the server after the photo at hand.
	Later bool
}

// Area is where work is: a place with an outline, or a circle where no outline is known. A fix within either is inside.
type Area struct {
	// PlaceIDs are the place of the work and the places within it. Empty: any tag of the site will do.
	PlaceIDs []string
	// Outlines are WKT polygons, degrees, WGS 84.
	Outlines []string
	// Centre and RadiusM, metres, are a circle; a radius of 0 is none.
	Centre  Point
	RadiusM float64
	// Signal is what a phone receives there.
	Signal roundsv1.Signal
}

// Scan is a tag that was read.
type Scan struct {
	// PlaceID is the place that the tag belongs to; empty: none that is known.
	PlaceID string
	// Us is the corrected time of the scan, microseconds since 1970.
	Us int64
}

// Run applies every check and returns what they found, the worst first, of equal ones in the order of the table. It returns nil where all is well.
func Run(c Case, p Policy) []*roundsv1.Finding {
	l := &look{Case: c, policy: p}
	for _, check := range table() {
		l.code = check.Code
		if check.pictures && !l.picture() {
			continue
		}
		if check.decoded && (c.Report == nil || c.Refused != nil) {
			continue
		}
		check.run(l)
	}
	slices.SortStableFunc(l.findings, func(a, b *roundsv1.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return l.findings
}

// Worst returns the state that findings put a photo in: HARD, SOFT, or CLEAN, also where there are only notes.
func Worst(findings []*roundsv1.Finding) roundsv1.PhotoState {
	worst := roundsv1.Severity_SEVERITY_UNSPECIFIED
	for _, f := range findings {
		worst = max(worst, f.GetSeverity())
	}
	switch {
	case worst >= hard:
		return roundsv1.PhotoState_PHOTO_STATE_HARD
	case worst == soft:
		return roundsv1.PhotoState_PHOTO_STATE_SOFT
	}
	return roundsv1.PhotoState_PHOTO_STATE_CLEAN
}

const (
	note = roundsv1.Severity_SEVERITY_NOTE
	soft = roundsv1.Severity_SEVERITY_SOFT
	hard = roundsv1.Severity_SEVERITY_HARD
)

// look is one pass over a case.
type look struct {
	Case
	policy   Policy
	code     roundsv1.CheckCode // of the check that runs
	findings []*roundsv1.Finding
}

// find adds what the running check found.
func (l *look) find(severity roundsv1.Severity, zh, en string, measured, threshold float64) *roundsv1.Finding {
	f := &roundsv1.Finding{Code: l.code, Severity: severity, Sentence: &roundsv1.Text{Zh: zh, En: en}, Measured: measured, Threshold: threshold}
	l.findings = append(l.findings, f)
	return f
}

// findIn adds what the running check found about another photo.
func (l *look) findIn(o Other, severity roundsv1.Severity, zh, en string, measured, threshold float64) {
	f := l.find(severity, zh, en, measured, threshold)
	f.OtherPhotoId, f.OtherSubject = o.ID, o.Photo.GetSubject()
}

// picture tells whether the photo shows a place: not a signature, not another photo drawn upon.
func (l *look) picture() bool {
	role := l.Photo.GetRole()
	return role != roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE && role != roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION
}

// elsewhere tells whether another photo belongs to other work: another record, or another round of this one.
func (l *look) elsewhere(o Other) bool {
	a, b := l.Photo.GetSubject(), o.Photo.GetSubject()
	return a.GetKind() != b.GetKind() || a.GetId() != b.GetId() || l.Photo.GetRound() != o.Photo.GetRound()
}
