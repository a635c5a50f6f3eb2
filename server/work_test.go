package server_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
)

// TestDesk: over the wire a desk lists what devices pushed, reads its story, and decides; pages go by tokens of this server alone.
func TestDesk(t *testing.T) {
	w := start(t)
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	w.device.exchange(w.device.push("泵房漏水", "电梯困人", "Pump ROOM"))
	work := roundsv1connect.NewWorkServiceClient(w.http, w.base)
	list := func(req *roundsv1.ListTicketsRequest) (*roundsv1.ListTicketsResponse, error) {
		req.Scopes = []string{string(w.site)}
		resp, err := work.ListTickets(t.Context(), as(w.device, req))
		if err != nil {
			return nil, err
		}
		return resp.Msg, nil
	}
	var titles []string
	token, pages := "", 0
	for {
		resp, err := list(&roundsv1.ListTicketsRequest{PageSize: 2, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range resp.GetRows() {
			titles = append(titles, row.GetRecord().GetTicket().GetTitle())
		}
		if pages++; resp.GetTotal() != 3 {
			t.Errorf("a total of %d", resp.GetTotal())
		}
		if resp.GetNextPageToken() == "" {
			break
		}
		token = resp.GetNextPageToken()
	}
	slices.Sort(titles)
	if pages != 2 || !slices.Equal(titles, []string{"Pump ROOM", "泵房漏水", "电梯困人"}) {
		t.Errorf("%d pages: %q", pages, titles)
	}
	_, err := list(&roundsv1.ListTicketsRequest{PageSize: 2, PageToken: token, Descending: true})
	if code, why := problemOf(t, err); code != connect.CodeInvalidArgument || why.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_LINK {
		t.Errorf("a token of another order: %v %v", code, why)
	}
	_, err = list(&roundsv1.ListTicketsRequest{PageSize: 501})
	if code, _ := problemOf(t, err); code != connect.CodeInvalidArgument {
		t.Errorf("too large a page: %v", code)
	}
	found, err := list(&roundsv1.ListTicketsRequest{Filter: &roundsv1.TicketFilter{Text: "ｐｕｍｐ room"}})
	if err != nil || len(found.GetRows()) != 1 {
		t.Fatalf("full text: %v, %v", found, err)
	}
	row := found.GetRows()[0]
	act := &roundsv1.DeskAct{ActId: uuid.NewString(), Scope: string(w.site), RecordId: row.GetRecordId(), Base: row.GetVersion(),
		Act: &roundsv1.DeskAct_Edit{Edit: &roundsv1.Edit{Fields: []uint32{1}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{
			Ticket: &roundsv1.Ticket{Title: "Pump room 4"}}}}}}
	for range 2 {
		done, err := work.Decide(t.Context(), as(w.device, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{act}}))
		if err != nil || done.Msg.GetResults()[0].GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			t.Fatalf("an edit: %v, %v", done, err)
		}
	}
	story, err := work.Story(t.Context(), as(w.device, &roundsv1.StoryRequest{Scope: string(w.site), RecordAlone: true, ByArrival: true,
		Record: &roundsv1.RecordRef{Kind: "ticket", Id: row.GetRecordId()}}))
	if err != nil {
		t.Fatal(err)
	}
	var types []roundsv1.EntryType
	for _, e := range story.Msg.GetEntries() {
		types = append(types, e.GetType())
	}
	want := []roundsv1.EntryType{roundsv1.EntryType_ENTRY_TYPE_MUTATION, roundsv1.EntryType_ENTRY_TYPE_DESK}
	if name := story.Msg.GetNames()[w.device.person]; name.GetZh() != "Administrator" || !strings.HasPrefix(story.Msg.GetEntries()[1].GetSentence().GetZh(), "Administrator ") {
		t.Errorf("who is in no list of staff: %v, %v", name, story.Msg.GetEntries()[1].GetSentence())
	}
	if !slices.Equal(types, want) || story.Msg.GetEntries()[1].GetReplaced().GetTicket().GetTitle() != "Pump ROOM" {
		t.Errorf("story %v", story.Msg)
	}
}

// TestDeskRights: without a role at the site, and as a resident, a person learns nothing; the answers are the same as for a site that there is not.
func TestDeskRights(t *testing.T) {
	w := start(t)
	resident := w.hired(t, "resident", roundsv1.Role_ROLE_RESIDENT)
	work := roundsv1connect.NewWorkServiceClient(w.http, w.base)
	var sentences []string
	for _, scope := range []string{string(w.site), "site/" + uuid.NewString()} {
		_, err := work.ReviewQueue(t.Context(), as(resident, &roundsv1.ReviewQueueRequest{Scopes: []string{scope}}))
		code, why := problemOf(t, err)
		if code != connect.CodePermissionDenied || why.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("%v %v", code, why)
		}
		sentences = append(sentences, why.GetSentence().GetEn())
	}
	if sentences[0] != sentences[1] {
		t.Errorf("the answers differ: %q", sentences)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/rounds.v1.WorkService/Inbox", bytes.NewReader([]byte(`{"scopes":["`+string(w.site)+`"]}`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(string(text), "unauthenticated") {
		t.Errorf("without a token: %d %s", resp.StatusCode, text)
	}
}
