// Package export makes files of the work: tickets, inspection rounds, facts and history as tables (CSV and workbooks, package sheet), and one ticket or
// round with its photos as a document (PDF, package typeset).
//
// A table is written while it is read: it takes the same memory whatever its length, but for some 40 bytes for each record that was visited, so that none has
// two rows. Nothing is written to disk. What people write meanwhile is in the file or not.
package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/policy"
)

// Records is what exports read of the engine; see there for the contracts.
type Records interface {
	Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)
	Changes(ctx context.Context, scope store.Scope, since engine.Position, limits engine.ChangesLimits) (*engine.ChangesPage, error)
	Head(ctx context.Context, scope store.Scope) (journal.Seq, journal.Hash, error)
	Journal(ctx context.Context, scope store.Scope, from journal.Seq) iter.Seq2[[]byte, error]
	History(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, span engine.HistorySpan) iter.Seq2[engine.HistoryEntry, error]
	Find(ctx context.Context, scope store.Scope, name engine.IndexName, span store.Span) iter.Seq2[engine.IndexEntry, error]
}

var _ Records = (*engine.Engine)(nil)

// Access says who may read what.
type Access interface {
	// MayRead: whether a person may read a scope at a time.
	MayRead(person engine.PersonID, scope store.Scope, at time.Time) bool
	// Roles that a person holds over a scope at a time.
	Roles(person engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role
	// Revoked says whether a device was revoked, and how.
	Revoked(device engine.DeviceID) roundsv1.Revocation
	// Organisation is the scope with what a site's organisation shares, "" where there is none.
	Organisation(site store.Scope) store.Scope
}

// Pictures gives the small copies of photos.
type Pictures interface {
	// Small returns the small JPEG copy of the photo with these bytes, at most limit bytes of it; nil where there is none (yet), which is no error.
	Small(ctx context.Context, sha256 []byte, limit int) ([]byte, error)
}

// Checklists knows the versions of checklists, from memory.
type Checklists interface {
	// Checklist of a series in one version; nil where there is none.
	Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist
}

// Config is what an Exporter is made of. Limits that are 0 have their defaults.
type Config struct {
	// Records, Access and Pictures are needed.
	Records  Records
	Access   Access
	Pictures Pictures
	// Checklists name the questions of checklists. Default: their ids stand for them.
	Checklists Checklists
	// Person returns what somebody is called who has or had to do with a scope, by their account: of people who are not in the site's list of staff. It is "" of anybody
	// else. Default: none is known, and their ids stand for them.
	Person func(ctx context.Context, scope store.Scope, person engine.PersonID) (string, error)
	// Policy returns what counts at a site, for the words of its reasons. Default: policy.Default of all.
	Policy func(scope store.Scope) policy.Policy
	// Now is the server's clock. Needed.
	Now func() time.Time
	// TimeZone of a site whose record names none. Default: Asia/Shanghai.
	TimeZone string
	// MaxRows of one file. Default: 5,000,000.
	MaxRows uint64
	// MaxPhotos of one document; it says how many were left out. Default: 200.
	MaxPhotos int
	// ChunkBytes of one message. Default: 64 KiB.
	ChunkBytes int
	// Running is how many exports are made at once; whoever asks for one more is told to wait. Default: 4.
	Running int
	// Each is how many of these one person may have at once. Default: 2.
	Each int
	// Longest is how long one export may take, so that who reads slowly holds no slot for hours. Default: 30 minutes.
	Longest time.Duration
	// Logger hears what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
}

// Exporter makes files. It may be used from any number of goroutines.
type Exporter struct {
	cfg   Config
	slots chan struct{}

	mu  sync.Mutex              // guards has
	has map[engine.PersonID]int // exports under way; nobody with none
}

// New makes an Exporter. The error says what the config lacks.
func New(cfg Config) (*Exporter, error) {
	if cfg.Records == nil || cfg.Access == nil || cfg.Pictures == nil || cfg.Now == nil {
		return nil, errors.New("export: Records, Access, Pictures and Now are needed")
	}
	if cfg.TimeZone == "" {
		cfg.TimeZone = "Asia/Shanghai"
	}
	if cfg.Policy == nil {
		cfg.Policy = func(store.Scope) policy.Policy { return policy.Default() }
	}
	if cfg.MaxRows == 0 {
		cfg.MaxRows = 5_000_000
	}
	if cfg.MaxPhotos == 0 {
		cfg.MaxPhotos = 200
	}
	if cfg.ChunkBytes == 0 {
		cfg.ChunkBytes = 64 << 10
	}
	if cfg.Running == 0 {
		cfg.Running = 4
	}
	if cfg.Each == 0 {
		cfg.Each = 2
	}
	if cfg.Longest == 0 {
		cfg.Longest = 30 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Exporter{cfg: cfg, slots: make(chan struct{}, cfg.Running), has: map[engine.PersonID]int{}}, nil
}

// Export makes one file for a caller and hands it to send, message by message, as ExportService tells. Requests are of the form that the schema demands.
// An error is an *engine.Error: Denied without the right, Invalid for what cannot be asked, Exhausted for a file that would have too many rows or while
// too many are made or it takes too long, or one of reading; or the error of send or of ctx. After an error the file is not whole, and no end was sent.
func (x *Exporter) Export(ctx context.Context, caller engine.Caller, req *roundsv1.ExportRequest, send func(*roundsv1.ExportResponse) error) error {
	job, err := x.job(caller, req)
	if err != nil {
		return err
	}
	leave, err := x.enter(caller.Person)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeoutCause(ctx, x.cfg.Longest, tookTooLong(x.cfg.Longest))
	defer cancel()
	err = x.make(ctx, caller, job, send)
	var slow *engine.Error
	if err != nil && errors.As(context.Cause(ctx), &slow) {
		return slow
	}
	return err
}

// make makes the file of a job.
func (x *Exporter) make(ctx context.Context, caller engine.Caller, job *job, send func(*roundsv1.ExportResponse) error) (err error) {
	req := job.req
	job.ctx = ctx
	job.out = &output{most: x.cfg.ChunkBytes, hash: sha256.New(), send: func(m *roundsv1.ExportResponse) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		for _, s := range job.scopes { // it may take long
			personal, err := x.may(caller, s.name, req.GetContent())
			if err == nil && s.personal && !personal {
				err = denied(s.name, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "您的角色已变更，请重新导出。", "Your role is another one now: export it again.")
			}
			if err != nil {
				return err
			}
		}
		return send(m)
	}}
	for _, scope := range job.scopes {
		if scope.head, scope.headHash, err = x.cfg.Records.Head(ctx, scope.name); err != nil {
			return err
		}
		job.out.total += uint64(scope.head)
		if err := job.about(ctx, scope); err != nil {
			return err
		}
	}
	if req.GetFormat() == roundsv1.ExportFormat_EXPORT_FORMAT_PDF {
		err = job.document(ctx)
	} else {
		err = job.table(ctx)
	}
	if err != nil {
		return err
	}
	x.cfg.Logger.Info("exported", "person", string(caller.Person), "content", code(req.GetContent()), "format", code(req.GetFormat()),
		"scopes", len(job.scopes), "rows", job.out.rows, "bytes", job.out.size)
	return job.out.end()
}

// scope is one scope of a job.
type scope struct {
	name     store.Scope
	site     string // its name
	zone     *time.Location
	head     journal.Seq
	headHash journal.Hash
	personal bool // the caller may see who households are
	names    *names
	policy   policy.Policy // what its reasons are called by
}

// job is one export under way. It is used by one goroutine.
type job struct {
	*Exporter
	ctx    context.Context // of the call: a job lives no longer
	req    *roundsv1.ExportRequest
	lang   language
	now    time.Time
	scopes []*scope
	out    *output
}

// chiefs may see the history, and who households are.
func chiefs(roles []roundsv1.Role) bool {
	return slices.ContainsFunc(roles, func(r roundsv1.Role) bool {
		return r == roundsv1.Role_ROLE_MANAGER || r == roundsv1.Role_ROLE_SUPERVISOR || r == roundsv1.Role_ROLE_AUDITOR
	})
}

// staff: whether somebody works here, or audits; whoever is a resident alone gets no files.
func staff(roles []roundsv1.Role) bool {
	return chiefs(roles) || slices.ContainsFunc(roles, func(r roundsv1.Role) bool {
		switch r {
		case roundsv1.Role_ROLE_WORKER, roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_DISPATCHER:
			return true
		}
		return false
	})
}

// job checks a request.
func (x *Exporter) job(caller engine.Caller, req *roundsv1.ExportRequest) (*job, error) {
	j := &job{Exporter: x, req: req, lang: languageOf(req.GetLanguage()), now: x.cfg.Now()}
	pdf := req.GetFormat() == roundsv1.ExportFormat_EXPORT_FORMAT_PDF
	tables := req.GetFormat() == roundsv1.ExportFormat_EXPORT_FORMAT_CSV || req.GetFormat() == roundsv1.ExportFormat_EXPORT_FORMAT_XLSX
	about := req.GetContent()
	switch {
	case !pdf && !tables:
		return nil, invalid("format", "请选择文件格式：CSV、XLSX 或 PDF。", "Choose a format: CSV, XLSX or PDF.")
	case about < roundsv1.ExportContent_EXPORT_CONTENT_TICKETS || about > roundsv1.ExportContent_EXPORT_CONTENT_HISTORY:
		return nil, invalid("content", "请选择导出内容。", "Choose what to export.")
	case len(req.GetScopes()) == 0:
		return nil, invalid("scopes", "请选择要导出的项目。", "Name the sites to export.")
	case pdf && about != roundsv1.ExportContent_EXPORT_CONTENT_TICKETS && about != roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS:
		return nil, invalid("content", "PDF 只用于单张工单或单次巡检。", "A PDF is of one ticket or one inspection round.")
	case pdf && (len(req.GetScopes()) != 1 || req.GetRecordId() == ""):
		return nil, invalid("record_id", "请指定一张工单或一次巡检。", "Name the one ticket or inspection round that the PDF is of.")
	case req.GetToUs() != 0 && req.GetToUs() <= req.GetFromUs():
		return nil, invalid("to_us", "结束时间须晚于开始时间。", "The end of the time range has to be later than its beginning.")
	}
	for _, name := range req.GetScopes() {
		s := &scope{name: store.Scope(name), policy: x.cfg.Policy(store.Scope(name))}
		var err error
		if s.personal, err = x.may(caller, s.name, about); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, "site/") && about != roundsv1.ExportContent_EXPORT_CONTENT_HISTORY {
			return nil, invalid("scopes", "工单与巡检只在项目范围内。", "Tickets and inspection rounds are in the scopes of sites alone.")
		}
		j.scopes = append(j.scopes, s)
	}
	return j, nil
}

// may refuses who may not export something of a scope now; personal: they may see who households are.
func (x *Exporter) may(caller engine.Caller, name store.Scope, about roundsv1.ExportContent) (personal bool, err error) {
	if x.cfg.Access.Revoked(caller.Device) != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		return false, denied(name, roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED, "设备已被停用。", "The device was revoked.")
	}
	now := x.cfg.Now()
	roles := x.cfg.Access.Roles(caller.Person, name, now)
	personal = chiefs(roles)
	switch {
	case !x.cfg.Access.MayRead(caller.Person, name, now) || !staff(roles):
		return false, denied(name, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "您没有导出此项目的权限。", "There is no right to export this site.")
	case about == roundsv1.ExportContent_EXPORT_CONTENT_HISTORY && !personal:
		return false, denied(name, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "导出历史记录需要经理、品质主管或审计角色。",
			"The history is exported by managers, supervisors and auditors: ask one of them.")
	}
	return personal, nil
}

// about finds out the scope's name and zone.
func (j *job) about(ctx context.Context, s *scope) error {
	s.names = &names{records: j.cfg.Records, account: j.cfg.Person, scope: s.name, organisation: j.cfg.Access.Organisation(s.name), lang: j.lang, known: map[string]string{}}
	zone := j.cfg.TimeZone
	s.site = string(s.name)
	if id, ok := strings.CutPrefix(string(s.name), "site/"); ok {
		change, err := j.cfg.Records.Record(ctx, s.name, kindSite, merge.RecordID(id))
		if err != nil {
			return err
		}
		site := change.GetRecord().GetSite()
		if name := j.lang.text(site.GetName()); name != "" {
			s.site = name
		}
		if site.GetTimeZone() != "" {
			zone = site.GetTimeZone()
		}
	}
	location, err := time.LoadLocation(zone)
	if err != nil { // what somebody wrote into the record
		location = time.UTC
	}
	s.zone = location
	return nil
}

// at is a moment in the scope's zone; the zero time for 0.
func (s *scope) at(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).In(s.zone)
}

// within: whether a moment is in the time range that was asked for.
func (j *job) within(us int64) bool {
	return us >= j.req.GetFromUs() && (j.req.GetToUs() == 0 || us < j.req.GetToUs())
}
