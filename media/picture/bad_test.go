package picture_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"image"
	"os"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media/picture"
)

var update = flag.Bool("update", false, "write the table of bad inputs anew")

const (
	isEmpty  = roundsv1.CheckCode_CHECK_CODE_EMPTY
	isBroken = roundsv1.CheckCode_CHECK_CODE_UNDECODABLE
	isLarge  = roundsv1.CheckCode_CHECK_CODE_TOO_LARGE
	isOther  = roundsv1.CheckCode_CHECK_CODE_WRONG_TYPE
	isTwo    = roundsv1.CheckCode_CHECK_CODE_POLYGLOT
	isGood   = roundsv1.CheckCode_CHECK_CODE_UNSPECIFIED
)

// bad is one input and the answer it gets.
type bad struct {
	name     string
	bytes    []byte
	promised string
	want     roundsv1.CheckCode
}

func badInputs(t testing.TB) []bad {
	m := scene(1, 160, 120)
	j, p, w, h := asJPEG(t, m, 85), asPNG(t, m), asWebP(m), asHEIC(m, heicOptions{tile: 64})
	cut := func(b []byte, percent int) []byte { return b[:len(b)*percent/100] }
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	f, err := z.Create("run.sh")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, "echo pwned")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	page := []byte("<!DOCTYPE html><html><script>alert(1)</script></html>")
	mpf := func(b []byte) []byte { return segment(b, 0xe2, []byte("MPF\x00MM\x00*\x00\x00\x00\x08")) }
	motion := func(b []byte) []byte {
		return segment(b, 0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta GCamera:MotionPhoto=\"1\"/>"))
	}
	bomb := zlibBomb(t)
	video := join(isoBox("ftyp", []byte("mp42"), u32(0), []byte("isommp42")), isoBox("mdat", make([]byte, 64)), isoBox("moov", make([]byte, 16)))
	return []bad{
		{"no bytes", nil, picture.JPEG, isEmpty},
		{"one byte", []byte{0xff}, picture.JPEG, isBroken},
		{"only zeros", make([]byte, 4096), picture.JPEG, isBroken},
		{"text", []byte("this is not a photo, whatever its name says"), picture.JPEG, isBroken},
		{"a web page", page, picture.JPEG, isOther},
		{"a ZIP archive", archive.Bytes(), picture.JPEG, isOther},
		{"a PDF", []byte("%PDF-1.7\n1 0 obj"), picture.JPEG, isOther},
		{"a GIF", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), picture.JPEG, isOther},
		{"an SVG", []byte("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"), picture.PNG, isOther},
		{"a video", video, picture.HEIC, isOther},
		{"a JPEG promised as PNG", j, picture.PNG, isOther},
		{"a PNG promised as JPEG", p, picture.JPEG, isOther},
		{"a HEIC promised as JPEG", h, picture.JPEG, isOther},
		{"a WebP promised as HEIC", w, picture.HEIC, isOther},
		{"more bytes than are taken", join(j, make([]byte, 33<<20)), picture.JPEG, isLarge},

		{"a JPEG cut at 90 %", cut(j, 90), picture.JPEG, isBroken},
		{"a JPEG cut at 10 %", cut(j, 10), picture.JPEG, isBroken},
		{"a JPEG without its last two bytes", j[:len(j)-2], picture.JPEG, isBroken},
		{"a JPEG cut at 50 %, with an end put on", join(cut(j, 50), []byte{0xff, 0xd9}), picture.JPEG, isBroken},
		{"a PNG cut at 90 %", cut(p, 90), picture.PNG, isBroken},
		{"a PNG without its last chunk", p[:len(p)-12], picture.PNG, isBroken},
		{"a PNG with a byte changed", changed(p, len(p)/2), picture.PNG, isBroken},
		{"a WebP cut at 90 %", cut(w, 90), picture.WebP, isBroken},
		{"a HEIC cut at 90 %", cut(h, 90), picture.HEIC, isBroken},
		{"a HEIC cut in its list of contents", h[:200], picture.HEIC, isBroken},

		{"a PNG of 20,000 by 20,000 pixels in 100 bytes", hugePNG(20000, 20000, nil), picture.PNG, isLarge},
		{"a PNG of 4 billion by 4 billion pixels", hugePNG(1<<32-1, 1<<32-1, nil), picture.PNG, isLarge},
		{"a PNG of 7,000 by 7,000 pixels in 100 bytes", hugePNG(7000, 7000, nil), picture.PNG, isBroken},
		{"a PNG of 8,000 by 8,000 pixels of 16 bits, interlaced", hugePNG16(8000, 8000), picture.PNG, isLarge},
		{"a PNG with a text that expands to a thousand times its size",
			insert(p, 33, chunk("zTXt", join([]byte("Comment\x00\x00"), bomb))), picture.PNG, isGood},
		{"a PNG with a colour profile that expands to a thousand times its size",
			insert(p, 33, chunk("iCCP", join([]byte("p\x00\x00"), bomb))), picture.PNG, isGood},
		{"a JPEG of 65,500 by 65,500 pixels", resized(j, 65500, 65500), picture.JPEG, isLarge},
		{"a JPEG of 8,000 by 8,000 pixels with the data of a small one", resized(j, 8000, 8000), picture.JPEG, isBroken},
		{"a JPEG of no width", resized(j, 0, 100), picture.JPEG, isBroken},
		{"a progressive JPEG with 1,000 scans", scans(1000), picture.JPEG, isLarge},
		{"a progressive JPEG of 8,000 by 8,000 pixels, all in full colour", progressive(8000, 8000), picture.JPEG, isLarge},
		{"a JPEG with two headers", twoHeaders(j), picture.JPEG, isBroken},
		{"a lossless JPEG", bytes.Replace(j, []byte{0xff, 0xc0}, []byte{0xff, 0xc3}, 1), picture.JPEG, isBroken},
		{"a WebP of 16,383 by 16,383 pixels", riff(riffChunk("VP8L", losslessWebP(m, 16383, 16383))), picture.WebP, isLarge},
		{"an animated WebP", riff(canvas(2, 160, 120), riffChunk("ANIM", make([]byte, 6))), picture.WebP, isBroken},
		{"a WebP whose canvas is another size", riff(canvas(0, 1000, 1000), riffChunk("VP8L", losslessWebP(m, 160, 120))), picture.WebP, isBroken},
		{"a HEIC grid of 65,535 by 65,535 pixels", asHEICGrid(m, 65535, 65535), picture.HEIC, isLarge},
		{"a HEIC grid of more rows than tiles", asHEIC(m, heicOptions{tile: 64, rows: 200}), picture.HEIC, isBroken},
		{"a HEIC whose bitstream and container say 60,000 pixels across",
			asHEIC(scene(1, 32, 1600), heicOptions{spsW: 60000, sayW: 60000}), picture.HEIC, isLarge},
		{"a HEIC whose bitstream says 60,000 pixels across", asHEIC(m, heicOptions{spsW: 60000}), picture.HEIC, isBroken},
		{"a HEIC whose container says another size", asHEIC(m, heicOptions{sayW: 16}), picture.HEIC, isBroken},
		{"a HEIC with two pictures in one", asHEIC(m, heicOptions{twice: true}), picture.HEIC, isBroken},

		{"a JPEG with a ZIP behind", join(j, archive.Bytes()), picture.JPEG, isTwo},
		{"a JPEG with a ZIP in a comment", segment(j, 0xfe, archive.Bytes()), picture.JPEG, isTwo},
		{"a JPEG with text behind", join(j, []byte("and so on")), picture.JPEG, isTwo},
		{"a JPEG with a JPEG behind that it does not announce", join(j, j), picture.JPEG, isTwo},
		{"a JPEG with a web page in a comment", segment(j, 0xfe, page), picture.JPEG, isTwo},
		{"a JPEG with a web page in front", join(page, j), picture.JPEG, isTwo},
		{"a JPEG with a PDF in a comment", segment(j, 0xfe, []byte("%PDF-1.4")), picture.JPEG, isTwo},
		{"a PNG with a ZIP behind", join(p, archive.Bytes()), picture.PNG, isTwo},
		{"a PNG with a JPEG behind", join(p, j), picture.PNG, isTwo},
		{"a WebP with a ZIP behind", join(w, archive.Bytes()), picture.WebP, isTwo},
		{"a HEIC with a ZIP behind", join(h, archive.Bytes()), picture.HEIC, isTwo},

		{"a JPEG padded with zeros", join(j, make([]byte, 512)), picture.JPEG, isGood},
		{"a JPEG with an announced second picture", join(mpf(j), j), picture.JPEG, isGood},
		{"a JPEG with an announced second picture, cut", join(mpf(j), cut(j, 90)), picture.JPEG, isBroken},
		{"a motion photo", join(motion(j), video), picture.JPEG, isGood},
		{"a motion photo with a ZIP behind its video", join(motion(j), video, archive.Bytes()), picture.JPEG, isTwo},
		{"a JPEG with Samsung's trailer", join(j, samsungTrailer()), picture.JPEG, isGood},
		{"a JPEG with something in front of Samsung's trailer", join(j, []byte("and so on"), samsungTrailer()), picture.JPEG, isTwo},
		{"a JPEG whose EXIF is rubbish", segment(j, 0xe1, []byte("Exif\x00\x00MM\x00*\xff\xff\xff\xff")), picture.JPEG, isGood},
	}
}

// Every bad input gets its answer, and the table in testdata tells them.
func TestBadInputs(t *testing.T) {
	var table strings.Builder
	table.WriteString("| input | promised | answer | sentence |\n|---|---|---|---|\n")
	for _, c := range badInputs(t) {
		_, err := inspect(t, c.bytes, c.promised)
		var refused *picture.Refused
		got, sentence := isGood, "taken"
		if errors.As(err, &refused) {
			got, sentence = refused.Code, refused.En
			if refused.Zh == "" || refused.Text().GetEn() != refused.En {
				t.Errorf("%s: %+v", c.name, refused)
			}
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got != c.want {
			t.Errorf("%s: %v (%v), want %v", c.name, got, err, c.want)
		}
		answer := strings.TrimPrefix(got.String(), "CHECK_CODE_")
		if got == isGood {
			answer = "–"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", c.name, strings.TrimPrefix(c.promised, "image/"), answer, sentence)
	}
	const golden = "testdata/bad-inputs.md"
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != table.String() {
		t.Errorf("%s is not what is answered (go test -run TestBadInputs -update): %v", golden, err)
	}
}

// What needs more memory than there is for one photo is refused before it is decoded.
func TestTooMuchMemory(t *testing.T) {
	small := picture.NewInspector(picture.Config{Memory: 80 << 20, HEIC: heic.Decode})
	b := progressive(3000, 3000)
	_, err := small.Inspect(context.Background(), bytes.NewReader(b), int64(len(b)), "")
	if refused := (*picture.Refused)(nil); !errors.As(err, &refused) || refused.Code != isLarge {
		t.Fatalf("%v", err)
	}
}

func TestDecoderPanics(t *testing.T) {
	mad := picture.NewInspector(picture.Config{HEIC: func(context.Context, []byte, int64) (image.Image, error) { panic("out of range") }})
	b := asHEIC(scene(1, 64, 64), heicOptions{})
	_, err := mad.Inspect(context.Background(), bytes.NewReader(b), int64(len(b)), "")
	if refused := (*picture.Refused)(nil); !errors.As(err, &refused) || refused.Code != isBroken {
		t.Fatalf("%v", err)
	}
}

func changed(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x55
	return b
}

func ihdr(w, h uint32, depth, colour byte) []byte {
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h), depth, colour, 0, 0, 0)
}

func hugePNG(w, h uint32, data []byte) []byte {
	return join([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", ihdr(w, h, 8, 2)),
		chunk("IDAT", append([]byte{0x78, 0x9c, 1, 0, 0}, data...)), chunk("IEND", nil))
}

func hugePNG16(w, h uint32) []byte {
	return join([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(ihdr(w, h, 16, 6)[:12], 1)), chunk("IDAT", make([]byte, 1<<20)), chunk("IEND", nil))
}

// zlibBomb is 4 KiB that expand to 4 MiB.
func zlibBomb(t testing.TB) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	for block := make([]byte, 1<<18); b.Len() < 1<<12; {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// resized changes what a JPEG's header says.
func resized(b []byte, w, h int) []byte {
	b = bytes.Clone(b)
	at := bytes.Index(b, []byte{0xff, 0xc0})
	copy(b[at+5:], join(u16(h), u16(w)))
	return b
}

func twoHeaders(b []byte) []byte {
	at := bytes.Index(b, []byte{0xff, 0xc0})
	return insert(b, at, b[at:at+2+int(binary.BigEndian.Uint16(b[at+2:]))])
}

// progressive is the beginning and the end of a progressive JPEG in full colour.
func progressive(w, h int) []byte {
	return join([]byte{0xff, 0xd8, 0xff, 0xc2, 0, 17, 8}, u16(h), u16(w), []byte{3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0},
		[]byte{0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0xff, 0xd9})
}

func scans(n int) []byte {
	b := progressive(4000, 4000)
	scan := b[19 : len(b)-2]
	return insert(b, 19, bytes.Repeat(scan, n-1))
}

// samsungTrailer is one block and the directory that names it.
func samsungTrailer() []byte {
	block := join([]byte{0, 0, 1, 0x0a, 14, 0, 0, 0}, []byte("Image_UTC_Data1600000000000"))
	le := binary.LittleEndian
	entry := le.AppendUint32(le.AppendUint32([]byte{0, 0, 1, 0x0a}, uint32(len(block))), uint32(len(block)))
	head := join([]byte("SEFH"), le.AppendUint32(le.AppendUint32(nil, 106), 1), entry)
	return join(block, head, le.AppendUint32(nil, uint32(len(head))), []byte("SEFT"))
}

// asHEICGrid writes a grid that says another size.
func asHEICGrid(m image.Image, w, h int) []byte {
	b := asHEIC(m, heicOptions{tile: 64})
	size := m.Bounds().Size()
	return bytes.Replace(b, join(u16(size.X), u16(size.Y)), join(u16(w), u16(h)), 1)
}
