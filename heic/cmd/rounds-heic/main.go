// Command rounds-heic decodes HEIC photos for the server of Rounds: what stands on its standard input, one photo after the other, is answered on its
// standard output by their pixels. It opens no file, reads no environment, and ends when its input does.
//
// It is a process of its own for two reasons. What a stranger sent is decoded where nothing else is, in a memory of its own, and can be killed at any
// moment. And the libraries that do it, libheif and libde265 as WebAssembly, are under the LGPL (NOTICE.md of this module): so they can be replaced
// without the server. Whatever program keeps the framing below can stand in for this one.
//
// # Framing
//
// Numbers are unsigned, 32 bits, most significant byte first. A request is the word "HEIC", a number that the caller chose, the length of the file, and
// the file; a file of no bytes is answered like any that is no photo, which tells the caller that the program works. An answer begins with a word, the same
// number, and three more:
//
//	"PIXL"  number  layout  width  height    then the samples
//	"FAIL"  number  0       0      length    then the reason, as so many bytes of text, at most 200
//
// and ends with the word "DONE". The layouts, all of 8 bits, their rows without any padding, stand at layout. The image is upright: rotations and cuts
// that the file asks for are applied. "FAIL" is an answer about the photo; a program that cannot answer ends instead, with one line on its standard error
// and the code 1 (2: called wrongly).
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/gen2brain/heic"
)

// layout says which samples follow.
type layout uint32

const (
	layoutGray  layout = 1 // one plane
	layout420   layout = 2 // Y, Cb, Cr with full range, as JPEG has them; chroma of half the width and height, rounded up
	layout422   layout = 3 // chroma of half the width, rounded up
	layout444   layout = 4
	layoutNRGBA layout = 5 // one plane of four samples a pixel, not multiplied by their alpha
	layoutRGBA  layout = 6 // multiplied
)

const (
	photoWord  = "HEIC"
	pixelsWord = "PIXL"
	failWord   = "FAIL"
	doneWord   = "DONE"

	mostReason = 200
)

func main() {
	memory := flag.Int64("memory", 1<<30, "bytes of memory that the process may take; 0: no limit")
	bytesMost := flag.Int64("bytes", 64<<20, "bytes of the largest photo")
	flag.Parse()
	if flag.NArg() > 0 || *memory < 0 || *bytesMost <= 0 || *bytesMost > 1<<30 {
		fmt.Fprintln(os.Stderr, "rounds-heic: reads photos from its standard input; -memory BYTES, -bytes BYTES (at most 1 GiB)")
		os.Exit(2)
	}
	if err := run(*memory, *bytesMost); err != nil {
		fmt.Fprintln(os.Stderr, "rounds-heic:", err)
		os.Exit(1)
	}
}

func run(memory, most int64) error {
	if memory > 0 {
		if err := limitMemory(memory); err != nil {
			return fmt.Errorf("limiting the memory: %w", err)
		}
		debug.SetMemoryLimit(memory / 4 * 3)
	}
	// Whatever the libraries print must not come between the pixels.
	out := os.Stdout
	os.Stdout = os.Stderr
	// No library that is installed on the machine takes the place of the one in here.
	heic.ForceWasmMode = true
	heic.Init()
	debug.SetGCPercent(20) // a few large blocks, of which the garbage is better given back than kept
	for {
		number, photo, err := request(os.Stdin, most)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		img, err := decode(photo)
		if err == nil {
			err = answer(out, number, img)
		} else {
			err = fail(out, number, err)
		}
		if err != nil {
			return fmt.Errorf("answering: %w", err)
		}
		photo, img = nil, nil
		debug.FreeOSMemory()
	}
}

// request reads one photo and its number; io.EOF where there is none.
func request(r io.Reader, most int64) (number uint32, photo []byte, err error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, errors.New("the request ends in its head")
		}
		return 0, nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[8:]))
	if string(head[:4]) != photoWord || size > most {
		return 0, nil, errors.New("this is no request, or one for too large a photo")
	}
	photo = make([]byte, size)
	if _, err := io.ReadFull(r, photo); err != nil {
		return 0, nil, errors.New("the request ends in its photo")
	}
	return binary.BigEndian.Uint32(head[4:]), photo, nil
}

// decode decodes the primary image, upright. A fault in the libraries is a fault of the photo: it stays inside of the sandbox.
func decode(photo []byte) (img image.Image, err error) {
	if len(photo) == 0 {
		return nil, errors.New("no bytes")
	}
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	return heic.Decode(bytes.NewReader(photo))
}

func fail(w io.Writer, number uint32, reason error) error {
	text, _, _ := strings.Cut(reason.Error(), "\n")
	text = strings.ToValidUTF8(text[:min(len(text), mostReason)], "")
	return write(w, head(failWord, number, 0, 0, len(text)), []byte(text), []byte(doneWord))
}

func answer(w io.Writer, number uint32, img image.Image) error {
	size := img.Bounds().Size()
	begin := func(l layout) error { return write(w, head(pixelsWord, number, l, size.X, size.Y)) }
	var err error
	switch m := img.(type) {
	case *image.YCbCr:
		mend(m.Y, m.YStride)
		l, chroma := layout444, size
		switch m.SubsampleRatio {
		case image.YCbCrSubsampleRatio420:
			l, chroma = layout420, image.Pt((size.X+1)/2, (size.Y+1)/2)
		case image.YCbCrSubsampleRatio422:
			l, chroma = layout422, image.Pt((size.X+1)/2, size.Y)
		}
		err = errors.Join(begin(l), rows(w, m.Y, m.YStride, size.X, size.Y), rows(w, m.Cb, m.CStride, chroma.X, chroma.Y),
			rows(w, m.Cr, m.CStride, chroma.X, chroma.Y))
	case *image.Gray:
		mend(m.Pix, m.Stride)
		err = errors.Join(begin(layoutGray), rows(w, m.Pix, m.Stride, size.X, size.Y))
	case *image.NRGBA:
		mend(m.Pix, m.Stride)
		err = errors.Join(begin(layoutNRGBA), rows(w, m.Pix, m.Stride, 4*size.X, size.Y))
	case *image.RGBA:
		mend(m.Pix, m.Stride)
		err = errors.Join(begin(layoutRGBA), rows(w, m.Pix, m.Stride, 4*size.X, size.Y))
	default:
		return fail(w, number, fmt.Errorf("decoded to %T", img))
	}
	if err != nil {
		return err
	}
	return write(w, []byte(doneWord))
}

func head(word string, number uint32, l layout, width, height int) []byte {
	b := binary.BigEndian.AppendUint32([]byte(word), number)
	for _, n := range []int{int(l), width, height} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// rows writes a plane without its padding, some rows at a time.
func rows(w io.Writer, plane []byte, stride, width, height int) error {
	const together = 256 << 10
	buffer := make([]byte, 0, together+width)
	for y := range height {
		if buffer = append(buffer, plane[y*stride:][:width]...); len(buffer) >= together {
			if err := write(w, buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	return write(w, buffer)
}

func write(w io.Writer, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// mend replaces the first bytes of an image by those of a line below. The library gives the image's memory back to the sandbox's allocator before it
// returns the image, and the allocator writes its links there.
func mend(pixels []byte, stride int) {
	const links = 24
	if stride <= 0 {
		return
	}
	if below := (links + stride - 1) / stride * stride; below+links <= len(pixels) {
		copy(pixels[:links], pixels[below:])
	}
}
