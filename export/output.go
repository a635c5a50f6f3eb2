package export

import (
	"hash"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// output gathers what is written into messages, and counts and hashes it.
type output struct {
	send  func(*roundsv1.ExportResponse) error
	most  int // bytes of a message
	hash  hash.Hash
	chunk []byte
	size  int64
	rows  uint64
	done  uint64
	total uint64
	told  uint64 // done, as it was told last
	err   error
}

// head sends the first message.
func (o *output) head(fileName, mediaType string, rows uint64) error {
	return o.send(&roundsv1.ExportResponse{Part: &roundsv1.ExportResponse_Head{
		Head: &roundsv1.ExportHead{FileName: fileName, MediaType: mediaType, Rows: rows, Total: o.total}}})
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && o.err == nil {
		take := min(len(p), o.most-len(o.chunk))
		o.chunk = append(o.chunk, p[:take]...)
		if p = p[take:]; len(o.chunk) == o.most {
			o.err = o.flush()
		}
	}
	return n, o.err
}

// flush sends what was gathered. Its memory is not used again: send may keep it.
func (o *output) flush() error {
	o.size += int64(len(o.chunk))
	_, _ = o.hash.Write(o.chunk)
	err := o.send(&roundsv1.ExportResponse{Part: &roundsv1.ExportResponse_Chunk{
		Chunk: &roundsv1.ExportChunk{Data: o.chunk, Done: o.done, Rows: o.rows}}})
	o.chunk, o.told = make([]byte, 0, o.most), o.done
	return err
}

// progress notes how far the export is; now and then it says so also while there is nothing to send, so that whoever waits sees that it goes on.
func (o *output) progress(done uint64) error {
	o.done = done
	const every = 20_000
	if o.err == nil && done >= o.told+every {
		o.told = done
		o.err = o.send(&roundsv1.ExportResponse{Part: &roundsv1.ExportResponse_Chunk{Chunk: &roundsv1.ExportChunk{Done: done, Rows: o.rows}}})
	}
	return o.err
}

// end sends what is left, and the last message.
func (o *output) end() error {
	o.done = max(o.done, o.total)
	if o.err == nil && len(o.chunk) > 0 {
		o.err = o.flush()
	}
	if o.err != nil {
		return o.err
	}
	return o.send(&roundsv1.ExportResponse{Part: &roundsv1.ExportResponse_End{
		End: &roundsv1.ExportEnd{Sha256: o.hash.Sum(nil), SizeBytes: o.size, Rows: o.rows}}})
}
