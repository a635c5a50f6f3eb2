package client_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// exampleDevice opens a device that was enrolled before, at a server that refuses notes that say "nobody". An app opens a
// boltstore, and gets identity and tokens by client.Enrol.
func exampleDevice(ctx context.Context) *client.Device {
	t := &testing.T{}
	s := newServer(t)
	s.judge = rejectNotes("nobody")
	me := identity(t, 1)
	s.keys[me.Device] = me.Key.Public().(ed25519.PublicKey)
	d, err := client.Open(ctx, client.Config{
		Store:    memstore.New(memstore.Config{}),
		Identity: &me,
		Sync:     s,
		Tokens:   &tokens{device: me.Device},
		Clock:    newClock(),
		Rand:     seeded(1),
	})
	if err != nil {
		log.Fatal(err)
	}
	return d
}

// In the basement: everything is on disk and can be read back at once.
func Example_offline() {
	ctx := context.Background()
	d := exampleDevice(ctx)

	ref, err := d.Create(ctx, site, "", ticket(&roundsv1.Ticket{Title: "地库积水 basement water", Priority: roundsv1.Priority_PRIORITY_NORMAL}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := d.Edit(ctx, site, ref.ID, ticket(&roundsv1.Ticket{Notes: "pump 2 is off"}), "notes"); err != nil {
		log.Fatal(err)
	}
	view, err := d.Get(ctx, site, "ticket", ref.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(view.Record.GetTicket().GetTitle(), "/", view.Record.GetTicket().GetNotes(), "/", view.Pending, "pending")
	// Output: 地库积水 basement water / pump 2 is off / 2 pending
}

// At the lift lobby: one round trip delivers all of it.
func ExampleDevice_Sync() {
	ctx := context.Background()
	d := exampleDevice(ctx)

	for _, title := range []string{"bin overflow", "dirty tiles", "light out"} {
		if _, err := d.Create(ctx, site, "", ticket(&roundsv1.Ticket{Title: title})); err != nil {
			log.Fatal(err)
		}
	}
	report, err := d.Sync(ctx)
	if err != nil {
		log.Fatal(err) // nothing is lost: what is queued stays queued
	}
	fmt.Println(report.Sent, "sent,", report.Applied, "applied,", report.Exchanges, "round trip")

	for view, err := range d.List(ctx, site, "ticket") {
		if err != nil {
			log.Fatal(err)
		}
		if view.Pending > 0 {
			fmt.Println("still pending:", view.Record.GetTicket().GetTitle())
		}
	}
	// Output: 3 sent, 3 applied, 1 round trip
}

// What the server does not take comes to the tray; the person mends it.
func ExampleDevice_Tray() {
	ctx := context.Background()
	d := exampleDevice(ctx)

	ref, err := d.Create(ctx, site, "", ticket(&roundsv1.Ticket{Title: "loose lock"}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := d.Edit(ctx, site, ref.ID, ticket(&roundsv1.Ticket{Notes: "nobody"}), "notes"); err != nil {
		log.Fatal(err)
	}
	if _, err := d.Sync(ctx); err != nil {
		log.Fatal(err)
	}
	items, err := d.Tray(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range items {
		fmt.Println(item.Status, "-", item.Outcome.GetProblem().GetSentence().GetEn())
		item.Mutation.GetEdit().GetRecord().GetTicket().Notes = "tenant is out until six"
		if _, err := d.Resend(ctx, item.Key, item.Mutation); err != nil {
			log.Fatal(err)
		}
	}
	report, err := d.Sync(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Applied, "applied")
	// Output:
	// rejected - not you
	// 1 applied
}
