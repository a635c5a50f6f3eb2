package bench

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Command returns `rounds bench`.
func Command() *cobra.Command {
	o := Default()
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench [workload...]",
		Short: "Measure a server: " + strings.Join(Workloads(), ", "),
		Long: "Measures a server as its devices see it, and the limits of the machine in the same run. Without --server it starts a server of its own on a\n" +
			"temporary directory. Workloads are " + strings.Join(Workloads(), ", ") + "; none named: all. docs/performance.md tells what is in each figure.",
		PreRunE: func(cmd *cobra.Command, args []string) error {
			o.Workloads = args
			if !cmd.Flags().Changed("records") {
				o.Records = max(o.Records, o.Docs)
				if cmd.Flags().Changed("docs") {
					o.Records = o.Docs
				}
			}
			return o.check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := Run(cmd.Context(), o, cmd.ErrOrStderr())
			if err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			if asJSON {
				return report.WriteJSON(cmd.OutOrStdout())
			}
			return report.WriteTable(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Server, "server", o.Server, "address of a running server; empty: one of the run's own")
	f.StringVar(&o.Code, "code", o.Code, "with --server: a code that enrols an administrator there")
	f.IntVar(&o.Devices, "devices", o.Devices, "devices that push")
	f.IntVar(&o.Docs, "docs", o.Docs, "tickets that they push in all")
	f.IntVar(&o.Batch, "batch", o.Batch, "tickets in one request")
	f.IntVar(&o.Connections, "connections", o.Connections, "connections that they share")
	f.IntVar(&o.Scopes, "scopes", o.Scopes, "sites that the tickets are spread over")
	f.IntVar(&o.Records, "records", o.Records, "records stored after the push; more than --docs are there before it")
	f.IntVar(&o.Readers, "readers", o.Readers, "fresh devices that pull at once, a scope each")
	f.IntVar(&o.Changes, "changes", o.Changes, "records that change between two pulls")
	f.IntVar(&o.Events, "events", o.Events, "writes that one watcher waits for")
	f.IntVar(&o.Watchers, "watchers", o.Watchers, "idle watchers; each needs a file descriptor on both sides")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of everything drawn")
	f.DurationVar(&o.SyncDelay, "sync-delay", o.SyncDelay, "added to each sync of the run's own server's disk")
	f.IntVar(&o.BitsPerSecond, "bits-per-second", o.BitsPerSecond, "capacity of the link of the shift, each way")
	f.DurationVar(&o.RoundTrip, "round-trip", o.RoundTrip, "delay of the link of the shift, there and back")
	f.IntVar(&o.Photos, "photos", o.Photos, "photos that are uploaded")
	f.Int64Var(&o.PhotoBytes, "photo-bytes", o.PhotoBytes, "size of each")
	f.IntVar(&o.PhotosAtOnce, "photos-at-once", o.PhotosAtOnce, "how many are under way at once")
	f.IntVar(&o.BigPhotos, "big-photos", o.BigPhotos, "large photos that are uploaded, all at once")
	f.Int64Var(&o.BigPhotoBytes, "big-photo-bytes", o.BigPhotoBytes, "size of each of these")
	f.IntVar(&o.LookedPhotos, "looked-photos", o.LookedPhotos, "drawn photos that the server looks at, and then one of 12 megapixels for every eight")
	f.IntVar(&o.DeskTickets, "desk-tickets", o.DeskTickets, "tickets at the site that desks ask about")
	f.IntVar(&o.DeskOthers, "desk-others", o.DeskOthers, "photos, remarks, notices and questions there")
	f.IntVar(&o.DeskEntries, "desk-entries", o.DeskEntries, "entries of its journal")
	f.IntVar(&o.DeskPushes, "desk-pushes", o.DeskPushes, "tickets that devices push a second while desks ask")
	f.IntVar(&o.DeskRounds, "desk-rounds", o.DeskRounds, "rounds of questions that each of the four desks makes")
	f.DurationVar(&o.DeskPause, "desk-pause", o.DeskPause, "time from one question of a desk to its next")
	f.IntVar(&o.ImportSites, "import-sites", o.ImportSites, "sites of the organisation that is imported, 24 at least")
	f.IntVar(&o.ImportStaff, "import-staff", o.ImportStaff, "people of it, 62 at least")
	f.StringVar(&o.S3, "s3", o.S3, "measure photos on this object store too: s3+http://KEY:SECRET@host:port/bucket")
	f.StringVar(&o.Dir, "dir", o.Dir, "where the run's own server keeps its data; empty: a temporary directory")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(bareCommand())
	return cmd
}
