package typeset_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/export/typeset"
	"github.com/rounds-sync/rounds/export/typeset/typesettest"
)

// photo is a picture of some size.
func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func parse(t *testing.T, pdf []byte) typesettest.Document {
	t.Helper()
	d, err := typesettest.Read(pdf)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func document(t *testing.T, write func(*typeset.Document)) []byte {
	t.Helper()
	d, err := typeset.New(typeset.Info{Title: "工单", Language: "zh-CN", Created: time.Unix(1_800_000_000, 0),
		Footer: func(page, pages int) string { return fmt.Sprintf("第 %d / %d 页", page, pages) }})
	if err != nil {
		t.Fatal(err)
	}
	write(d)
	var out bytes.Buffer
	if _, err := d.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Chinese and English can be read out of the document, fonts are embedded in part, and what no font has is named.
func TestTextIsThere(t *testing.T) {
	pdf := document(t, func(d *typeset.Document) {
		d.Title("3 号楼地库漏水 Basement leak")
		d.Heading("经过")
		d.Paragraph("客户说：“水位”已到 5 ℃ ① (a\\b) 😀 𠮷\u202e end")
		d.Pair("地点", "B2 水泵房")
		d.Pair("nothing", "")
		d.Table([]float64{0.5, 0.5}, []string{"时间", "状态"}, [][]string{{"2026-01-02 03:04", "已关闭 CLOSED"}})
	})
	r := parse(t, pdf)
	flat := r.Text
	for _, want := range []string{"3 号楼地库漏水 Basement leak", "“水位”已到", "5 °C (1) (a\\b) [U+1F600] [U+20BB7][U+202E]", "B2 水泵房", "已关闭 CLOSED", "第 1 / 1 页"} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in %q", want, flat)
		}
	}
	if strings.Contains(flat, "nothing") {
		t.Error("a label without a value is there")
	}
	if r.Fonts != 2 {
		t.Errorf("%d fonts are embedded", r.Fonts)
	}
	if len(pdf) > 200<<10 {
		t.Errorf("%d bytes: more of the fonts than is used", len(pdf))
	}
}

// The same content gives the same bytes.
func TestSameBytes(t *testing.T) {
	img := photo(t, 40, 30)
	one := func() []byte {
		return document(t, func(d *typeset.Document) {
			d.Title("标题 title")
			d.Pictures([]typeset.Picture{{Name: "b", JPEG: img}, {Name: "a", JPEG: img}})
			d.Paragraph(strings.Repeat("一二三四五六七八九十 abcdefg ", 50))
		})
	}
	if !bytes.Equal(one(), one()) {
		t.Error("two documents differ")
	}
}

// Pictures are there, once for each name; what is none, or is beyond the limits, has a box that says so.
func TestPictures(t *testing.T) {
	good, wide := photo(t, 320, 240), photo(t, typeset.MaxImagePixels+1, 1)
	cut := good[:len(good)/2]
	huge := append(bytes.Clone(good), make([]byte, typeset.MaxImageBytes)...)
	bomb := bytes.Clone(good) // says that it is 65,535 pixels high
	if at := bytes.Index(bomb, []byte{0xff, 0xc0}); at > 0 {
		bomb[at+5], bomb[at+6] = 0xff, 0xff
	}
	var pictures []typeset.Picture
	for i, jpeg := range [][]byte{good, good, cut, wide, huge, bomb, []byte("no picture"), nil} {
		pictures = append(pictures, typeset.Picture{Name: strconv.Itoa(i), JPEG: jpeg, Missing: fmt.Sprintf("缺图%d", i), Caption: []string{fmt.Sprintf("说明%d", i)}})
	}
	pictures[1].Name = "0"
	r := parse(t, document(t, func(d *typeset.Document) { d.Pictures(pictures) }))
	if r.Images != 1 {
		t.Errorf("%d pictures", r.Images)
	}
	flat := r.Text
	for i := range pictures {
		if !strings.Contains(flat, fmt.Sprintf("说明%d", i)) {
			t.Errorf("caption %d is missing", i)
		}
		if has := strings.Contains(flat, fmt.Sprintf("缺图%d", i)); has != (i > 1) {
			t.Errorf("box %d: %v", i, has)
		}
	}
}

// Long texts go on on further pages, each with its number.
func TestPages(t *testing.T) {
	r := parse(t, document(t, func(d *typeset.Document) {
		d.Paragraph(strings.Repeat("很长的一段话，没有空格。", 2000))
		d.Pair("x", strings.Repeat("word ", 3000))
	}))
	flat := r.Text
	n := r.Pages
	if n < 5 || !strings.Contains(flat, fmt.Sprintf("第 %d / %d 页", n, n)) {
		t.Errorf("%d pages", n)
	}
	if got := strings.Count(flat, "没有空格"); got < 1700 {
		t.Errorf("%d of 2000 sentences in one piece", got)
	}
	if got := strings.Count(strings.ReplaceAll(flat, "\n", ""), "一段话"); got < 1700 {
		t.Errorf("%d sentences", got)
	}
}

// A table that goes on on further pages has its head on each of them, also where a single row is longer than a page.
func TestTheHeadOfATableStandsOnEachPage(t *testing.T) {
	rows := [][]string{{"long", strings.Repeat("水管爆裂，马上来。", 900)}}
	for i := range 120 {
		rows = append(rows, []string{fmt.Sprint("row ", i), "x"})
	}
	pdf := document(t, func(d *typeset.Document) {
		d.Table([]float64{0.5, 0.5}, []string{"THE HEAD", "words"}, rows)
		d.Paragraph("behind it")
		for range 60 {
			d.Paragraph("no table")
		}
	})
	r := parse(t, pdf)
	heads, behind := strings.Count(r.Text, "THE HEAD"), strings.Index(r.Text, "behind it")
	if heads < 4 || heads >= r.Pages || strings.LastIndex(r.Text, "THE HEAD") > behind {
		t.Errorf("%d heads on %d pages, the last at %d of %d", heads, r.Pages, strings.LastIndex(r.Text, "THE HEAD"), behind)
	}
	for page, text := range strings.SplitAfter(r.Text, "页") { // each page ends with its number
		if before := strings.Index(text, "no table"); text != "" && before < 0 && !strings.Contains(text, "THE HEAD") {
			t.Errorf("page %d has no head: %.80s", page+1, text)
		}
	}
}
