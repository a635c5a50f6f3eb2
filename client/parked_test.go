package client_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// With the real server: a photo is taken after the person's right ended, and before the phone heard of it. Its fact is quarantined, its bytes are delivered
// before the site is purged from the phone, and when somebody lets the fact in the photo is
// there as it was taken.
func TestPhotoAfterTheRightEnded(t *testing.T) {
	v := newTown(t)
	v.done = nil // no cuts
	admissions := roundsv1connect.NewAuthServiceClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, v.cfg.URL)
	people := v.server.Authority().Admin()
	me, err := v.d.Identity()
	if err != nil {
		t.Fatal(err)
	}
	boss := auth.Identity{Person: auth.PersonID(me.Person), Device: auth.DeviceID(me.Device), State: v.server.Authority().DeviceState(auth.DeviceID(me.Device))}
	grant := func(person string, role roundsv1.Role) string {
		made, err := people.CreateGrant(t.Context(), boss, &roundsv1.CreateGrantRequest{PersonId: person, NodeId: strings.TrimPrefix(string(v.site), "site/"), Role: role})
		if err != nil {
			t.Fatal(err)
		}
		return made.GetGrant().GetGrantId()
	}
	grant(string(boss.Person), roundsv1.Role_ROLE_MANAGER)
	li, err := people.CreatePerson(t.Context(), boss, &roundsv1.CreatePersonRequest{Name: "Li Wei", HomeNodeId: string(v.server.Founding().Root)})
	if err != nil {
		t.Fatal(err)
	}
	person := li.GetPerson().GetPersonId()
	code, err := people.CreateEnrolmentCode(t.Context(), boss, &roundsv1.CreateEnrolmentCodeRequest{PersonId: person})
	if err != nil {
		t.Fatal(err)
	}
	until := grant(person, roundsv1.Role_ROLE_WORKER)

	disk := memstore.New(memstore.Config{})
	if _, err := client.Enrol(t.Context(), disk, client.Enrolment{Auth: admissions, Audience: v.cfg.URL, Code: code.GetCode()}); err != nil {
		t.Fatal(err)
	}
	cfg := v.device
	cfg.Store = disk
	if cfg.Tokens, err = client.OpenTokens(t.Context(), disk, admissions, nil, nil); err != nil {
		t.Fatal(err)
	}
	if cfg.Originals, err = client.Folder(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	phone, err := client.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := phone.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref, err := phone.Create(t.Context(), v.site, "", ticket(&roundsv1.Ticket{Title: "lamp"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := phone.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := people.EndGrant(t.Context(), boss, &roundsv1.EndGrantRequest{PersonId: person, GrantId: until}); err != nil {
		t.Fatal(err)
	}
	content := drawn(t, 320, 240)
	_, id, err := phone.AddPhoto(t.Context(), v.site, client.PhotoInput{Original: bytes.NewReader(content), Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER,
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(ref.ID)}, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA})
	if err != nil {
		t.Fatal(err)
	}
	quarantined, purged := 0, false
	for tries := 0; tries < 10 && !purged; tries++ {
		report, err := phone.Sync(t.Context())
		t.Log(err, report.Quarantined, report.Photos, report.Purged)
		quarantined += report.Quarantined
		purged = slices.Contains(report.Purged, v.site)
	}
	if quarantined == 0 || !purged {
		t.Fatalf("%d quarantined, purged: %v", quarantined, purged)
	}

	if _, err := v.d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	var waiting []client.RecordID
	for one, err := range v.d.List(t.Context(), v.site, "conflict") {
		if err != nil {
			t.Fatal(err)
		}
		if question := one.Record.GetConflict(); question.GetSubject().GetId() == string(id) && len(question.GetPhotoSha256()) > 0 {
			waiting = append(waiting, one.ID)
		}
	}
	if len(waiting) != 1 {
		t.Fatalf("%d questions say that the bytes are here", len(waiting))
	}
	if _, err := v.d.Command(t.Context(), v.site, waiting[0], &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{
		Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}}}); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(2 * time.Minute)
	for state := roundsv1.PhotoState_PHOTO_STATE_UNSPECIFIED; state < roundsv1.PhotoState_PHOTO_STATE_CLEAN; {
		if _, err := v.d.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		for one, err := range v.d.List(t.Context(), v.site, "photo") {
			if err != nil {
				t.Fatal(err)
			}
			state = one.Record.GetPhoto().GetState()
		}
		select {
		case <-deadline:
			t.Fatalf("still %v", state)
		case <-time.After(5 * time.Millisecond):
		}
	}
	v.wantIdentical([]string{string(id)}, [][]byte{content})
}
