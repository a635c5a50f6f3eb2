package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/media/likeness"
	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// look takes one photo from STORED to the end. Each step is written before the next, and each may be done again.
func (d *Desk) look(ctx context.Context, scope store.Scope, id string) error {
	change, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(id))
	if err != nil {
		return err
	}
	photo := change.GetRecord().GetPhoto()
	if photo == nil || change.GetDeleted() || !awaitsLook(photo) {
		return nil
	}
	var refused *check.Refusal
	if photo.GetState() == stateStored {
		var report *roundsv1.PhotoReport
		if report, refused, err = d.analyse(ctx, scope, photo); err != nil {
			return err
		}
		if refused == nil {
			if report.CapturedUs, _, err = d.momentOf(ctx, scope, creation(change), photo); err != nil {
				return err
			}
			if err := d.write(ctx, scope, toAnalysed(id, report)); err != nil {
				return err
			}
			d.prints.add(scope, uuid.MustParse(id), printOf(report))
		}
	}
	// Others are looked at again before this one is settled: a crash in between repeats it.
	if err := d.othersAgain(ctx, scope, id); err != nil {
		return err
	}
	if err := d.settle(ctx, scope, id, refused); err != nil {
		return err
	}
	return d.verifySubject(ctx, scope, photo)
}

// analyse looks into the bytes of a photo and makes its copies, unless that was done for another photo of the same bytes.
func (d *Desk) analyse(ctx context.Context, scope store.Scope, photo *roundsv1.Photo) (*roundsv1.PhotoReport, *check.Refusal, error) {
	h, err := media.HashFrom(photo.GetSha256())
	if err != nil {
		return nil, nil, err
	}
	unlock := d.hashes.lock(h) // so that nothing is put beside an original that is just being removed
	defer unlock()
	report, err := d.reported(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	if report == nil || !sameMediaType(photo.GetMediaType(), report.GetMediaType()) {
		var refused *check.Refusal
		if report, refused, err = d.inspect(ctx, h, photo); err != nil || refused != nil {
			return nil, refused, err
		}
	}
	if !report.GetExifZoned() && report.GetExifTakenUs() != 0 {
		// An image that names no zone means the one of the place. The stored report has it as if that were UTC.
		site, err := d.siteOf(ctx, scope)
		if err != nil {
			return nil, nil, err
		}
		report.ExifTakenUs = inZone(report.GetExifTakenUs(), site.GetTimeZone())
	}
	return report, nil, nil
}

// reported returns the report of an earlier look at the same bytes, nil where there is none. It is the last thing that a look puts.
func (d *Desk) reported(ctx context.Context, h media.Hash) (*roundsv1.PhotoReport, error) {
	object, err := d.cfg.Driver.Open(ctx, media.At(media.Report, h))
	if errors.Is(err, media.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = object.Close() }() // it was only read
	const most = 64 << 10
	size := object.Info().Size
	if size <= 0 || size > most {
		return nil, nil
	}
	b := make([]byte, size)
	if _, err := object.ReadAt(b, 0); err != nil && !endOf(err) {
		return nil, err
	}
	report := &roundsv1.PhotoReport{}
	if proto.Unmarshal(b, report) != nil || report.GetWidthPx() == 0 {
		return nil, nil // made anew
	}
	return report, nil
}

// inspect decodes an original and puts its copies and its report.
func (d *Desk) inspect(ctx context.Context, h media.Hash, photo *roundsv1.Photo) (*roundsv1.PhotoReport, *check.Refusal, error) {
	if photo.GetMediaType() == picture.HEIC && !d.decoder.worthAsking(d.cfg.Now()) {
		return nil, nil, picture.ErrNoDecoder
	}
	object, err := d.cfg.Driver.Open(ctx, media.At(media.Original, h))
	if errors.Is(err, media.ErrNotFound) {
		return nil, nil, fmt.Errorf("%w: %s", errLost, h)
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = object.Close() }() // it was only read
	found, err := d.inspector.Inspect(ctx, object, object.Info().Size, photo.GetMediaType())
	var refused *picture.Refused
	switch {
	case errors.As(err, &refused):
		return nil, &check.Refusal{Code: refused.Code, Sentence: refused.Text()}, nil
	case errors.Is(err, picture.ErrNoDecoder):
		d.decoder.missing(d.cfg.Now())
		return nil, nil, err
	case err != nil:
		return nil, nil, err
	}
	report := &roundsv1.PhotoReport{
		MediaType: found.MediaType, WidthPx: uint32(found.WidthPx), HeightPx: uint32(found.HeightPx), SizeBytes: object.Info().Size,
		Camera: found.EXIF.Camera, ExifZoned: found.EXIF.Zoned, FrequencyHash: found.FrequencyHash, DifferenceHash: found.DifferenceHash,
		Featureless: found.Featureless, AnalysedUs: d.cfg.Now().UnixMicro(),
	}
	if taken := found.EXIF.TakenIn(time.UTC); !taken.IsZero() {
		report.ExifTakenUs = taken.UnixMicro()
	}
	if at := found.EXIF.Position; at != nil {
		report.ExifLocation = locationOf(at)
	}
	for _, copied := range []struct {
		class   media.Class
		content []byte
	}{{media.Large, found.Large}, {media.Small, found.Small}} {
		if err := d.cfg.Driver.Put(ctx, media.At(copied.class, h), picture.JPEG, copied.content); err != nil {
			return nil, nil, err
		}
	}
	return report, nil, d.cfg.Driver.Put(ctx, media.At(media.Report, h), "application/x-protobuf", encode(report))
}

// decoder remembers for a while that there is none, so that of many photos that wait for it one is read again and again, and not all. The zero value is
// ready.
type decoder struct {
	mu    sync.Mutex // guards again
	again time.Time  // when it is asked for again
}

func (d *decoder) worthAsking(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !now.Before(d.again)
}

func (d *decoder) missing(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.again = now.Add(longestRest / 2) // photos come back after longestRest
}

// sameMediaType: whether a promise does not speak against what the bytes are. In doubt they are looked at again.
func sameMediaType(promised, found string) bool { return promised == "" || promised == found }

func printOf(report *roundsv1.PhotoReport) likeness.Print {
	return likeness.Print{Frequency: report.GetFrequencyHash(), Difference: report.GetDifferenceHash(), Featureless: report.GetFeatureless()}
}

// inZone reads a time that was taken for UTC as one of a zone.
func inZone(us int64, zone string) int64 {
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		return us
	}
	t := time.UnixMicro(us).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), location).UnixMicro()
}

// toAnalysed says what was found out about the bytes.
func toAnalysed(id string, report *roundsv1.PhotoReport) move {
	return move{id, func(now *roundsv1.Photo, at int64) (*roundsv1.Photo, []uint32) {
		if now.GetState() != stateStored {
			return nil, nil
		}
		found := proto.CloneOf(report)
		found.StoredUs, found.AnalysedUs = now.GetReport().GetStoredUs(), at
		return &roundsv1.Photo{State: stateAnalysed, Report: found}, []uint32{fieldState, fieldReport}
	}}
}

// settle holds a photo against the rules and writes what was found. It also looks at one that was settled before again, and then writes only what differs.
//
// Of a site one photo is settled at a time: what was gathered is true until it is written, unless another photo came to be seen meanwhile. That one finds
// this one written down, and has it looked at again: see settledIn.
func (d *Desk) settle(ctx context.Context, scope store.Scope, id string, refused *check.Refusal) error {
	unlock := d.settling.lock(scope)
	defer unlock()
	change, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(id))
	if err != nil {
		return err
	}
	photo := change.GetRecord().GetPhoto()
	if photo == nil || change.GetDeleted() || !hasBytes(photo) {
		return nil
	}
	if refused == nil {
		refused = refusedBefore(photo.GetReport())
	}
	if refused == nil && photo.GetState() == stateStored {
		return nil // it was stored anew meanwhile
	}
	c, policy, err := d.caseOf(ctx, scope, change, refused)
	if err != nil {
		return err
	}
	findings := check.Run(c, policy)
	state := check.Worst(findings)
	changed := false
	err = d.write(ctx, scope, move{id, func(now *roundsv1.Photo, at int64) (*roundsv1.Photo, []uint32) {
		if !hasBytes(now) {
			return nil, nil
		}
		report := proto.CloneOf(now.GetReport())
		report.Findings, report.CapturedUs = findings, c.CapturedUs
		if report.GetAnalysedUs() == 0 {
			report.AnalysedUs = at
		}
		if now.GetState() == state && proto.Equal(report, now.GetReport()) {
			return nil, nil
		}
		changed = true
		return &roundsv1.Photo{State: state, Findings: codes(findings), Report: report}, []uint32{fieldState, fieldFindings, fieldReport}
	}})
	if err == nil && changed {
		d.stats.settled(state, findings)
	}
	return err
}

// refusedBefore tells from a report why the bytes could not count: that was not decoded, so it cannot be found out again without them.
func refusedBefore(report *roundsv1.PhotoReport) *check.Refusal {
	for _, f := range report.GetFindings() {
		switch f.GetCode() {
		case roundsv1.CheckCode_CHECK_CODE_EMPTY, roundsv1.CheckCode_CHECK_CODE_UNDECODABLE, roundsv1.CheckCode_CHECK_CODE_TOO_LARGE,
			roundsv1.CheckCode_CHECK_CODE_WRONG_TYPE, roundsv1.CheckCode_CHECK_CODE_POLYGLOT:
			return &check.Refusal{Code: f.GetCode(), Sentence: f.GetSentence()}
		}
	}
	return nil
}

// codes are findings as Photo.findings has them: each code once, by its name.
func codes(findings []*roundsv1.Finding) []string {
	var list []string
	for _, f := range findings {
		if name := check.Word(f.GetCode()); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// verifySubject asks whether the evidence of a photo's ticket or round is complete now.
func (d *Desk) verifySubject(ctx context.Context, scope store.Scope, photo *roundsv1.Photo) error {
	return d.verify(ctx, scope, merge.Kind(photo.GetSubject().GetKind()), photo.GetSubject().GetId())
}

// notice follows a photo that was hidden, or promised with a number, without looking at it: its subject is asked again, and the photos that missed it.
func (d *Desk) notice(ctx context.Context, scope store.Scope, id string) error {
	change, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(id))
	if err != nil || change == nil {
		return err
	}
	if change.GetRecord().GetPhoto().GetHidden() != nil {
		if err := d.verifySubject(ctx, scope, change.GetRecord().GetPhoto()); err != nil {
			return err
		}
	}
	again := standings{}
	d.settledIn(d.sitesOf(scope, creation(change)))
	if err := d.followers(ctx, scope, change, again); err != nil {
		return err
	}
	return d.lookAgain(ctx, again)
}
