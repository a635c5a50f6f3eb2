package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/export/typeset/typesettest"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/server"
)

// take asks for a file and checks its end.
func (d *device) take(ctx context.Context, req *roundsv1.ExportRequest) ([]byte, *roundsv1.ExportEnd, error) {
	if len(req.Scopes) == 0 {
		req.Scopes = []string{string(d.w.site)}
	}
	stream, err := roundsv1connect.NewExportServiceClient(d.w.http, d.w.base).Export(ctx, as(d, req))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = stream.Close() }()
	var content []byte
	var end *roundsv1.ExportEnd
	for stream.Receive() {
		content = append(content, stream.Msg().GetChunk().GetData()...)
		if e := stream.Msg().GetEnd(); e != nil {
			end = e
		}
	}
	if err := stream.Err(); err != nil {
		return content, nil, err
	}
	if sum := sha256.Sum256(content); !bytes.Equal(sum[:], end.GetSha256()) {
		return content, end, errors.New("the hash is another one")
	}
	return content, end, nil
}

// TestExportOverTheWire: a manager takes tickets and history as tables, and a ticket with its photo as a document; a resident gets nothing, and a worker no history.
func TestExportOverTheWire(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.DeviceRate = 0 })
	d := w.device
	d.grant(roundsv1.Role_ROLE_MANAGER)
	var titles []string
	for i := range 300 {
		titles = append(titles, fmt.Sprintf("=漏水 %d", i))
	}
	d.exchange(d.push(titles...))

	csvRequest := func(content roundsv1.ExportContent) *roundsv1.ExportRequest {
		return &roundsv1.ExportRequest{Content: content, Format: roundsv1.ExportFormat_EXPORT_FORMAT_CSV, Language: roundsv1.ExportLanguage_EXPORT_LANGUAGE_EN}
	}
	content, end, err := d.take(t.Context(), csvRequest(roundsv1.ExportContent_EXPORT_CONTENT_TICKETS))
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil || len(all) != 301 || end.GetRows() != 300 || all[1][4] != "'=漏水 0" || all[0][4] != "title" {
		t.Fatalf("%d rows, %v, %v", len(all), end, err)
	}
	if _, end, err = d.take(t.Context(), csvRequest(roundsv1.ExportContent_EXPORT_CONTENT_HISTORY)); err != nil || end.GetRows() < 300 {
		t.Errorf("%v, %v", end, err)
	}

	picture := drawn.Photo(1, drawn.Tiles, drawn.Options{WidthPx: 640, Quality: 95})
	photo := photoOf(picture, d.person)
	photo.GetPhoto().Subject.Id = all[1][3]
	d.settledPhoto(func() string { id := d.fact(photo); d.deliver(picture); return id }())
	content, _, err = d.take(t.Context(), &roundsv1.ExportRequest{Content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS, Format: roundsv1.ExportFormat_EXPORT_FORMAT_PDF,
		RecordId: all[1][3]})
	if err != nil {
		t.Fatal(err)
	}
	document, err := typesettest.Read(content)
	if err != nil || document.Images != 1 || !strings.Contains(document.Text, "=漏水 0") || !strings.Contains(document.Text, "云栖雅苑") && document.Pages == 0 {
		t.Errorf("%d pictures, %v", document.Images, err)
	}
	_, _, err = d.take(t.Context(), &roundsv1.ExportRequest{Content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS, Format: roundsv1.ExportFormat_EXPORT_FORMAT_PDF,
		RecordId: uuid.NewString()})
	if _, p := problemOf(t, err); p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD {
		t.Errorf("a ticket that there is not: %v", err)
	}

	for _, c := range []struct {
		who     *device
		content roundsv1.ExportContent
	}{
		{w.hired(t, "resident", roundsv1.Role_ROLE_RESIDENT), roundsv1.ExportContent_EXPORT_CONTENT_TICKETS},
		{w.hired(t, "stranger", 0), roundsv1.ExportContent_EXPORT_CONTENT_TICKETS},
		{w.hired(t, "worker", roundsv1.Role_ROLE_WORKER), roundsv1.ExportContent_EXPORT_CONTENT_HISTORY},
	} {
		_, _, err := c.who.take(t.Context(), csvRequest(c.content))
		if code, p := problemOf(t, err); code != connect.CodePermissionDenied || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("%v: %v", c.content, err)
		}
	}
	_, _, err = d.take(t.Context(), &roundsv1.ExportRequest{})
	if code, _ := problemOf(t, err); code != connect.CodeInvalidArgument {
		t.Errorf("nothing in particular: %v", err)
	}
	stream, err := roundsv1connect.NewExportServiceClient(w.http, w.base).Export(t.Context(),
		connect.NewRequest(csvRequest(roundsv1.ExportContent_EXPORT_CONTENT_TICKETS)))
	if err == nil {
		stream.Receive()
		err = stream.Err()
	}
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("without a token: %v", err)
	}
}
