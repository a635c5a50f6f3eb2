package cli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/internal/adversary"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/sync/journal"
)

type scoreFlags struct {
	photos, width int
	seed          uint64
	settings      map[string]string
	json          bool
}

// scored is how one check did.
type scored struct {
	Check     string  `json:"check"`
	Severity  string  `json:"severity"`
	Hits      int     `json:"hits"`
	False     int     `json:"false"`
	Missed    int     `json:"missed"`
	Silent    int     `json:"silent"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

// mediaScore is `rounds media score`.
func (p *program) mediaScore() *cobra.Command {
	f := &scoreFlags{}
	cmd := &cobra.Command{
		Use: "score", Short: p.in("Score the checks of photos on a labelled set that is drawn here", "用现场绘制的带标注照片评测照片检查"), Args: cobra.NoArgs,
		Long: p.in("Draws photos of a community, honest ones among ones that were tampered with, looks into each as the server does, and prints how often each\n"+
			"check spoke when it ought to (recall) and how often it was right when it spoke (precision). The same numbers make the same photos.\n"+
			"With --set, other thresholds than the defaults are tried: --set photo.near.frequency=12.",
			"绘制社区照片，真实的与作假的混在一起，按服务器的方式逐张检查，打印每项检查该报时报出的比例（recall）和报出时正确的比例（precision）。\n"+
				"相同的参数得到相同的照片。--set 可试用不同于默认的阈值：--set photo.near.frequency=12。"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.photos < 1 || f.photos > 100_000 {
				return usage(cmd, "--photos is 1 to 100000")
			}
			if f.width < 64 || f.width > 4096 {
				return usage(cmd, "--width is 64 to 4096")
			}
			policy, err := check.ParsePolicy(f.settings)
			if err != nil {
				return usage(cmd, strings.ReplaceAll(oneLine(err), "check: ", ""))
			}
			var b *bar
			result, err := adversary.Score(cmd.Context(), adversary.Options{Seed: f.seed, Tampered: f.photos, WidthPx: f.width, Policy: policy,
				Workers: runtime.GOMAXPROCS(0),
				Progress: func(done, total int) {
					if b == nil {
						b = p.progress("photos", journal.Seq(total))
					}
					if b.n = journal.Seq(done); b.to != nil && (done%8 == 0 || done == total) {
						b.draw()
					}
				}})
			if b != nil {
				b.done()
			}
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(p.Out, scoreJSON(result))
			}
			_, err = fmt.Fprint(p.Out, result)
			return err
		},
	}
	cmd.Flags().IntVar(&f.photos, "photos", 1500, p.in("how many photos are tampered with; about as many honest ones stand between them", "作假照片的张数；其间有约等量的真实照片"))
	cmd.Flags().IntVar(&f.width, "width", 640, p.in("width of the photos, pixels", "照片宽度（像素）"))
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, p.in("which set", "哪一组照片"))
	cmd.Flags().StringToStringVar(&f.settings, "set", nil, p.in("thresholds, as a site sets them", "阈值，与项目设置相同"))
	cmd.Flags().BoolVar(&f.json, "json", false, p.in("print JSON", "输出 JSON"))
	return cmd
}

func scoreJSON(r *adversary.Result) map[string]any {
	var checks []scored
	for _, row := range r.Checks {
		checks = append(checks, scored{Check: check.Word(row.Code), Severity: check.Word(row.Severity), Hits: row.Hits, False: row.False,
			Missed: row.Missed, Silent: row.Silent, Precision: row.Precision(), Recall: row.Recall()})
	}
	return map[string]any{"photos": r.Photos, "honest": r.Honest, "flagged_honest": r.FlaggedHonest, "caught": r.Caught, "catchable": r.Catchable,
		"checks": checks}
}
