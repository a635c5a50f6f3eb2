package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/internal/drawn"
)

// written is a line of the process that is going to be killed: what is on disk.
type written struct {
	Ref client.Ref `json:"ref"`
	// Photo is the number of the photo that it is; 0: a remark.
	Photo uint64 `json:"photo,omitempty"`
}

// lastShot is the recipe of a photo that is taken shortly before a phone is killed.
func lastShot(ticket client.RecordID, number uint64) (recipe, subject) {
	s := subject{kind: "ticket", id: ticket, role: roundsv1.PhotoRole_PHOTO_ROLE_BEFORE, round: 1}
	return recipe{seed: s.place64(), scene: drawn.Pipes, options: drawn.Options{Shot: number, WidthPx: smallest, Quality: 60}}, s
}

// writeCommand is a phone's process that is going to be killed: it queues remarks and photos as fast as it can and prints each once it is on disk. It is
// not for people.
func writeCommand() *cobra.Command {
	var dir, clock, scope, ticket string
	cmd := &cobra.Command{Use: "write-child", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		at, err := parseLine(clock)
		if err != nil {
			return err
		}
		p := &phone{dir: dir, name: "phone", clocks: &clocks{time: &timeline{line: at}, boots: 1000, booted: at.shown}, Person: community.Person{}}
		ctx := cmd.Context()
		if err := p.onOffline(ctx); err != nil {
			return err
		}
		out := json.NewEncoder(cmd.OutOrStdout())
		for n := uint64(1); ; n++ {
			var did written
			if ticket != "" && n%4 == 0 {
				made, s := lastShot(client.RecordID(ticket), n)
				img, content := made.draw()
				did.Photo = n
				did.Ref, _, err = p.device.AddPhoto(ctx, client.Scope(scope), client.PhotoInput{Original: bytes.NewReader(content),
					Subject: &roundsv1.RecordRef{Kind: s.kind, Id: ticket}, Role: s.role, Round: s.round, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA,
					Preview: drawn.Encode(drawn.Shrink(img, previewSide), 40, drawn.Exif{})})
			} else {
				did.Ref, err = p.device.Fact(ctx, client.Scope(scope), "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
					Words: fmt.Sprintf("written shortly before the end, %d", n)}}})
			}
			if err != nil {
				return err
			}
			if err := out.Encode(did); err != nil {
				return err
			}
		}
	}}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "")
	flags.StringVar(&clock, "clock", "", "")
	flags.StringVar(&scope, "scope", "", "")
	flags.StringVar(&ticket, "ticket", "", "")
	return cmd
}

// killWhileWriting hands a phone's directory to a process of its own, kills that with SIGKILL in the middle of its writing, and opens the phone again. What
// the process said was on disk is remembered as queued.
func (d *demo) killWhileWriting(ctx context.Context, w *worker) error {
	if w.device == nil {
		return nil
	}
	tickets, err := w.tickets(ctx)
	if err != nil {
		return err
	}
	var ticket client.RecordID
	if len(tickets) > 0 {
		ticket = pick(w.camera.random, tickets).ID
	}
	if err := w.off(ctx); err != nil {
		return err
	}
	cmd := exec.Command(d.server.exe, "demo", "write-child", "--dir", w.dir, "--clock", d.time.current().String(), "--scope", string(w.site),
		"--ticket", string(ticket))
	cmd.Stderr = d.server.logs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("demo: a phone's process: %w", err)
	}
	lines := bufio.NewReader(out)
	enough := 3 + w.random.IntN(20)
	for n := 0; ; n++ {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var did written
		if err := errors.Join(err, json.Unmarshal(text, &did)); err != nil {
			return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
		}
		w.ledger.add(did.Ref)
		if did.Photo > 0 {
			made, s := lastShot(ticket, did.Photo)
			_, content := made.draw()
			w.camera.keep(&shot{recipe: made, ref: did.Ref, subject: s, hash: sha256.Sum256(content), size: int64(len(content)), quick: true})
		}
		if n == enough {
			// In the middle of whatever it does then: a little later than the line.
			time.AfterFunc(time.Duration(w.random.IntN(3000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	d.deviceKills++
	d.progress.say("kill -9 of %s in mid-write", w.name)
	w.clocks.reboot()
	return w.on(ctx)
}

// misfortunes are what goes wrong in a shift besides the link: phones whose clocks are wrong, jump or start anew, phones that die, a person who leaves and
// a phone that is lost.
func (d *demo) misfortunes(begin time.Time, hours float64, random *rand.Rand) []event {
	var events []event
	during := func(from, to float64) time.Time {
		return begin.Add(time.Duration((from + (to-from)*random.Float64()) * hours * float64(time.Hour)))
	}
	for i, w := range d.workers {
		switch n := random.IntN(100); { // of a hundred clocks 90 are right to seconds, 8 to minutes, 2 to hours or days
		case i == 1:
			w.clocks.set(-20 * 365 * 24 * time.Hour)
		case i == 2:
			w.clocks.set(73 * 365 * 24 * time.Hour)
		case n < 8:
			w.clocks.set(time.Duration(random.NormFloat64() * float64(10*time.Minute)))
		case n < 10:
			w.clocks.set(time.Duration(random.NormFloat64() * float64(48*time.Hour)))
		default:
			w.clocks.set(time.Duration(random.NormFloat64() * float64(2*time.Second)))
		}
		if random.IntN(4) == 0 {
			jump := time.Duration(random.NormFloat64() * float64(3*time.Hour))
			events = append(events, event{at: during(0.1, 0.9), phone: i, does: func(context.Context) error { w.clocks.set(jump); return nil }})
		}
		if random.IntN(3) == 0 {
			events = append(events, event{at: during(0.1, 0.9), phone: i, does: func(context.Context) error { w.clocks.reboot(); return nil }})
		}
	}
	for range min(3, len(d.workers)) {
		i := random.IntN(len(d.workers))
		events = append(events, event{at: during(0.2, 0.8), phone: i, does: func(ctx context.Context) error { return d.killWhileWriting(ctx, d.workers[i]) }})
	}
	for i, w := range d.workers {
		switch {
		case w.leaves:
			events = append(events, event{at: during(0.6, 0.7), phone: i, does: func(ctx context.Context) error {
				d.progress.say("%s's right to the site ends", w.name)
				if err := d.withOffice(func() error { return d.office.dismiss(ctx, w.ID) }); err != nil || w.device == nil {
					return err
				}
				d.dismissed[w.ID] = d.time.Now().UnixMicro()
				d.time.jump(d.time.Now().Add(time.Minute)) // and the person, who does not know, goes on
				ref, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
					Words: pick(w.random, findings), PersonId: w.ID, Said: w.clock()}}})
				return w.note(ref, err)
			}})
		case w.lost:
			events = append(events, event{at: during(0.6, 0.65), phone: -1, does: func(ctx context.Context) error { return d.doneUnseen(ctx, w) }})
			events = append(events, event{at: during(0.7, 0.8), phone: i, does: func(ctx context.Context) error {
				d.progress.say("%s's phone is lost and revoked", w.name)
				identity, err := w.device.Identity()
				if err != nil {
					return err
				}
				if err := d.withOffice(func() error { return d.office.revoke(ctx, identity.Device) }); err != nil {
					return err
				}
				d.revoked[string(identity.Device)] = d.time.Now().UnixMicro()
				d.time.jump(d.time.Now().Add(time.Minute)) // and whoever found it plays with it
				ref, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
					Words: pick(w.random, findings), PersonId: w.ID, Said: w.clock()}}})
				return w.note(ref, err)
			}})
		}
	}
	return events
}
