package demo

import (
	"cmp"
	"maps"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/check"
)

// Photos is what became of the photos of a shift.
type Photos struct {
	// Promised by phones, Stored (given back by the server byte for byte), and Verified: stored and looked at.
	Promised int `json:"promised"`
	Stored   int `json:"stored"`
	Verified int `json:"verified"`
	// Deduplicated photos share their bytes with another that was stored before.
	Deduplicated int `json:"deduplicated"`
	// Waiting on phones in service at the end, and what went with the phone that was lost.
	Waiting     int `json:"waiting"`
	OnLostPhone int `json:"on_the_lost_phone"`
	// Chased photos are on the chase list at the end.
	Chased int `json:"chased"`
	// Refused photos have no bytes that could be stored.
	Refused int `json:"refused"`
	// Quarantined photos were taken when the right to the site had ended, or so it seems by the phone's clock: their facts wait for a supervisor, and their
	// bytes are not taken until then.
	Quarantined int `json:"quarantined"`
	// Lost photos: taken by a phone in service, and not stored as they were taken.
	Lost int `json:"lost"`
	// StoredBytes of the photos; SentBytes of parts that arrived; Parts of these; CutParts were cut in their middle.
	StoredBytes int64 `json:"stored_bytes"`
	SentBytes   int64 `json:"sent_bytes"`
	Parts       int   `json:"parts"`
	CutParts    int   `json:"cut_parts"`
	// ResumedParts were there when an upload went on in another window, each counted once; SavedBytes did not have to be sent again.
	ResumedParts int   `json:"resumed_parts"`
	SavedBytes   int64 `json:"bytes_saved_by_resuming"`
	// Orphans in the storage: stored in the moment of a kill, and asked for again.
	Orphans int `json:"orphans"`
	// Closed tickets whose photos were verified and approved by somebody else; Forced closures by two people, counted apart; tickets InReview, and
	// HeldBack because a photo is missing or cannot count.
	Closed   int `json:"tickets_closed_with_proof"`
	Forced   int `json:"tickets_closed_by_force"`
	InReview int `json:"tickets_in_review"`
	HeldBack int `json:"tickets_held_back"`
	// Checks that found something, or were meant to.
	Checks []CheckResult `json:"checks"`
}

// CheckResult is how one check did: of the photos that were looked at, how many were made so that it should find them, how many of these it found, and
// on how many others it was wrong.
type CheckResult struct {
	Code        string `json:"code"`
	Planted     int    `json:"planted"`
	Found       int    `json:"found"`
	FalseAlarms int    `json:"false_alarms"`
}

// add adds what a phone's uploads did.
func (p *Photos) add(w *worker) {
	p.SentBytes += w.tally.Bytes
	p.Parts += w.tally.Parts
	p.CutParts += w.tally.Cut
	saved := w.travel.saved()
	p.SavedBytes += saved.bytes
	p.ResumedParts += saved.parts
}

// flagged holds what the checks found against what was planted.
func (d *demo) flagged(p *proof) []CheckResult {
	results := map[roundsv1.CheckCode]*CheckResult{}
	of := func(code roundsv1.CheckCode) *CheckResult {
		if results[code] == nil {
			results[code] = &CheckResult{Code: check.Word(code)}
		}
		return results[code]
	}
	again := map[media.Hash]bool{} // of photos that have the same bytes on other work none counts, whichever was first
	for _, w := range d.workers {
		for _, s := range w.camera.shots {
			again[s.hash] = again[s.hash] || s.trick.finds == reusedCode
		}
	}
	for _, w := range d.workers {
		for _, s := range w.camera.shots {
			photo := p.records[s.ref.ID]
			if !settled(photo) {
				continue
			}
			found := map[roundsv1.CheckCode]bool{}
			for _, f := range photo.GetReport().GetFindings() {
				found[f.GetCode()] = f.GetSeverity() > roundsv1.Severity_SEVERITY_NOTE || f.GetCode() == s.trick.finds
			}
			if s.trick.name != "" {
				r := of(s.trick.finds)
				r.Planted++
				if found[s.trick.finds] {
					r.Found++
				} else {
					d.progress.note("no %s on photo %s of %s, which is %s", check.Word(s.trick.finds), s.ref.ID, w.name, s.trick.name)
				}
			}
			for code, counts := range found {
				moved := code == outsideCode && p.places[s.subject.id] != s.subject.place // the ticket's place was changed after the photo
				expected := code == s.trick.finds || slices.Contains(s.trick.follows, code) || (code == reusedCode && again[s.hash])
				if counts && !moved && !expected {
					of(code).FalseAlarms++
					d.progress.note("%s on photo %s of %s, which is %s", check.Word(code), s.ref.ID, w.name, cmp.Or(s.trick.name, "as it should be"))
				}
			}
		}
	}
	var list []CheckResult
	for _, code := range slices.Sorted(maps.Keys(results)) {
		list = append(list, *results[code])
	}
	return list
}

func (p *Photos) print(on paper) {
	rows := []struct {
		words string
		value any
	}{
		{"photos promised|承诺的照片", p.Promised}, {"  stored, and given back byte for byte|  已入库，取回时逐字节相同", p.Stored}, {"  verified: looked at|  已核验", p.Verified},
		{"  deduplicated: their bytes were there|  去重：内容已在", p.Deduplicated}, {"  refused: no bytes|  拒收：没有内容", p.Refused},
		{"  quarantined, for a supervisor|  隔离，待主管决定", p.Quarantined}, {"  on the phone that was lost|  在丢失的手机上", p.OnLostPhone},
		{"  on the chase list|  在催要清单上", p.Chased}, {"  waiting on other phones|  仍在其他手机上", p.Waiting}, {"  lost|  丢失", p.Lost},
		{"bytes of photos stored|入库照片字节数", p.StoredBytes}, {"bytes of parts that arrived|到达的分片字节数", p.SentBytes}, {"parts that arrived|到达的分片数", p.Parts},
		{"parts cut in their middle|中途断开的分片数", p.CutParts}, {"parts resumed behind|续传时不必重发的分片数", p.ResumedParts},
		{"bytes saved by resuming|续传省下的字节数", p.SavedBytes}, {"tickets closed with photo proof|凭照片关闭的工单", p.Closed}, {"  by force, by two people|  两人强制关闭", p.Forced},
		{"  verified, in review|  已核验，待确认", p.InReview}, {"  held back by a photo|  因照片未能关闭", p.HeldBack},
	}
	for _, row := range rows {
		on.line(row.words, row.value)
	}
	if len(p.Checks) == 0 {
		return
	}
	columns := []int{24, -8, -8, -14}
	on.heads(columns, "check|检查", "planted|埋设", "found|查出", "false alarms|误报")
	for _, c := range p.Checks {
		on.row(columns, c.Code, c.Planted, c.Found, c.FalseAlarms)
	}
}
