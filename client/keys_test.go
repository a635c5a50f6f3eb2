package client

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
)

// What rests on phones must be found there by the next release: these bytes change only with formatVersion, and with code that
// reads the old ones.
func TestGoldenKeys(t *testing.T) {
	ref := recordRef{kind: "ticket", id: "0199c0de-0000-7000-8000-000000000001"}
	id := hex.EncodeToString([]byte(ref.id))
	for name, c := range map[string]struct{ got, want string }{
		"lane":     {hex.EncodeToString(single(tableLane)), "6c"},
		"replica":  {hex.EncodeToString(single(tableReplica)), "63"},
		"outbox":   {hex.EncodeToString(laneKey(tableOutbox, 1, 258)), "71" + "00000001" + "0000000000000102"},
		"ledger":   {hex.EncodeToString(laneKey(tableLedger, 1, 258)), "68" + "00000001" + "0000000000000102"},
		"tray":     {hex.EncodeToString(laneKey(tableTray, 2, 1)), "74" + "00000002" + "0000000000000001"},
		"record":   {hex.EncodeToString(recordKey(ref.kind, ref.id)), "72" + "7469636b657400" + id},
		"pending":  {hex.EncodeToString(pendingKey(ref, 1, 258)), "70" + "7469636b657400" + id + "00" + "00000001" + "0000000000000102"},
		"witness":  {hex.EncodeToString(witnessKey(7)), "77" + "0000000000000007"},
		"photo":    {hex.EncodeToString(photoKey(ref.id)), "61" + id},
		"photos":   {hex.EncodeToString(single(tablePhotoCount)), "6e"},
		"format":   {hex.EncodeToString(single(tableFormat)), "66"},
		"device":   {hex.EncodeToString(single(tableDevice)), "64"},
		"identity": {hex.EncodeToString(single(tableIdentity)), "69"},
		"tokens":   {hex.EncodeToString(single(tableTokens)), "6b"},
		"enrol":    {hex.EncodeToString(single(tableEnrolment)), "65"},
		"branch":   {hex.EncodeToString(branchKey(3)), "62" + "00000003"},
		"purged":   {hex.EncodeToString(purgedKey("site/a")), "67" + "736974652f61"},
		"kept":     {hex.EncodeToString(keptLedgerPrefix("site/a")), "68" + "736974652f61" + "00"},
		"scope":    {string(deviceScope), "\x00device"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
	for _, key := range [][]byte{recordKey(ref.kind, ref.id), pendingKey(ref, 1, 258)} {
		if got, err := keyRef(key); err != nil || got != ref {
			t.Errorf("keyRef(%x) is %v, %v", key, got, err)
		}
	}
}

func TestGoldenStates(t *testing.T) {
	hash := hexHash{0: 0xab, 31: 0xcd}
	const digits = "ab000000000000000000000000000000000000000000000000000000000000cd"
	for name, c := range map[string]struct {
		state any
		want  string
	}{
		"lane": {laneState{Branch: 1, Last: 9, Head: hash, Floor: 2, Bytes: 100, Taken: 8, Acked: 7, Confirmed: 6, Shown: 5, Stable: 1, Ask: true, Forked: true,
			Problem: []byte{1}, ParkedUS: 3, Old: &oldLane{Branch: 1, Next: 2, Last: 3}},
			`{"branch":1,"last":9,"head":"` + digits + `","floor":2,"bytes":100,"taken":8,"acked":7,"confirmed":6,"shown":5,"stable":1,` +
				`"ask":true,"forked":true,"problem":"AQ==","parked_us":3,"old":{"branch":1,"next":2,"last":3}}`},
		"replica": {replicaState{Cursor: []byte{1, 2}, Generation: 3, Resetting: true, Sum: hash, Complete: true, Own: 4, OwnBranch: 1, Diverged: 1, Repairs: 2,
			Closing: graceful, Witnesses: 5, JournalSeq: 6, JournalHash: hash},
			`{"cursor":"AQI=","generation":3,"resetting":true,"sum":"` + digits + `","complete":true,"own":4,"own_branch":1,"diverged":1,"repairs":2,` +
				`"closing":"graceful","witnesses":5,"journal_seq":6,"journal_hash":"` + digits + `"}`},
		"device": {deviceState{Anchor: anchor{Boot: "b", MonotonicUS: 1, WallUS: 2, ServerUS: 3}, Revoked: purging, Purged: true},
			`{"anchor":{"boot":"b","monotonic_us":1,"wall_us":2,"server_us":3},"revoked":"purging","purged":true}`},
		"identity": {identityState{Branch: 1, Device: "d", Person: "p", Seed: []byte{1}}, `{"branch":1,"device_id":"d","person_id":"p","seed":"AQ=="}`},
		"tokens": {tokenState{Access: "a", AccessExpiresUS: 1, Refresh: "r", RefreshExpiresUS: 2, Nonce: []byte{1}, Audience: "x"},
			`{"access":"a","access_expires_us":1,"refresh":"r","refresh_expires_us":2,"nonce":"AQ==","audience":"x"}`},
		"enrolment": {pendingEnrolment{Proof: []byte{1}, Seed: []byte{2}, Device: "d"}, `{"proof":"AQ==","seed":"Ag==","device_id":"d"}`},
		"tray":      {trayState{Status: TrayClosed, Mutation: []byte{1}, Outcome: []byte{2}, Resolution: "x"}, `{"status":"closed","mutation":"AQ==","outcome":"Ag==","resolution":"x"}`},
		"photo": {photoState{Hash: hash, Size: 9, SubjectKind: "ticket", SubjectID: "x", AddedUS: 1, StoredUS: 2, Fault: PhotoRefused, Problem: []byte{1}},
			`{"sha256":"` + digits + `","size":9,"subject_kind":"ticket","subject_id":"x","added_us":1,"stored_us":2,"fault":"refused","problem":"AQ=="}`},
		"photos": {photoCount{Captured: 7}, `{"captured":7}`},
		"purge": {purgeState{Done: true, Told: true, Lost: 1, Photos: 3, Lane: laneState{Branch: 1, Head: hash}},
			`{"done":true,"told":true,"lane":{"branch":1,"last":0,"head":"` + digits + `","floor":0,"bytes":0,"taken":0,"acked":0,"confirmed":0,"shown":0,"stable":0},"lost":1,"photos":3}`},
	} {
		got, err := json.Marshal(c.state)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, c.want)
		}
	}
	entry := ledgerEntry{content: journal.Hash(hash), status: roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED, seq: 300, toldUS: 5}
	for _, c := range []struct {
		entry ledgerEntry
		want  string
	}{{ledgerEntry{content: journal.Hash(hash)}, digits}, {entry, digits + "02" + "ac02" + "0a"}} {
		if got := hex.EncodeToString(c.entry.encode()); got != c.want {
			t.Errorf("ledger: %s, want %s", got, c.want)
		}
		if got, err := decodeLedger(c.entry.encode()); err != nil || got != c.entry {
			t.Errorf("ledger comes back as %+v, %v", got, err)
		}
	}
	if got := hex.EncodeToString(outboxEntry{previous: journal.Hash(hash), content: []byte{7}}.encode()); got != digits+"07" {
		t.Errorf("outbox: %s", got)
	}
	if got := hex.EncodeToString(encodeRecord(300, []byte{7})); got != "ac0207" {
		t.Errorf("record: %s", got)
	}
}

// FuzzDecode: bytes that are not ours are an error, never a panic.
func FuzzDecode(f *testing.F) {
	f.Add(ledgerEntry{content: journal.Hash{1}, status: 1, seq: 2, toldUS: 3}.encode())
	f.Add(pendingKey(recordRef{kind: "ticket", id: "x"}, 1, 2))
	f.Add(encodeRecord(1, []byte{10, 1, 120}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := decodeLedger(b); err == nil {
			if again, err := decodeLedger(e.encode()); err != nil || again != e {
				t.Errorf("%x is %+v and comes back as %+v, %v", b, e, again, err)
			}
		}
		_, _ = decodeOutbox(b)
		_, _ = decodeRecord(b)
		_, _ = keyRef(b)
		_, _, _ = laneTail(b)
	})
}
