package evidence

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"slices"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Fields whose stamps say when something happened.
const (
	ticketRound     = 41
	inspectionRound = 41
)

const (
	mostSimilar = 16 // photos that look alike and are held against one
	mostOthers  = 64 // photos of the same bytes, or of the same subject
	mostLevels  = 16 // of the tree of places
	gapWindow   = 64 // numbers before a photo's own that are missed
)

// caseOf gathers what a photo is held against.
func (d *Desk) caseOf(ctx context.Context, scope store.Scope, change *roundsv1.Change, refused *check.Refusal) (check.Case, check.Policy, error) {
	photo, stamp := change.GetRecord().GetPhoto(), creation(change)
	c := check.Case{ID: change.GetRecordId(), Photo: photo, Report: photo.GetReport(), Refused: refused}
	if refused != nil {
		c.Report = nil
	}
	site, err := d.siteOf(ctx, scope)
	if err != nil {
		return c, check.Policy{}, err
	}
	policy := d.policyOf(scope, site)
	if c.CapturedUs, c.Trust, err = d.momentOf(ctx, scope, stamp, photo); err != nil {
		return c, policy, err
	}
	gatherers := []func(context.Context, store.Scope, *roundsv1.Change, *check.Case) error{d.subjectOf, d.sameBytes, d.beforeWork, d.missingNumbers}
	if refused == nil {
		gatherers = append(gatherers, d.similar(nearest(policy)))
	}
	for _, gather := range gatherers {
		if err := gather(ctx, scope, change, &c); err != nil {
			return c, policy, err
		}
	}
	return c, policy, nil
}

// policyOf reads the thresholds of a site. What is not understood counts as its default, and is told once.
func (d *Desk) policyOf(scope store.Scope, site *roundsv1.Site) check.Policy {
	policy, faults := check.ParsePolicy(d.settings(scope, site))
	if faults != nil && d.complaints.add(string(scope)+"\n"+faults.Error()) {
		d.log.Warn("settings of a site that are not understood", "scope", string(scope), "error", faults)
	}
	return policy
}

// settings are what counts at a site.
func (d *Desk) settings(scope store.Scope, site *roundsv1.Site) map[string]string {
	if d.cfg.Settings != nil {
		return d.cfg.Settings(scope)
	}
	return site.GetPolicy()
}

// nearest is how many bits photos that look alike differ in at most.
func nearest(policy check.Policy) int { return max(policy.NearFrequency, policy.NearDifference) }

// subjectOf gathers what the ticket or the inspection round says: when it was given out, where it is, what its category demands.
func (d *Desk) subjectOf(ctx context.Context, scope store.Scope, change *roundsv1.Change, c *check.Case) error {
	photo := change.GetRecord().GetPhoto()
	subject, err := d.cfg.Records.Record(ctx, scope, merge.Kind(photo.GetSubject().GetKind()), merge.RecordID(photo.GetSubject().GetId()))
	if err != nil || subject == nil || subject.GetDeleted() {
		return err
	}
	if ticket := subject.GetRecord().GetTicket(); ticket != nil {
		c.DispatchedUs = dispatchedUs(ticket)
		if ticket.GetRound() > 1 && ticket.GetRound() == photo.GetRound() {
			c.RejectedUs = writer(subject, ticketRound).GetTimeUs()
		}
		// What was asked of the crew is pinned on the ticket; what the category asks now counts where none was known then.
		if c.LiveCamera = ticket.GetRequirements().GetLiveCamera(); ticket.GetRequirements().GetCategoryId() == "" {
			category, err := d.categoryOf(ctx, scope, ticket)
			if err != nil {
				return err
			}
			c.LiveCamera = category.GetLiveCamera()
		}
		c.Scans = scansOf(photo, c.CapturedUs, ticket.GetScans())
		return d.areaOf(ctx, scope, ticket.GetLocation(), photo, c)
	}
	if round := subject.GetRecord().GetInspection(); round != nil {
		if round.GetRound() > 1 && round.GetRound() == photo.GetRound() {
			c.RejectedUs = writer(subject, inspectionRound).GetTimeUs()
		}
		c.Scans = scansOf(photo, c.CapturedUs, round.GetVisits())
	}
	return nil
}

// dispatchedUs is when the work was first given out, by the ticket's ledger, microseconds since 1970; 0: it was not.
func dispatchedUs(ticket *roundsv1.Ticket) int64 {
	for _, m := range ticket.GetMoves() {
		if m.GetState() == roundsv1.TicketState_TICKET_STATE_DISPATCHED {
			return m.GetTimeUs()
		}
	}
	return 0
}

// writer is the stamp of what is shown in a field.
func writer(change *roundsv1.Change, field uint32) *roundsv1.Stamp {
	for _, w := range change.GetWrites() {
		if slices.Contains(w.GetShown(), field) {
			return w.GetStamp()
		}
	}
	return nil
}

// scansOf puts the scans of a subject on the photo's time: within one boot by the monotonic clock, else by the wall clock.
func scansOf(photo *roundsv1.Photo, capturedUs int64, scans []*roundsv1.Scan) []check.Scan {
	var list []check.Scan
	for _, scan := range scans {
		at, taken := scan.GetScanned(), photo.GetCaptured()
		apart := at.GetWallUs() - taken.GetWallUs()
		if at.GetBootId() == taken.GetBootId() && at.GetBootId() != "" {
			apart = at.GetMonotonicUs() - taken.GetMonotonicUs()
		}
		list = append(list, check.Scan{PlaceID: scan.GetCheckpointId(), Us: capturedUs + apart})
	}
	return list
}

// other makes of a record what a photo is compared with.
func other(change *roundsv1.Change, report *roundsv1.PhotoReport) check.Other {
	photo := change.GetRecord().GetPhoto()
	of := photo.GetReport()
	return check.Other{ID: change.GetRecordId(), Photo: photo, CapturedUs: takenUs(change),
		FrequencyBits:  bits.OnesCount64(of.GetFrequencyHash() ^ report.GetFrequencyHash()),
		DifferenceBits: bits.OnesCount64(of.GetDifferenceHash() ^ report.GetDifferenceHash()),
		Featureless:    of.GetFeatureless()}
}

// sameBytes gathers photos with the same bytes: of this site, and of the others that whoever took it works at.
func (d *Desk) sameBytes(ctx context.Context, scope store.Scope, change *roundsv1.Change, c *check.Case) error {
	h, err := media.HashFrom(c.Photo.GetSha256())
	if err != nil {
		return nil // it is not in the index either
	}
	for _, site := range d.sitesOf(scope, creation(change)) {
		promises, err := d.promises(ctx, site, h)
		if err != nil {
			return err
		}
		for _, p := range promises {
			if p.id == c.ID || !hasBytes(p.photo) && p.photo.GetState() != stateRedacted {
				continue
			}
			p.photo.Sha256 = h[:]
			c.Same = append(c.Same, check.Other{ID: p.id, Photo: p.photo, CapturedUs: p.stamp.GetTimeUs(), Later: came(site, p.stamp, scope, creation(change))})
			if len(c.Same) == mostOthers {
				return nil
			}
		}
	}
	return nil
}

// came tells whether one creation came to the server after another. Within a site the journal knows; between sites, which count for themselves, the
// effective times have to do.
func came(site store.Scope, a *roundsv1.Stamp, scope store.Scope, b *roundsv1.Stamp) bool {
	if site == scope {
		return a.GetSeq() > b.GetSeq()
	}
	return a.GetTimeUs() > b.GetTimeUs() || a.GetTimeUs() == b.GetTimeUs() && site > scope
}

// sitesOf are a site and the others of the work of who promised a photo, this one first. Who took it, as the photo itself says, does not count: a device can
// write there whom it likes.
func (d *Desk) sitesOf(scope store.Scope, promised *roundsv1.Stamp) []store.Scope {
	sites := []store.Scope{scope}
	for _, one := range d.cfg.Access.Scopes(engine.PersonID(promised.GetPersonId()), d.cfg.Now()) {
		if one != scope && isSite(one) {
			sites = append(sites, one)
		}
	}
	return sites
}

// similar gathers photos of the site that look like it.
func (d *Desk) similar(within int) func(context.Context, store.Scope, *roundsv1.Change, *check.Case) error {
	return func(ctx context.Context, scope store.Scope, _ *roundsv1.Change, c *check.Case) error {
		found, err := d.alike(ctx, scope, c.ID, c.Report, within)
		if err != nil {
			return err
		}
		for _, one := range found {
			o := other(one.Change, c.Report)
			if one.mirrored {
				p := printOf(c.Report).Mirrored()
				of := one.GetRecord().GetPhoto().GetReport()
				o.Mirrored = true
				o.FrequencyBits = bits.OnesCount64(of.GetFrequencyHash() ^ p.Frequency)
				o.DifferenceBits = bits.OnesCount64(of.GetDifferenceHash() ^ p.Difference)
			}
			c.Similar = append(c.Similar, o)
		}
		return nil
	}
}

// likeOne is a photo that looks like another, or like its mirror image.
type likeOne struct {
	*roundsv1.Change
	mirrored bool
}

// alike returns the photos of a site that look like one of it.
func (d *Desk) alike(ctx context.Context, scope store.Scope, id string, report *roundsv1.PhotoReport, within int) ([]likeOne, error) {
	if report.GetWidthPx() == 0 || report.GetFeatureless() {
		return nil, nil
	}
	index, err := d.printsOf(ctx, scope)
	if err != nil {
		return nil, err
	}
	own, err := uuid.Parse(id)
	if err != nil {
		return nil, err
	}
	var list []likeOne
	seen := map[uuid.UUID]bool{own: true}
	for _, mirrored := range []bool{false, true} {
		print := printOf(report)
		if mirrored {
			print = print.Mirrored()
		}
		for _, match := range index.Search(print, within, mostSimilar, func(one uuid.UUID) bool { return seen[one] }) {
			change, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(match.ID.String()))
			if err != nil {
				return nil, err
			}
			seen[match.ID] = true
			if hasBytes(change.GetRecord().GetPhoto()) {
				list = append(list, likeOne{change, mirrored})
			}
		}
	}
	return list, nil
}

// beforeWork gathers the photos of the state found, for one of the finished work.
func (d *Desk) beforeWork(ctx context.Context, scope store.Scope, change *roundsv1.Change, c *check.Case) error {
	if c.Photo.GetRole() != roundsv1.PhotoRole_PHOTO_ROLE_AFTER {
		return nil
	}
	return d.ofSubject(ctx, scope, c.Photo, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE, func(one *roundsv1.Change) {
		if one.GetRecordId() != c.ID && one.GetRecord().GetPhoto().GetReport().GetWidthPx() > 0 {
			c.Before = append(c.Before, other(one, c.Report))
		}
	})
}

// ofSubject visits the photos of a photo's subject and round in a role whose bytes are here.
func (d *Desk) ofSubject(ctx context.Context, scope store.Scope, photo *roundsv1.Photo, role roundsv1.PhotoRole, visit func(*roundsv1.Change)) error {
	subject, err := uuid.Parse(photo.GetSubject().GetId())
	if err != nil {
		return nil // it is not in the index either
	}
	seen := 0
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexSubject, store.Prefix(subjectKey(merge.Kind(photo.GetSubject().GetKind()), subject))) {
		if err != nil {
			return err
		}
		if seen++; seen > 4*mostOthers {
			return nil
		}
		change, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(idOf(entry.Key)))
		if err != nil {
			return err
		}
		one := change.GetRecord().GetPhoto()
		if hasBytes(one) && one.GetRole() == role && one.GetRound() == photo.GetRound() {
			visit(change)
		}
	}
	return nil
}

// missingNumbers gathers the numbers before a photo's own that its device gave to photos of the site which the server has not heard of.
func (d *Desk) missingNumbers(ctx context.Context, scope store.Scope, change *roundsv1.Change, c *check.Case) error {
	number := c.Photo.GetCaptureNumber()
	device, err := uuid.Parse(creation(change).GetDeviceId())
	if number <= 1 || err != nil {
		return nil
	}
	first := uint64(1)
	if number > gapWindow {
		first = number - gapWindow
	}
	// A device counts by site, and goes on counting under a new identity: what comes before the first number of this identity is not missed.
	here, least := map[uint64]bool{}, number
	span := store.Span{From: numberKey(device, first), To: numberKey(device, number)}
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexNumber, span) {
		if err != nil {
			return err
		}
		if len(entry.Key) == 40 {
			n := binary.BigEndian.Uint64(entry.Key[16:])
			here[n], least = true, min(least, n)
		}
	}
	if first == 1 {
		first = least
	}
	for n := first; n < number; n++ {
		if !here[n] {
			c.Missing = append(c.Missing, n)
		}
	}
	return nil
}

// idOf is the id at the end of an index's key.
func idOf(key []byte) string {
	if len(key) < 16 {
		return ""
	}
	return uuid.UUID(key[len(key)-16:]).String()
}

func endOf(err error) bool { return errors.Is(err, io.EOF) }

func locationOf(at *picture.Position) *roundsv1.Location {
	return &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS, Latitude: at.Latitude, Longitude: at.Longitude}
}
