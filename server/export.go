package server

import (
	"context"
	"errors"
	"io"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
)

// exporter returns what makes files of the work.
func (s *Server) exporter() (*export.Exporter, error) {
	return export.New(export.Config{
		Records: s.engine, Access: deskAccess{access{s.authority}, s.seen}, Pictures: smallCopies{s.blobs}, Checklists: s.reference, Policy: s.reference.Policy, Person: access{s.authority}.Name,
		Now: s.cfg.Inject.Now, Longest: s.cfg.Timeouts.Export, Logger: s.log,
	})
}

// smallCopies gives the small copies of photos from the storage.
type smallCopies struct{ of media.Objects }

var _ export.Pictures = smallCopies{}

// Small implements export.Pictures.
func (p smallCopies) Small(ctx context.Context, sha256 []byte, limit int) ([]byte, error) {
	hash, err := media.HashFrom(sha256)
	if err != nil {
		return nil, nil // no photo has such a hash, whatever the record says
	}
	object, err := p.of.Open(ctx, media.At(media.Small, hash))
	switch {
	case errors.Is(err, media.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, unreadable(err)
	}
	defer object.Close()
	content, err := io.ReadAll(io.LimitReader(object, int64(limit)+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(content) > limit {
		return nil, nil
	}
	return content, nil
}

func unreadable(cause error) error {
	p := say(roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE, "照片存储暂时不可用，请稍后重新导出。", "The photo storage cannot be reached: export it again later.")
	return &engine.Error{Kind: engine.Unavailable, Problem: p, Cause: cause}
}

// exportService hands calls to the exporter, where the rights are checked.
type exportService struct {
	of      *export.Exporter
	streams *streams
	longest time.Duration
}

// lastWord is how long the reader of a stream that is ended may take for what is on its way, and to hear why.
const lastWord = 2 * time.Second

var _ roundsv1connect.ExportServiceHandler = (*exportService)(nil)

// Export implements ExportServiceHandler. A device that is no longer let in hears so, and has no whole file. A reader that takes nothing is cut off: what
// makes the file waits in the write to it, and would look at no clock.
func (s *exportService) Export(ctx context.Context, req *connect.Request[roundsv1.ExportRequest], to *connect.ServerStream[roundsv1.ExportResponse]) error {
	streaming, leave := s.streams.enter(ctx, identityOf(ctx).Device)
	defer leave()
	cutAfter(ctx, s.longest+lastWord)
	defer context.AfterFunc(streaming, func() { cutAfter(ctx, lastWord) })()
	err := s.of.Export(streaming, callerOf(ctx), req.Msg, func(m *roundsv1.ExportResponse) error {
		if err := context.Cause(streaming); err != nil { // what is small is sent without looking
			return err
		}
		return to.Send(m)
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	return whyEnded(context.Cause(streaming), err)
}
