package calendar

import (
	"time"
	_ "time/tzdata" // so that a site's time is the same on every machine
)

// shanghai is Asia/Shanghai as it has been since 1991. Most sites are there, and this needs no look-up.
const (
	shanghai        = "Asia/Shanghai"
	shanghaiSeconds = 8 * 3600
)

// Zone returns a time zone by its IANA name; an empty name is Asia/Shanghai. The machine's own zone ("Local") is none.
func Zone(name string) (*time.Location, error) {
	switch name {
	case "", shanghai:
		return time.FixedZone(shanghai, shanghaiSeconds), nil
	case "Local":
		return nil, &time.ParseError{Layout: shanghai, Value: name, Message: ": not a time zone of a site"}
	}
	return time.LoadLocation(name)
}
