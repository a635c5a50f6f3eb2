package cli

import (
	"encoding/hex"
	"time"

	"github.com/rounds-sync/rounds/client"
)

// reportJSON is what a sync did, as --json prints it.
type reportJSON struct {
	Exchanges   int            `json:"round_trips"`
	Sent        int            `json:"sent"`
	Applied     int            `json:"applied"`
	Merged      int            `json:"merged"`
	Conflicts   int            `json:"conflicts"`
	Rejected    int            `json:"rejected"`
	Quarantined int            `json:"quarantined"`
	Changed     int            `json:"changed"`
	Again       int            `json:"sent_again"`
	Resets      int            `json:"resets"`
	Diverged    int            `json:"diverged"`
	Repairs     int            `json:"repairs"`
	Purged      []client.Scope `json:"purged,omitempty"`
	Parked      []client.Scope `json:"parked,omitempty"`
	Forked      []client.Scope `json:"forked,omitempty"`
	Photos      photosJSON     `json:"photos"`
}

// photosJSON is what uploads did.
type photosJSON struct {
	Stored       int   `json:"stored"`
	Deduplicated int   `json:"deduplicated"`
	Parts        int   `json:"parts"`
	Bytes        int64 `json:"bytes"`
	Cut          int   `json:"parts_cut"`
	Resumed      int64 `json:"bytes_saved_by_resuming"`
	Failed       int   `json:"failed"`
}

func reportAsJSON(r client.Report) reportJSON {
	return reportJSON{r.Exchanges, r.Sent, r.Applied, r.Merged, r.Conflicts, r.Rejected, r.Quarantined, r.Changed, r.Again, r.Resets,
		r.Diverged, r.Repairs, r.Purged, r.Parked, r.Forked, photosJSON(r.Photos)}
}

// statusJSON is how a device stands, as --json prints it.
type statusJSON struct {
	Device        client.DeviceID `json:"device_id"`
	Person        client.PersonID `json:"person_id"`
	Language      string          `json:"language,omitempty"`
	Roles         []string        `json:"roles,omitempty"`
	Server        string          `json:"server"`
	Directory     string          `json:"directory"`
	Contact       *time.Time      `json:"contact,omitempty"` // by the server's clock; absent: never
	ClockOff      int64           `json:"clock_off_us"`
	Revoked       bool            `json:"revoked"`
	Untold        int             `json:"purged_untold"`
	PhotosWaiting int             `json:"photos_waiting"`
	PhotoBytes    int64           `json:"photo_bytes_waiting"`
	PhotosFailed  int             `json:"photos_failed"`
	PhotosKept    int             `json:"photos_kept"`
	Scopes        []scopeJSON     `json:"scopes"`
}

// scopeJSON is how one scope stands; hashes are in hex, as rounds audit prints them.
type scopeJSON struct {
	Scope       client.Scope `json:"scope"`
	Name        string       `json:"name,omitempty"`
	Stands      string       `json:"stands"`
	Complete    bool         `json:"complete"`
	Queued      int          `json:"queued"`
	Waiting     int          `json:"waiting"`
	Unstable    int          `json:"unstable"`
	Tray        int          `json:"tray"`
	Bytes       int64        `json:"bytes"`
	LaneTaken   uint64       `json:"lane_taken"`
	LaneLast    uint64       `json:"lane_last"`
	JournalSeq  uint64       `json:"journal_seq"`
	JournalHash string       `json:"journal_hash"`
	StateHash   string       `json:"state_hash"`
	Repairs     int          `json:"repairs"`
}

func scopeAsJSON(s client.ScopeStatus, name string) scopeJSON {
	return scopeJSON{Scope: s.Scope, Name: name, Stands: standing(s), Complete: s.Complete, Queued: s.Queued, Waiting: s.Waiting, Unstable: s.Unstable,
		Tray: s.Tray, Bytes: s.Bytes, LaneTaken: uint64(s.Taken), LaneLast: uint64(s.Last), JournalSeq: uint64(s.Journal.Seq),
		JournalHash: hex.EncodeToString(s.Journal.Hash[:]), StateHash: hex.EncodeToString(s.StateHash[:]), Repairs: s.Repairs}
}
