package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) sync() *cobra.Command {
	var follow, noPhotos bool
	var server string
	run := d.with(func(ctx context.Context, s *session, _ []string) error {
		if follow {
			return d.follow(ctx, s, noPhotos)
		}
		report, err := d.syncOnce(ctx, s)
		if err == nil && !noPhotos {
			if report.Photos, err = d.upload(ctx, s); err == nil {
				err = d.sayGoodbye(ctx, s, &report)
			}
		}
		return errors.Join(d.printReport(report), d.queuedStill(ctx, s, err))
	})
	cmd := &cobra.Command{Use: "sync", Short: "Deliver what is queued and bring what is new", Args: cobra.NoArgs,
		Long: "Delivers the words first, for which --wait says how long it may take, and then the bytes of photos, for as long as they move. Interrupted\n" +
			"at any time, the next sync goes on where this one stopped.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.reaching(cmd); err != nil {
				return err
			}
			if server != "" {
				l, err := readLink(d.dir)
				if err != nil {
					return err
				}
				if l.Server, err = address(server); err != nil {
					return usage(cmd, err.Error())
				}
				if err := l.write(d.dir); err != nil {
					return err
				}
			}
			return run(cmd, args)
		}}
	cmd.Flags().StringVar(&server, "server", "", "the server is reached at this address from now on")
	cmd.Flags().BoolVar(&noPhotos, "no-photos", false, "words only; the bytes of photos wait for another time")
	cmd.Flags().BoolVar(&follow, "follow", false, "stay in sync until interrupted; other commands cannot use the directory meanwhile")
	return cmd
}

// syncOnce syncs the words.
func (d *deviceCommands) syncOnce(ctx context.Context, s *session) (client.Report, error) {
	within, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	return s.Sync(within, client.WithoutPhotos())
}

// sayGoodbye syncs once more where a scope that is given up waited for its photos only.
func (d *deviceCommands) sayGoodbye(ctx context.Context, s *session, report *client.Report) error {
	status, err := s.Status(ctx)
	if err != nil || !slices.ContainsFunc(status.Scopes, func(one client.ScopeStatus) bool { return one.Closing }) {
		return err
	}
	more, err := d.syncOnce(ctx, s)
	more.Photos = report.Photos
	*report = more
	return err
}

// follow keeps in sync until it is interrupted.
func (d *deviceCommands) follow(ctx context.Context, s *session, noPhotos bool) error {
	fmt.Fprintln(d.Err, "keeping in sync; Ctrl-C ends it")
	var options []client.SyncOption
	if noPhotos {
		options = append(options, client.WithoutPhotos())
	} else if !d.json {
		s.shown.Store(newUploads(d.Err)) // lines, for a bar would stand there for hours
	}
	if err := s.Run(ctx, options...); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// queuedStill adds to an unreachable server what waits for it.
func (d *deviceCommands) queuedStill(ctx context.Context, s *session, err error) error {
	if err == nil || !unreachable(err) {
		return err
	}
	status, statusErr := s.Status(ctx)
	if statusErr != nil {
		return err
	}
	queued := 0
	for _, scope := range status.Scopes {
		queued += scope.Queued
	}
	waits := "nothing is queued"
	if queued > 0 {
		waits = fmt.Sprintf("%d queued, will be sent when it can", queued)
	}
	if n := status.Photos.Waiting; n > 0 {
		waits += fmt.Sprintf("; bytes of photos that wait: %d, %s", n, bytesText(status.Photos.Bytes))
	}
	if why := absence(err); why != absence(nil) {
		return fail(Unreachable, "the server at %s says: %s: %s", s.link.Server, why, waits)
	}
	return fail(Unreachable, "the server at %s cannot be reached: %s", s.link.Server, waits)
}

func (d *deviceCommands) printReport(r client.Report) error {
	if d.json {
		return printJSON(d.Out, reportAsJSON(r))
	}
	_, err := fmt.Fprintf(d.Out, "sent %d (%d applied, %d merged, %d in conflict, %d rejected, %d quarantined), %d records changed, %d round trips\n",
		r.Sent, r.Applied, r.Merged, r.Conflicts, r.Rejected, r.Quarantined, r.Changed, r.Exchanges)
	if p := r.Photos; err == nil && p != (client.PhotoTally{}) {
		_, err = fmt.Fprintf(d.Out, "photos: %d stored (%d of them known there already), %s in %d parts, %s saved by resuming, %d failed (rounds device photo list)\n",
			p.Stored, p.Deduplicated, bytesText(p.Bytes), p.Parts, bytesText(p.Resumed), p.Failed)
	}
	return err
}

func (d *deviceCommands) status() *cobra.Command {
	return &cobra.Command{Use: "status", Short: "Show how the device stands", Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			status, err := s.Status(ctx)
			if err != nil {
				return err
			}
			identity, err := s.Identity()
			if err != nil {
				return err
			}
			if d.json {
				all := statusJSON{Device: identity.Device, Person: identity.Person, Server: s.link.Server, Directory: d.dir,
					ClockOff: status.Offset.Microseconds(), Revoked: status.Revoked, Untold: status.Untold, PhotosWaiting: status.Photos.Waiting,
					PhotoBytes: status.Photos.Bytes, PhotosFailed: status.Photos.Failed, PhotosKept: status.Photos.Kept}
				if !status.Contact.IsZero() {
					all.Contact = &status.Contact
				}
				for _, one := range status.Scopes {
					name, err := s.scopeName(ctx, one.Scope)
					if err != nil {
						return err
					}
					all.Scopes = append(all.Scopes, scopeAsJSON(one, name))
				}
				return printJSON(d.Out, all)
			}
			fmt.Fprintf(d.Out, "device   %s\nperson   %s\nserver   %s\ncontact  ", identity.Device, identity.Person, s.link.Server)
			if status.Contact.IsZero() {
				fmt.Fprintln(d.Out, "never")
			} else {
				fmt.Fprintf(d.Out, "%s, this clock is off by %v\n", when(status.Contact.UnixMicro()), status.Offset.Round(1e6))
			}
			if status.Revoked {
				fmt.Fprintln(d.Out, "revoked  the device delivers what it may and purges")
			}
			if p := status.Photos; p.Waiting+p.Kept > 0 {
				fmt.Fprintf(d.Out, "photos   %d wait (%s), %d of them cannot be sent as things stand; %d are on the server and kept here still\n", p.Waiting,
					bytesText(p.Bytes), p.Failed, p.Kept)
			}
			t := &table{head: []string{"SCOPE", "NAME", "QUEUED", "WAITING", "TRAY", "STANDS"}}
			for _, one := range status.Scopes {
				name, err := s.scopeName(ctx, one.Scope)
				if err != nil {
					return err
				}
				t.add(string(one.Scope), name, strconv.Itoa(one.Queued), strconv.Itoa(one.Waiting), strconv.Itoa(one.Tray), standing(one))
			}
			fmt.Fprintln(d.Out)
			return t.print(d.Out)
		})}
}

func (s *session) scopeName(ctx context.Context, scope client.Scope) (string, error) {
	for view, err := range s.List(ctx, scope, "site") {
		if err != nil {
			return "", err
		}
		site := view.Record.GetSite()
		return clean(textOf(site.GetName()) + " " + site.GetCode()), nil
	}
	return "", nil
}

func standing(s client.ScopeStatus) string {
	switch {
	case s.Forked:
		return "copied: enrol anew"
	case s.Parked:
		return "refused for now: see tray"
	case s.Closing:
		return "given up once delivered"
	case s.Diverged:
		return "being repaired"
	case s.Complete:
		return "complete"
	}
	return "not complete"
}

func (d *deviceCommands) tray() *cobra.Command {
	cmd := &cobra.Command{Use: "tray", Short: "Show what was not taken, or waits for a person, and what became of it", Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			items, err := s.Tray(ctx)
			if err != nil {
				return err
			}
			return d.printTray(items)
		})}
	cmd.AddCommand(
		&cobra.Command{Use: "resend NUMBER", Short: "Send a rejected item again, on top of the record as it stands", Args: cobra.ExactArgs(1),
			RunE: d.with(func(ctx context.Context, s *session, args []string) error {
				item, err := s.trayItem(ctx, args[0])
				if err != nil {
					return err
				}
				ref, err := s.Resend(ctx, item.Key, nil)
				if err != nil {
					return err
				}
				how, err := d.deliver(ctx, s, ref)
				if err != nil {
					return err
				}
				return d.tell("resent", ref.ID, how)
			})},
		&cobra.Command{Use: "discard NUMBER", Short: "Take an item from the tray for good", Args: cobra.ExactArgs(1),
			RunE: d.with(func(ctx context.Context, s *session, args []string) error {
				item, err := s.trayItem(ctx, args[0])
				if err != nil {
					return err
				}
				if err := s.Discard(ctx, item.Key); err != nil {
					return err
				}
				return d.tell("discarded", item.ID, delivered{Sent: true})
			})})
	return cmd
}

// trayItem finds an item by its number in the list.
func (s *session) trayItem(ctx context.Context, number string) (client.TrayItem, error) {
	items, err := s.Tray(ctx)
	if err != nil {
		return client.TrayItem{}, err
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(items) {
		return client.TrayItem{}, fail(Usage, "the tray has no item %q: rounds device tray lists %d", number, len(items))
	}
	return items[n-1], nil
}

func (d *deviceCommands) printTray(items []client.TrayItem) error {
	if d.json {
		list := make([]any, 0, len(items))
		for i, item := range items {
			one := map[string]any{"number": i + 1, "scope": item.Key.Scope, "lane_seq": item.Key.Lane, "status": item.Status, "kind": item.Kind, "id": item.ID,
				"outcome": asJSON(item.Outcome), "resolution": item.Resolution, "problem": refusedBy(string(item.Status), item.Outcome.GetProblem())}
			if item.Mutation != nil {
				one["mutation"] = asJSON(item.Mutation)
			}
			list = append(list, one)
		}
		return printJSON(d.Out, list)
	}
	if len(items) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("the tray is empty", "没有未处理的反馈"))
		return err
	}
	t := &table{head: d.heads("NO|序号", "STATUS|状态", "ABOUT|类别", "ID|编号", "WHAT|操作", "WHY|说明")}
	for i, item := range items {
		why := d.sentence(item)
		if item.Status == client.TrayNotice {
			why = fmt.Sprintf(d.in("%d values met values of others", "%d处内容与他人的修改相遇"), len(item.Outcome.GetLosses()))
		}
		if item.Resolution != "" {
			why = d.in("decided: ", "已裁决:") + item.Resolution
		}
		t.add(strconv.Itoa(i+1), d.trayStatus(item.Status), string(item.Kind), shortID(string(item.ID)), actName(item.Mutation), cut(why, 100))
	}
	return t.print(d.Out)
}

// actName says what a mutation does.
func actName(m *roundsv1.Mutation) string {
	switch {
	case m.GetFact() != nil:
		return "fact"
	case m.GetEdit() != nil:
		return "edit"
	case m.GetCommand() != nil:
		c := m.GetCommand().ProtoReflect()
		of := c.WhichOneof(c.Descriptor().Oneofs().ByName("command"))
		if of == nil {
			return "command"
		}
		inner := c.Get(of).Message()
		if which := inner.Descriptor().Oneofs().ByName("command"); which != nil {
			if step := inner.WhichOneof(which); step != nil {
				return string(step.Name())
			}
		}
		return string(of.Name())
	}
	return "-"
}
