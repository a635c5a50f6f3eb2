package typeset

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// The page, in millimetres: A4 with margins.
const (
	pageWidth, pageHeight = 210.0, 297.0
	margin                = 18.0
	bottom                = pageHeight - 20
	inner                 = pageWidth - 2*margin
)

// Sizes of letters, in points, and of lines, as a multiple of them.
const (
	titleSize, headingSize, textSize, smallSize = 16.0, 11.5, 9.5, 7.5
	leading                                     = 1.45
	mmPerPoint                                  = 25.4 / 72
)

// The limits of a picture: what the server's own small copies never reach.
const (
	// MaxImageBytes is the size of one picture.
	MaxImageBytes = 512 << 10
	// MaxImagePixels is the width and the height of one.
	MaxImagePixels = 2048
)

// Info is what a document says of itself.
type Info struct {
	// Title of the document.
	Title string
	// Language as BCP 47 has it ("zh-CN").
	Language string
	// Created is the moment that it says it was made. The same content at the same moment gives the same
	// document, but for the order in which pictures of one width stand in the file.
	Created time.Time
	// Footer of each page, by its number from 1 and the number of pages.
	Footer func(page, pages int) string
}

// Document is one that is being written, from its top to its bottom. Its methods are called from one goroutine. What goes wrong is told by WriteTo.
type Document struct {
	info   Info
	pdf    *fpdf.Fpdf
	fonts  *fonts
	y      float64
	images map[string]bool
	head   func() // of the table that is under way: written again on each further page
}

// New begins a document.
func New(info Info) (*Document, error) {
	f, err := loadFonts()
	if err != nil {
		return nil, err
	}
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(info.Created.UTC())
	pdf.SetModificationDate(info.Created.UTC())
	pdf.SetTitle(f.shown(info.Title), true)
	pdf.SetProducer("rounds", true)
	pdf.SetLang(info.Language)
	pdf.SetAutoPageBreak(false, 0)
	for _, one := range f.faces {
		pdf.AddUTF8FontFromBytes(one.name, "", one.bytes)
	}
	d := &Document{info: info, pdf: pdf, fonts: f, images: map[string]bool{}}
	d.page()
	return d, nil
}

func (d *Document) page() {
	d.pdf.AddPage()
	d.y = margin
	if head := d.head; head != nil {
		d.head = nil // it has room by itself
		head()
		d.head = head
	}
}

// room begins the next page where less is left than needed, in millimetres.
func (d *Document) room(needed float64) {
	if d.y+needed > bottom && d.y > margin {
		d.page()
	}
}

func height(size float64) float64 { return size * leading * mmPerPoint }

// text writes one line that is shown, with its top at y.
func (d *Document) text(x, y, size float64, line string) {
	y += height(size) * 0.72 // the baseline
	for _, run := range d.fonts.runs(line) {
		if run.face < 0 {
			continue // shown leaves none
		}
		d.pdf.SetFont(d.fonts.faces[run.face].name, "", size)
		d.pdf.Text(x, y, run.text)
		x += d.fonts.width(run.text) * size * mmPerPoint
	}
}

func (d *Document) lines(s string, size, width float64) []string {
	return breakLines(d.fonts.shown(s), width, func(s string) float64 { return d.fonts.width(s) * size * mmPerPoint })
}

// put writes a text in lines and moves down.
func (d *Document) put(s string, x, size, width float64) {
	for _, line := range d.lines(s, size, width) {
		d.room(height(size))
		d.text(x, d.y, size, line)
		d.y += height(size)
	}
}

func (d *Document) gray(level int) { d.pdf.SetTextColor(level, level, level) }

// Title writes the document's title at the place where it stands.
func (d *Document) Title(s string) {
	d.put(s, margin, titleSize, inner)
	d.y += 2
}

// Heading begins a part.
func (d *Document) Heading(s string) {
	d.room(height(headingSize) + 4*height(textSize)) // not alone at the bottom of a page
	d.y += 3
	d.pdf.SetTextColor(20, 60, 120)
	d.put(s, margin, headingSize, inner)
	d.gray(0)
	d.pdf.SetDrawColor(160, 170, 185)
	d.pdf.SetLineWidth(0.2)
	d.pdf.Line(margin, d.y, pageWidth-margin, d.y)
	d.y += 1.5
}

// Keep begins the next page where less than that is left of this one, in millimetres: what follows stands together.
func (d *Document) Keep(height float64) { d.room(min(height, bottom-margin)) }

// Paragraph writes a text.
func (d *Document) Paragraph(s string) {
	d.put(s, margin, textSize, inner)
	d.y += 1
}

// Note writes a text in small letters.
func (d *Document) Note(s string) {
	d.gray(90)
	d.put(s, margin, smallSize, inner)
	d.gray(0)
}

// Pair writes a label and beside it what it stands for. Without a value it writes nothing.
func (d *Document) Pair(label, value string) {
	if value == "" {
		return
	}
	d.row([]float64{0.2, 0.8}, textSize, []string{label, value}, 0)
}

// Table writes a table. Shares are the columns' parts of the width, 1 in all. Where it goes on on a further page its head stands there again.
func (d *Document) Table(shares []float64, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	heads := func() {
		d.gray(90)
		d.row(shares, smallSize, head, noColumn)
		d.gray(0)
	}
	heads()
	d.head = heads
	defer func() { d.head = nil }()
	for _, row := range rows {
		d.row(shares, smallSize, row, noColumn)
		d.pdf.SetDrawColor(225, 228, 233)
		d.pdf.SetLineWidth(0.1)
		d.pdf.Line(margin, d.y, pageWidth-margin, d.y)
		d.y += 0.4
	}
}

// noColumn is none of a row's.
const noColumn = -1

// row writes one row of cells, the column faint in gray. A row that is higher than a page goes on on the next.
func (d *Document) row(shares []float64, size float64, cells []string, faint int) {
	const gap = 2.0
	columns := make([][]string, len(cells))
	most := 0
	for i, cell := range cells {
		columns[i] = d.lines(cell, size, shares[i]*inner-gap)
		most = max(most, len(columns[i]))
	}
	d.room(float64(min(most, 4)) * height(size))
	for n := range most {
		d.room(height(size))
		x := margin
		for i := range cells {
			if n < len(columns[i]) {
				if i == faint {
					d.gray(90)
				}
				d.text(x, d.y, size, columns[i][n])
				if i == faint {
					d.gray(0)
				}
			}
			x += shares[i] * inner
		}
		d.y += height(size)
	}
}

// Picture is one photo with what is to be said of it.
type Picture struct {
	// Name tells pictures apart: the same name is the same bytes, which the document holds once.
	Name string
	// JPEG bytes; nil: there is no picture, and a box says why.
	JPEG []byte
	// Missing says why there is none.
	Missing string
	// Caption below it, line by line.
	Caption []string
}

// Pictures writes pictures side by side, two in a row: what is compared stands beside each other. A zero Picture leaves its place empty. What is no JPEG
// within the limits has the box that Missing fills.
func (d *Document) Pictures(pictures []Picture) {
	const gap, tall = 6.0, 62.0
	wide := (inner - gap) / 2
	for len(pictures) > 0 {
		row := pictures[:min(2, len(pictures))]
		pictures = pictures[len(row):]
		captions := make([][]string, len(row))
		most := 0
		for i, p := range row {
			for _, line := range p.Caption {
				captions[i] = append(captions[i], d.lines(line, smallSize, wide)...)
			}
			captions[i] = captions[i][:min(len(captions[i]), 40)] // less than a page
			most = max(most, len(captions[i]))
		}
		needed := tall + 2 + float64(most)*height(smallSize) + 3
		d.room(needed)
		for i, p := range row {
			x := margin + float64(i)*(wide+gap)
			if p.Name == "" && p.Missing == "" {
				continue
			}
			if !d.image(p, x, d.y, wide, tall) {
				d.box(p.Missing, x, d.y, wide, tall)
			}
			for n, line := range captions[i] {
				d.text(x, d.y+tall+1+float64(n)*height(smallSize), smallSize, line)
			}
		}
		d.y += needed
	}
}

// image draws a picture within a box, and tells whether it could.
func (d *Document) image(p Picture, x, y, wide, tall float64) bool {
	if len(p.JPEG) == 0 || len(p.JPEG) > MaxImageBytes || p.Name == "" {
		return false
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(p.JPEG))
	if err != nil || config.Width < 1 || config.Height < 1 || config.Width > MaxImagePixels || config.Height > MaxImagePixels {
		return false
	}
	options := fpdf.ImageOptions{ImageType: "JPEG"}
	if !d.images[p.Name] {
		// To its end, so that no reader of the document finds a broken one: the pixels are few.
		if _, err := jpeg.Decode(bytes.NewReader(p.JPEG)); err != nil {
			return false
		}
		d.pdf.RegisterImageOptionsReader(p.Name, options, bytes.NewReader(p.JPEG))
		d.images[p.Name] = true
	}
	scale := min(wide/float64(config.Width), tall/float64(config.Height))
	w, h := float64(config.Width)*scale, float64(config.Height)*scale
	d.pdf.ImageOptions(p.Name, x+(wide-w)/2, y+(tall-h)/2, w, h, false, options, 0, "")
	return true
}

// box is drawn where a picture is not.
func (d *Document) box(why string, x, y, wide, tall float64) {
	d.pdf.SetDrawColor(150, 150, 150)
	d.pdf.SetLineWidth(0.3)
	d.pdf.Rect(x, y, wide, tall, "D")
	lines := d.lines(why, smallSize, wide-8)
	lines = lines[:min(len(lines), 12)]
	top := y + (tall-float64(len(lines))*height(smallSize))/2
	for i, line := range lines {
		d.text(x+4, top+float64(i)*height(smallSize), smallSize, line)
	}
}

// WriteTo ends the document and writes it. It is called once.
func (d *Document) WriteTo(to io.Writer) (n int64, err error) {
	defer func() {
		if broken := recover(); broken != nil { // of the library, which indexes tables of fonts without looking
			err = fmt.Errorf("typeset: the document cannot be made: %v", broken)
		}
	}()
	if d.info.Footer != nil {
		pages := d.pdf.PageCount()
		d.gray(90)
		for page := 1; page <= pages; page++ {
			d.pdf.SetPage(page)
			line := d.lines(d.info.Footer(page, pages), smallSize, inner)[0]
			d.text(margin, pageHeight-13, smallSize, line)
		}
	}
	counted := &counted{to: to}
	if err := d.pdf.Output(counted); err != nil {
		return counted.n, fmt.Errorf("typeset: %w", err)
	}
	return counted.n, nil
}

// counted counts the bytes that go through it.
type counted struct {
	to io.Writer
	n  int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}
