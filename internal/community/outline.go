package community

import "fmt"

// rect is a rectangle on the plan of the site: metres east and north of its south-west corner, with width and depth.
type rect struct{ x, y, w, d float64 }

// The south-west corner of the site, somewhere in the middle of a lake, and how long a metre is there, in degrees of WGS 84.
const (
	originLat    = 30.2735
	originLon    = 120.1540
	metreOfLat   = 1 / 111_320.0
	metreOfLon   = 1 / 96_130.0
	siteWidth    = 240.0
	siteDepth    = 200.0
	towersInARow = 4
)

// wkt is the rectangle as a polygon of well-known text: longitude first, the ring closed.
func (r rect) wkt() string {
	at := func(x, y float64) string {
		return fmt.Sprintf("%.6f %.6f", originLon+x*metreOfLon, originLat+y*metreOfLat)
	}
	return "POLYGON((" + at(r.x, r.y) + "," + at(r.x+r.w, r.y) + "," + at(r.x+r.w, r.y+r.d) + "," + at(r.x, r.y+r.d) + "," + at(r.x, r.y) + "))"
}

// in is the nth of rows times columns equal parts of a rectangle, from 0, with a metre between them.
func (r rect) in(n, columns, rows int) rect {
	w, d := r.w/float64(columns), r.d/float64(rows)
	return rect{r.x + w*float64(n%columns), r.y + d*float64(n/columns%rows), w - 1, d - 1}
}

func ground() rect { return rect{0, 0, siteWidth, siteDepth} }

// towerAt is where the nth tower stands, from 0.
func towerAt(n int) rect {
	return rect{20 + 55*float64(n%towersInARow), 30 + 90*float64(n/towersInARow), 30, 24}
}

// spot is a square for a point.
func spot(x, y float64) rect { return rect{x, y, 3, 3} }
