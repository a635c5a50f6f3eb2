package server_test

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/server"
)

// TestPageTokensOfOthers: a page token is good for the call, the scopes, the order and the person that it was made for, and for nothing that somebody made of it.
// Whatever else is sent as one is refused with a code, the field and a sentence.
func TestPageTokensOfOthers(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.DeviceRate = 0 })
	boss := w.device
	boss.grant(roundsv1.Role_ROLE_MANAGER)
	boss.exchange(boss.push("one", "two", "three"))
	other := w.hired(t, "other", roundsv1.Role_ROLE_MANAGER)
	d := desk{w, t}
	site := []string{string(w.site)}
	root := string(w.Founding().Root)
	list := func(by *device, token string, descending bool) (string, error) {
		resp, err := d.work().ListTickets(t.Context(), as(by, &roundsv1.ListTicketsRequest{Scopes: site, PageSize: 1, PageToken: token, Descending: descending}))
		if err != nil {
			return "", err
		}
		return resp.Msg.GetNextPageToken(), nil
	}
	token, err := list(boss, "", false)
	if err != nil || token == "" {
		t.Fatal(token, err)
	}
	refused := func(what string, err error, codes ...roundsv1.ProblemCode) {
		t.Helper()
		code, p := problemOf(t, err)
		is := false
		for _, one := range codes {
			is = is || p.GetCode() == one
		}
		if code != connect.CodeInvalidArgument || !is || p.GetField() != "page_token" || p.GetSentence().GetZh() == "" {
			t.Errorf("%s: %v %v", what, code, p)
		}
	}
	const link, invalid = roundsv1.ProblemCode_PROBLEM_CODE_LINK, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
	_, err = list(other, token, false)
	refused("of another person", err, link)
	_, err = list(boss, token, true)
	refused("of another order", err, link)
	_, err = d.work().Inbox(t.Context(), as(boss, &roundsv1.InboxRequest{Scopes: site, PageToken: token}))
	refused("of another call", err, link)
	for i := range len(token) { // every letter of it
		changed := []byte(token)
		changed[i] = map[bool]byte{true: 'B', false: 'A'}[changed[i] == 'A']
		_, err := list(boss, string(changed), false)
		refused(fmt.Sprint("letter ", i), err, link)
	}
	made := []string{token + "A", token[1:], token + "\n", " " + token, token + token, "=", "....", strings.Repeat("A", 1024), uuid.NewString(), "\x00"}
	calls := map[string]func(token string) error{
		"tickets": func(token string) error { _, err := list(boss, token, false); return err },
		"rounds": func(token string) error {
			_, err := d.work().ListInspections(t.Context(), as(boss, &roundsv1.ListInspectionsRequest{Scopes: site, PageToken: token}))
			return err
		},
		"notices": func(token string) error {
			_, err := d.work().ListNotices(t.Context(), as(boss, &roundsv1.ListNoticesRequest{Scopes: site, PageToken: token}))
			return err
		},
		"queue": func(token string) error {
			_, err := d.work().ReviewQueue(t.Context(), as(boss, &roundsv1.ReviewQueueRequest{Scopes: site, PageToken: token}))
			return err
		},
		"nodes": func(token string) error {
			_, err := w.admin().ListNodes(t.Context(), as(boss, &roundsv1.ListNodesRequest{PageToken: token}))
			return err
		},
		"people": func(token string) error {
			_, err := w.admin().ListPeople(t.Context(), as(boss, &roundsv1.ListPeopleRequest{NodeId: root, PageToken: token}))
			return err
		},
		"directory": func(token string) error {
			_, err := w.admin().ListDirectory(t.Context(), as(boss, &roundsv1.ListDirectoryRequest{NodeId: root, Kind: "category", PageToken: token}))
			return err
		},
		"chase": func(token string) error {
			_, err := w.media().Chase(t.Context(), as(boss, &roundsv1.ChaseRequest{Scope: string(w.site), PageToken: token}))
			return err
		},
	}
	for name, call := range calls {
		for _, token := range made {
			if err := call(token); err == nil {
				t.Errorf("%s: %q was taken", name, token)
			} else {
				refused(fmt.Sprintf("%s: %q", name, token), err, link, invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_CURSOR)
			}
		}
	}
}
