package adversary

import (
	"fmt"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media/check"
)

// Result is how the checks did.
type Result struct {
	// Photos in all, and of these the Honest ones.
	Photos, Honest int
	// FlaggedHonest are the honest photos at which a hard or soft check spoke that ought not to.
	FlaggedHonest int
	// Caught are the tampered photos at which at least one hard or soft check spoke that ought to, of those for which there is one.
	Caught, Catchable int
	// Checks in the order of the table of checks.
	Checks []Row
	// Kinds of photos in the order of their first one.
	Kinds []KindRow
}

// Row is how one check did.
type Row struct {
	Code     roundsv1.CheckCode
	Severity roundsv1.Severity
	// Hits: spoke and ought to. False: spoke and ought not to. Missed: ought to and did not. Silent: neither.
	Hits, False, Missed, Silent int
}

// Precision is which part of what the check said was right; 1 where it said nothing.
func (r Row) Precision() float64 { return part(r.Hits, r.False) }

// Recall is which part of what the check ought to say it said; 1 where there was nothing to say.
func (r Row) Recall() float64 { return part(r.Hits, r.Missed) }

func part(hits, others int) float64 {
	if hits+others == 0 {
		return 1
	}
	return float64(hits) / float64(hits+others)
}

// KindRow is how the checks did on one kind of photo.
type KindRow struct {
	Kind   Kind
	Honest bool
	Photos int
	// Whole are the photos of which exactly what ought to be said was said.
	Whole int
	// False are the codes that spoke without reason, Missed those that ought to have spoken, with how often.
	False, Missed map[roundsv1.CheckCode]int
}

func newResult() *Result {
	r := &Result{}
	for _, c := range check.Checks() {
		r.Checks = append(r.Checks, Row{Code: c.Code, Severity: c.Severity})
	}
	return r
}

// kind returns the row of a kind.
func (r *Result) kind(i Item) *KindRow {
	at := slices.IndexFunc(r.Kinds, func(k KindRow) bool { return k.Kind == i.Kind && k.Honest == i.Honest })
	if at < 0 {
		at = len(r.Kinds)
		r.Kinds = append(r.Kinds, KindRow{Kind: i.Kind, Honest: i.Honest, False: map[roundsv1.CheckCode]int{}, Missed: map[roundsv1.CheckCode]int{}})
	}
	return &r.Kinds[at]
}

// count adds what was found of one photo.
func (r *Result) count(i Item, findings []*roundsv1.Finding) {
	k := r.kind(i)
	k.Photos++
	r.Photos++
	whole, caught, catchable, accused := true, false, false, false
	for at := range r.Checks {
		row := &r.Checks[at]
		want := slices.Contains(i.Want, row.Code)
		spoke := slices.ContainsFunc(findings, func(f *roundsv1.Finding) bool { return f.GetCode() == row.Code })
		counts := row.Severity > roundsv1.Severity_SEVERITY_NOTE
		catchable = catchable || (want && counts)
		switch {
		case want && spoke:
			row.Hits++
			caught = caught || counts
		case spoke && slices.Contains(i.May, row.Code):
			row.Silent++
		case spoke:
			row.False++
			k.False[row.Code]++
			whole, accused = false, accused || counts
		case want:
			row.Missed++
			k.Missed[row.Code]++
			whole = false
		default:
			row.Silent++
		}
	}
	if whole {
		k.Whole++
	}
	if i.Honest {
		r.Honest++
		if accused {
			r.FlaggedHonest++
		}
	} else if catchable {
		r.Catchable++
		if caught {
			r.Caught++
		}
	}
}

// Row returns the row of a check.
func (r *Result) Row(code roundsv1.CheckCode) Row {
	for _, row := range r.Checks {
		if row.Code == code {
			return row
		}
	}
	return Row{Code: code}
}

// String prints the result as two Markdown tables.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d photos, %d honest and %d tampered with or spoiled. Of the honest ones, %d were flagged without reason (%s); of the others that a hard or soft check\n"+
		"ought to catch, %d of %d were caught (%s).\n\n", r.Photos, r.Honest, r.Photos-r.Honest, r.FlaggedHonest, percent(float64(r.FlaggedHonest)/float64(max(1, r.Honest))),
		r.Caught, r.Catchable, percent(part(r.Caught, r.Catchable-r.Caught)))
	b.WriteString("| check | severity | hits | false | missed | silent | precision | recall |\n|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range r.Checks {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %s | %s |\n", check.Word(row.Code), check.Word(row.Severity), row.Hits, row.False, row.Missed, row.Silent,
			percent(row.Precision()), percent(row.Recall()))
	}
	b.WriteString("\n| photos | number | as labelled | said without reason | not said |\n|---|--:|--:|---|---|\n")
	for _, honest := range []bool{true, false} {
		for _, k := range r.Kinds {
			if k.Honest == honest {
				name := string(k.Kind)
				if honest {
					name = "honest: " + name
				}
				fmt.Fprintf(&b, "| %s | %d | %s | %s | %s |\n", name, k.Photos, percent(part(k.Whole, k.Photos-k.Whole)), r.counts(k.False), r.counts(k.Missed))
			}
		}
	}
	return b.String()
}

// counts writes codes with how often, in the order of the table.
func (r *Result) counts(of map[roundsv1.CheckCode]int) string {
	var parts []string
	for _, row := range r.Checks {
		if n := of[row.Code]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", check.Word(row.Code), n))
		}
	}
	return strings.Join(parts, ", ")
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
