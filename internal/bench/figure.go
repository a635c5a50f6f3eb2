package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Figure is one measured value.
type Figure struct {
	// Name begins with the workload: "push.docs_per_second".
	Name string `json:"name"`
	// Value in Unit.
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Goal that design sets for it; absent where there is none.
	Goal *float64 `json:"goal,omitempty"`
	// Ratio to the goal: 1 or more is met, whether more of it is better or less.
	Ratio *float64 `json:"ratio,omitempty"`
}

// Machine is what it ran on.
type Machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Go    string `json:"go"`
}

// Report is what one run measured.
type Report struct {
	Machine Machine   `json:"machine"`
	Options Options   `json:"options"`
	Begun   time.Time `json:"begun"`
	Seconds float64   `json:"seconds"`
	Figures []Figure  `json:"figures"`
}

// add appends a figure, with its goal if it has one.
func (r *Report) add(name string, value float64, unit string) {
	f := Figure{Name: name, Value: value, Unit: unit}
	if g, ok := goals()[name]; ok && value > 0 {
		ratio := value / g.value
		if !g.more {
			ratio = g.value / value
		}
		f.Goal, f.Ratio = &g.value, &ratio
	}
	r.Figures = append(r.Figures, f)
}

// Find returns a figure by its name.
func (r *Report) Find(name string) (Figure, bool) {
	for _, f := range r.Figures {
		if f.Name == name {
			return f, true
		}
	}
	return Figure{}, false
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(to io.Writer) error {
	enc := json.NewEncoder(to)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteTable writes the report for people.
func (r *Report) WriteTable(to io.Writer) error {
	o := r.Options
	fmt.Fprintf(to, "%s, %d cores, %s, %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Go)
	fmt.Fprintf(to, "%d devices push %d tickets over %d connections into %d scopes; %d records stored; seed %d; sync delay %v; %.0f s\n\n",
		o.Devices, o.Docs, o.Connections, o.Scopes, o.Records, o.Seed, o.SyncDelay, r.Seconds)
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "figure\tvalue\tunit\tgoal\tratio\t")
	workload := ""
	for _, f := range r.Figures {
		if of, _, _ := strings.Cut(f.Name, "."); of != workload {
			if workload != "" {
				fmt.Fprintln(t, "\t\t\t\t\t")
			}
			workload = of
		}
		goal, ratio := "", ""
		if f.Goal != nil {
			goal, ratio = number(*f.Goal), fmt.Sprintf("%.2f", *f.Ratio)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t\n", f.Name, number(f.Value), f.Unit, goal, ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(to, "\nratio: 1 or more meets the goal, whether more of it is better or less")
	return err
}

// number writes a value with three digits that count.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == math.Trunc(v) || a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	case a >= 0.1:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// quantile returns the value that the part q of the samples does not exceed; 0 of none. It sorts the samples.
func quantile(samples []time.Duration, q float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	return samples[min(len(samples)-1, max(0, int(math.Ceil(q*float64(len(samples))))-1))]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
