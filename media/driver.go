package media

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"
)

// The errors that a driver answers with, to be tested with errors.Is. Any other error is a fault of the storage: trying again may help.
var (
	// ErrNotFound: there is no such object or upload.
	ErrNotFound = errors.New("media: not found")
	// ErrIncomplete: parts of the upload are not here.
	ErrIncomplete = errors.New("media: parts are missing")
	// ErrFull: the storage has no room. Nothing was changed; what is stored can be read.
	ErrFull = errors.New("media: storage full")
	// ErrUnavailable: the storage does not answer, or not in time. A write may have been done; repeating it is harmless.
	ErrUnavailable = errors.New("media: storage unavailable")
	// ErrInvalid: an argument that no storage takes: an address outside the layout, a part outside the photo.
	ErrInvalid = errors.New("media: invalid")
	// ErrClosed: the driver was closed.
	ErrClosed = errors.New("media: closed")
)

// Driver keeps objects and uploads. Every driver passes the same conformance suite (package mediatest). Its methods may be called from any
// number of goroutines; a context that ends ends the call with the context's error.
//
// What a method that writes has answered with nil is durable: it survives the loss of power in the next moment.
type Driver interface {
	Objects
	Uploads
}

// Objects are immutable bytes by address.
type Objects interface {
	// Put writes a small object whole (a copy for the screen, a report), in place of the one that may be there.
	Put(ctx context.Context, at Address, mediaType string, content []byte) error
	// Open reads an object, or ErrNotFound. The caller closes it. It stays readable to the end also when the object is deleted meanwhile.
	Open(ctx context.Context, at Address) (Object, error)
	// Delete removes an object. One that is not there is no error. It makes room, and so works on a full storage.
	Delete(ctx context.Context, at Address) error
	// List visits the objects below a prefix of addresses ("" is all), in order. Uploads that are under way are not among them. An error ends
	// the iteration and comes as its last pair.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Link returns a URL that anybody may GET the object from, with range requests, until a time. It does not check that the object is there.
	Link(ctx context.Context, at Address, options LinkOptions) (string, error)
	// Check asks whether the storage can be read and written now.
	Check(ctx context.Context) error
}

// Uploads are objects that arrive in parts, from whoever has the URLs.
type Uploads interface {
	// Plan begins an upload, or goes on with it, and returns which of its bytes have arrived in whole parts and what to send next. Parts that are
	// here stay, whatever part size is asked for now. Two owners may upload the same bytes beside each other without knowing. URLs of earlier plans
	// work until they expire or the upload is gone. It is asked for a photo that is stored already like for any other.
	Plan(ctx context.Context, upload Upload, want Want) (Plan, error)
	// Finish puts the parts together and shows the bytes, as they rest in storage, to check. If check returns nil they are durable under the upload's
	// content address when Finish returns, and the upload is gone; otherwise the parts are dropped and check's error is returned as it is. They
	// are not dropped where it was the reading that failed, or the context that ended: then Finish may be called again.
	// ErrIncomplete where parts are missing; ErrNotFound where there is no such upload, as when it was finished and the reply got lost: whoever
	// needs to know looks whether the object stands. An object that already stands under the address is left as it is.
	Finish(ctx context.Context, upload Upload, check func(io.Reader) error) error
	// Abort drops an upload and its parts. One that is not there is no error.
	Abort(ctx context.Context, upload Upload) error
	// Sweep aborts the uploads in which nothing has happened since a time (no Plan, no part), and returns how many.
	Sweep(ctx context.Context, before time.Time) (int, error)
}

// Owner is who uploads: a device. The same bytes from two owners are two uploads, so that neither can spoil the other's.
type Owner string

// Upload names an upload: of these bytes, of this size, by this owner.
type Upload struct {
	Owner Owner
	Hash  Hash
	Size  int64 // bytes, at least 1
}

// Want is how an upload should go on.
type Want struct {
	// PartBytes is the largest part that is asked for: MinPartBytes to MaxPartBytes.
	PartBytes int64
	// MaxParts is the most parts to name.
	MaxParts int
	// Until is when the URLs shall stop working.
	Until time.Time
}

// Part sizes, bytes.
const (
	MinPartBytes = 64 << 10
	MaxPartBytes = 8 << 20
)

// Plan is what an upload still needs.
type Plan struct {
	// Received bytes, in whole parts.
	Received int64
	// Parts to send, in order of their offsets; they do not overlap each other nor what is here. Empty: all is here.
	Parts []Part
	// More parts are missing than were named.
	More bool
}

// Part is one PUT.
type Part struct {
	Offset, Size int64
	// URL to PUT the part to, with Content-Length and Content-MD5. A secret until it expires.
	URL string
	// Header the PUT must carry besides.
	Header http.Header
}

// Object is an object that is being read.
type Object interface {
	io.ReadSeeker
	io.ReaderAt
	io.Closer
	// Info about it.
	Info() Info
}

// Info is what is known of an object without reading it.
type Info struct {
	Address Address
	// Size, bytes.
	Size int64
	// MediaType it was put with; "" where the driver does not keep it.
	MediaType string
	// Modified is when it was written.
	Modified time.Time
}

// LinkOptions say how an object is shown to whoever follows a link.
type LinkOptions struct {
	// Until is when the link stops working.
	Until time.Time
	// MediaType to answer with.
	MediaType string
	// FileName that a browser saves it under; "": it is shown, not saved.
	FileName string
}
