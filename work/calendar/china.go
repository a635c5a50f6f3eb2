package calendar

import (
	_ "embed"
	"encoding/json"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// chinaTable is what the State Council's General Office announced for 2025 and 2026: each day that is not what its weekday says.
//
//go:embed china.json
var chinaTable []byte

// chinaDays reads the embedded table once. A test says that it is read whole.
var chinaDays = sync.OnceValues(func() (Calendar, error) {
	var table []struct {
		Date     string `json:"date"`
		IsOffDay bool   `json:"isOffDay"`
		Name     string `json:"name"`
	}
	if err := json.Unmarshal(chinaTable, &table); err != nil {
		return Calendar{}, err
	}
	days := make([]*roundsv1.CalendarDay, len(table))
	for i, d := range table {
		days[i] = &roundsv1.CalendarDay{Date: d.Date, Off: d.IsOffDay, Name: d.Name}
	}
	return New(days)
})

// China is the calendar of mainland China with its holidays and the working days that make up for them, known for 2025 and 2026. See Through for what
// counts after that: a directory that has a calendar "cn" of its own replaces this one.
func China() Calendar {
	c, _ := chinaDays()
	return c
}
