package check

import "math"

// Point is a position, degrees, WGS 84.
type Point struct {
	Latitude, Longitude float64
}

// ok tells whether the point is one on earth.
func (p Point) ok() bool {
	return math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180 // false of NaN
}

// The ellipsoid of WGS 84.
const (
	equatorM   = 6_378_137.0
	flattening = 1 / 298.257223563
)

// Distance returns the metres between two points along the ellipsoid, by Lambert's formula: good to a metre within 100 km and to about ten
// metres in a thousand kilometres.
func Distance(a, b Point) float64 {
	toRadians := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	reduced := func(latitude float64) float64 { return math.Atan((1 - flattening) * math.Tan(toRadians(latitude))) }
	b1, b2 := reduced(a.Latitude), reduced(b.Latitude)
	sinLat, sinLon := math.Sin((b2-b1)/2), math.Sin(toRadians(b.Longitude-a.Longitude)/2)
	h := min(1, sinLat*sinLat+math.Cos(b1)*math.Cos(b2)*sinLon*sinLon)
	if h == 0 {
		return 0
	}
	angle := 2 * math.Asin(math.Sqrt(h))
	sinP, cosP := math.Sincos((b1 + b2) / 2)
	sinQ, cosQ := math.Sincos((b2 - b1) / 2)
	x := 0.0
	if h < 1 {
		x = (angle - math.Sin(angle)) * sinP * sinP * cosQ * cosQ / (1 - h)
	}
	y := (angle + math.Sin(angle)) * cosP * cosP * sinQ * sinQ / h
	return equatorM * (angle - flattening/2*(x+y))
}

// plane is the surroundings of a point laid flat: x to the east, y to the north, metres.
type plane struct {
	origin      Point
	east, north float64 // metres a degree
}

func planeAt(p Point) plane {
	const e2 = flattening * (2 - flattening)
	sin, cos := math.Sincos(p.Latitude * math.Pi / 180)
	w := 1 - e2*sin*sin
	return plane{origin: p, east: equatorM / math.Sqrt(w) * cos * math.Pi / 180, north: equatorM * (1 - e2) / (w * math.Sqrt(w)) * math.Pi / 180}
}

func (l plane) flat(p Point) (x, y float64) {
	return math.Remainder(p.Longitude-l.origin.Longitude, 360) * l.east, (p.Latitude - l.origin.Latitude) * l.north
}

func (l plane) point(x, y float64) Point {
	p := Point{Latitude: l.origin.Latitude + y/l.north, Longitude: l.origin.Longitude}
	if l.east != 0 {
		p.Longitude += x / l.east
	}
	return p
}

// Distance returns how far a point is from the outline, metres; 0 within it, also on its edge.
func (o Outline) Distance(p Point) float64 {
	l := planeAt(p)
	best, nearest := math.Inf(1), p
	for _, polygon := range o.polygons {
		inside := false
		for _, ring := range polygon {
			ax, ay := l.flat(ring[0])
			for _, next := range ring[1:] {
				bx, by := l.flat(next)
				if (ay > 0) != (by > 0) && 0 < ax+(bx-ax)*(-ay)/(by-ay) {
					inside = !inside
				}
				x, y := closest(ax, ay, bx, by)
				if d := x*x + y*y; d < best {
					best, nearest = d, l.point(x, y)
				}
				ax, ay = bx, by
			}
		}
		if inside {
			return 0
		}
	}
	if math.IsInf(best, 1) {
		return best
	}
	return Distance(p, nearest)
}

// closest returns the point of a segment that is closest to the origin.
func closest(ax, ay, bx, by float64) (x, y float64) {
	dx, dy := bx-ax, by-ay
	length := dx*dx + dy*dy
	if length == 0 {
		return ax, ay
	}
	t := min(1, max(0, -(ax*dx+ay*dy)/length))
	return ax + t*dx, ay + t*dy
}
