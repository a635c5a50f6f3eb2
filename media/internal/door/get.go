package door

import (
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/rounds-sync/rounds/media"
)

// get shows an object.
func (d *Door) get(w http.ResponseWriter, r *http.Request, token string) {
	b, err := d.sign.open(token)
	if err != nil {
		answer(w, http.StatusForbidden, err.Error())
		return
	}
	link, err := readLink(b)
	if err == nil {
		err = d.inTime(link.end)
	}
	if err != nil {
		answer(w, http.StatusForbidden, err.Error())
		return
	}
	object, err := d.storage.Open(r.Context(), media.At(link.class, link.hash))
	if err != nil {
		d.fault(w, r, err)
		return
	}
	defer func() { _ = object.Close() }()
	info, header := object.Info(), w.Header()
	header.Set("Content-Type", firstOf(link.mediaType, info.MediaType, "application/octet-stream"))
	header.Set("Content-Disposition", "inline")
	if link.fileName != "" {
		header.Set("Content-Disposition", firstOf(mime.FormatMediaType("attachment", map[string]string{"filename": link.fileName}), "attachment"))
	}
	header.Set("Cache-Control", "private, max-age=300")
	header.Set("ETag", etag(link, info))
	conn := http.NewResponseController(w)
	_ = conn.SetWriteDeadline(time.Time{}) // a phone may need long for a photo; what counts is that it goes on
	watch := watchOver(d.cfg.Standstill, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer watch.end()
	http.ServeContent(moving{w, watch.moves}, r, "", info.Modified, object)
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// etag names the bytes: originals by their hash, others, which may be written anew, by when and how long also.
func etag(link linkToken, info media.Info) string {
	if link.class == media.Original {
		return `"` + link.hash.String() + `"`
	}
	return fmt.Sprintf(`"%s-%s-%x-%x"`, link.class, link.hash.String()[:16], info.Size, info.Modified.UnixNano())
}

// moving says before each write that the connection moves.
type moving struct {
	http.ResponseWriter
	moves func()
}

// Write implements http.ResponseWriter.
func (m moving) Write(p []byte) (int, error) {
	m.moves()
	return m.ResponseWriter.Write(p)
}
