package directory

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/recurrence"
)

// firstDay is the day that recurrences written in words begin on: before anything that they are for.
const firstDay = "20240101"

var (
	timesPattern = regexp.MustCompile(`^(\d{2}:\d{2}(?:,\d{2}:\d{2})*) (daily|weekly [A-Z]{2}(?:,[A-Z]{2})*|monthly \d{1,2}(?:,\d{1,2})*)$`)
	dutyPattern  = regexp.MustCompile(`^(\d{2}:\d{2})-(\d{2}:\d{2})(?: (daily|[A-Z]{2}(?:,[A-Z]{2})*))?$`)
	rulePattern  = regexp.MustCompile(`^DTSTART:(\d{8})T(\d{2})(\d{2})(\d{2})\nRRULE:FREQ=([A-Z]+)((?:;[A-Z]+=[-+A-Z0-9,]+)*)$`)
)

const dayNames = "MO,TU,WE,TH,FR,SA,SU"

// isRecurrence: whether a text is a DTSTART and an RRULE of RFC 5545, one a line.
func isRecurrence(text string) bool {
	_, err := recurrence.Parse(text)
	return err == nil
}

// looksLikeRule: whether a text that is no recurrence was meant to be one of RFC 5545, and why it is none.
func looksLikeRule(text string, why **recurrence.RuleError) bool {
	_, err := recurrence.Parse(text)
	return (strings.Contains(text, "FREQ=") || strings.Contains(text, "DTSTART")) && errors.As(err, why)
}

func clock(text string) (hour, minute int, ok bool) {
	h, m, _ := strings.Cut(text, ":")
	hour, err := strconv.Atoi(h)
	minute, bad := strconv.Atoi(m)
	return hour, minute, err == nil && bad == nil && hour < 24 && minute < 60
}

func knownDays(list string) bool {
	for _, day := range strings.Split(list, ",") {
		if !strings.Contains(dayNames, day) || len(day) != 2 {
			return false
		}
	}
	return true
}

// readTimes makes a recurrence of words: "08:00,20:00 daily", "09:00 weekly MO,TH", "10:00 monthly 1,15". One that is a recurrence already stays.
func readTimes(cell string) (string, bool) {
	cell = strings.TrimSpace(strings.ReplaceAll(cell, "\r\n", "\n"))
	if isRecurrence(cell) {
		return cell, true
	}
	m := timesPattern.FindStringSubmatch(cell)
	if m == nil {
		return "", false
	}
	var hours []string
	first, minute := 0, 0
	for i, at := range strings.Split(m[1], ",") {
		h, min, ok := clock(at)
		if !ok || i > 0 && min != minute { // a rule has every minute in every hour
			return "", false
		}
		if i == 0 {
			first = h
		}
		minute = min
		hours = append(hours, strconv.Itoa(h))
	}
	rule := "FREQ=DAILY"
	if days, weekly := strings.CutPrefix(m[2], "weekly "); weekly {
		if !knownDays(days) {
			return "", false
		}
		rule = "FREQ=WEEKLY;BYDAY=" + days
	}
	if days, monthly := strings.CutPrefix(m[2], "monthly "); monthly {
		rule = "FREQ=MONTHLY;BYMONTHDAY=" + days
	}
	return fmt.Sprintf("DTSTART:%sT%02d%02d00\nRRULE:%s;BYHOUR=%s;BYMINUTE=%d", firstDay, first, minute, rule, strings.Join(hours, ","), minute), true
}

// readDuties makes shifts of words: "08:00-20:00 daily", "20:00-08:00 MO,TU", several with | between. Nothing is none: always on duty.
func readDuties(cell string) ([]*roundsv1.Duty, bool) {
	var all []*roundsv1.Duty
	for _, part := range strings.Split(cell, "|") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if rule, minutes, raw := strings.Cut(part, " for "); raw && isRecurrence(rule) {
			n, err := strconv.ParseUint(minutes, 10, 32)
			if err != nil || n == 0 || n > 2880 {
				return nil, false
			}
			all = append(all, &roundsv1.Duty{Recurrence: rule, Minutes: uint32(n)})
			continue
		}
		m := dutyPattern.FindStringSubmatch(part)
		if m == nil {
			return nil, false
		}
		h1, m1, ok1 := clock(m[1])
		h2, m2, ok2 := clock(m[2])
		if !ok1 || !ok2 || m[3] != "" && m[3] != "daily" && !knownDays(m[3]) {
			return nil, false
		}
		length := (h2*60 + m2) - (h1*60 + m1)
		if length <= 0 {
			length += 24 * 60
		}
		rule := "FREQ=DAILY"
		if m[3] != "" && m[3] != "daily" {
			rule = "FREQ=WEEKLY;BYDAY=" + m[3]
		}
		all = append(all, &roundsv1.Duty{Recurrence: fmt.Sprintf("DTSTART:%sT%02d%02d00\nRRULE:%s", firstDay, h1, m1, rule), Minutes: uint32(length)})
	}
	return all, true
}

// writeDuties is what readDuties reads.
func writeDuties(all []*roundsv1.Duty) string {
	parts := make([]string, len(all))
	for i, d := range all {
		m := rulePattern.FindStringSubmatch(d.GetRecurrence())
		parts[i] = fmt.Sprintf("%s for %d", d.GetRecurrence(), d.GetMinutes())
		if m == nil || m[1] != firstDay {
			continue
		}
		h, _ := strconv.Atoi(m[2])
		minute, _ := strconv.Atoi(m[3])
		end := (h*60 + minute + int(d.GetMinutes())) % (24 * 60)
		words := fmt.Sprintf("%s:%s-%02d:%02d ", m[2], m[3], end/60, end%60)
		switch {
		case m[5] == "DAILY" && m[6] == "":
			words += "daily"
		case m[5] == "WEEKLY" && strings.HasPrefix(m[6], ";BYDAY="):
			words += strings.TrimPrefix(m[6], ";BYDAY=")
		default:
			continue
		}
		if back, ok := readDuties(words); ok && len(back) == 1 && back[0].GetRecurrence() == d.GetRecurrence() && back[0].GetMinutes() == d.GetMinutes() {
			parts[i] = words
		}
	}
	return strings.Join(parts, " | ")
}
