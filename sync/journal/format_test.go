package journal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"google.golang.org/protobuf/proto"
)

// goldenHead is an entry's head with every field set.
func goldenHead() *roundsv1.EntryHead {
	return &roundsv1.EntryHead{
		Seq: 300, Type: roundsv1.EntryType_ENTRY_TYPE_MUTATION, DeviceId: "d1", PersonId: "p1", LaneSeq: 7,
		Signature: bytes.Repeat([]byte{0xab}, 64), Record: &roundsv1.RecordRef{Kind: "ticket", Id: "t1"},
		Roles: []roundsv1.Role{roundsv1.Role_ROLE_WORKER, roundsv1.Role_ROLE_FOREMAN}, TakenUs: 1790000000000000,
		Outcome:      &roundsv1.Outcome{LaneSeq: 7, Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, Seq: 300, TimeUs: 5, Trust: roundsv1.Trust_TRUST_A},
		RecordTimeUs: 6, Cause: 2,
	}
}

// The formats rest for years: these bytes change only under a new name of the format. They were made from the package comment and the
// .proto file by a program in another language.
func TestGoldenFormats(t *testing.T) {
	previous := journal.ContentHash([]byte("the entry before"))
	start := journal.LaneStart("d1", "site/s1")
	encoded, hash, err := journal.Seal(previous, goldenHead(), []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	redacted, err := journal.Redact(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var export bytes.Buffer
	w, err := journal.NewWriter(&export, "site/s1")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range [][]byte{encoded, redacted} {
		if err := w.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"ContentHash", journal.ContentHash([]byte("content")).String(), "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"},
		{"LaneStart", start.String(), "336053c0adc0dad666f39e81baba66a1cb6bb82ec411a5332bb11d63e04639c6"},
		{"LaneNext", journal.LaneNext(start, []byte("content")).String(), "cf366a54ed48769b3bd542172adba9ce84e16a964ddd7742461206dd0104bf73"},
		{"HeadMessage", hex.EncodeToString(journal.HeadMessage(start)), "726f756e64732e686561642e763100336053c0adc0dad666f39e81baba66a1cb6bb82ec411a5332bb11d63e04639c6"},
		{"SignHead", hex.EncodeToString(journal.SignHead(keyOf("d1"), start)),
			"493b107c12d35725d06b0dba55153bb4b103e467bc3a11e263621fd161a2d028ec6d1cbbd71d03b0e27e1d68e02dee404fd7a68b50ffbfef60f7" +
				"c7f14674cb09"},
		{"entry", hex.EncodeToString(encoded),
			"0ac10108ac0212207e6cdbc4c5534a27574aca4fc8970435debb0354dac651401163448fb1d98feb1a20ed7002b439e9ac845f22357d822bac14" +
				"44730fbdb6016d3ec9432297b9ec9f7320012a0264313202703138074240abababababababababababababababababababababababababababab" +
				"abababababababababababababababababababababababababababababababababababab4a0c0a067469636b657412027431520202035880c097" +
				"d1edff9603620b0807100118ac0220052801680670021207636f6e74656e74"},
		{"entry's hash", hash.String(), "d6c252af2827cc1f2865677e918af8a606b1d3c05afa1bcfd9ad0724a13e2991"},
		{"redacted entry", hex.EncodeToString(redacted),
			"0ac10108ac0212207e6cdbc4c5534a27574aca4fc8970435debb0354dac651401163448fb1d98feb1a20ed7002b439e9ac845f22357d822bac14" +
				"44730fbdb6016d3ec9432297b9ec9f7320012a0264313202703138074240abababababababababababababababababababababababababababab" +
				"abababababababababababababababababababababababababababababababababababab4a0c0a067469636b657412027431520202035880c097" +
				"d1edff9603620b0807100118ac022005280168067002"},
		{"export", journal.ContentHash(export.Bytes()).String(), "17ab33b3d0aa85608f404da8a9b989236610f0033c50622a06c54c23f06cb9cc"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s changed:\n got %s\nwant %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestSealAndOpen(t *testing.T) {
	previous := journal.ContentHash([]byte("the entry before"))
	sealed := goldenHead()
	shared := bytes.Repeat([]byte{1}, 32)
	sealed.Previous, sealed.ContentHash = shared, shared
	prefix := []byte("prefix")
	out, hash, err := journal.AppendSeal(prefix, previous, sealed, []byte("content"))
	if err != nil || !bytes.HasPrefix(out, prefix) {
		t.Fatalf("%v, %q", err, out)
	}
	if !bytes.Equal(shared, bytes.Repeat([]byte{1}, 32)) {
		t.Error("Seal wrote into memory that head only pointed to")
	}
	encoded := out[len(prefix):]
	var entry roundsv1.JournalEntry
	if err := proto.Unmarshal(encoded, &entry); err != nil || string(entry.Content) != "content" {
		t.Fatalf("not a JournalEntry to protobuf: %v", err)
	}
	head, content, opened, err := journal.Open(encoded)
	if err != nil {
		t.Fatal(err)
	}
	want := goldenHead()
	contentHash := journal.ContentHash([]byte("content"))
	want.Previous, want.ContentHash = previous[:], contentHash[:]
	if !proto.Equal(head, want) || !proto.Equal(sealed, want) || string(content) != "content" || opened != hash {
		t.Errorf("opened %v, %q, %s", head, content, opened)
	}
	if journal.Redacted(head, content) || !journal.Redacted(head, nil) {
		t.Error("Redacted")
	}
	same, _, err := journal.AppendSealHashed(nil, previous, goldenHead(), contentHash, []byte("content"))
	if err != nil || !bytes.Equal(same, encoded) {
		t.Errorf("AppendSealHashed makes other bytes: %v", err)
	}
	lie, _, err := journal.AppendSealHashed(nil, previous, goldenHead(), previous, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := journal.Open(lie); !errors.Is(err, journal.ErrContent) {
		t.Errorf("content that does not fit: %v", err)
	}
	if _, err := journal.Redact(lie); !errors.Is(err, journal.ErrContent) {
		t.Errorf("redacting it: %v", err)
	}

	// An entry that never had content.
	bare, _, err := journal.Seal(previous, goldenHead(), nil)
	if err != nil {
		t.Fatal(err)
	}
	head, content, _, err = journal.Open(bare)
	if err != nil || len(content) != 0 || journal.Redacted(head, content) {
		t.Errorf("without content: %v, %q", err, content)
	}
	// Fields of a newer server pass through.
	newer := goldenHead()
	newer.ProtoReflect().SetUnknown([]byte{0xf8, 0x07, 0x01})
	encoded, hash, err = journal.Seal(previous, newer, nil)
	if err != nil {
		t.Fatal(err)
	}
	head, _, opened, err = journal.Open(encoded)
	if err != nil || opened != hash || !bytes.Equal(head.ProtoReflect().GetUnknown(), []byte{0xf8, 0x07, 0x01}) {
		t.Errorf("a field of a newer server: %v", err)
	}
}

func TestSealRefuses(t *testing.T) {
	previous := journal.ContentHash(nil)
	for name, tt := range map[string]struct {
		previous journal.Hash
		head     *roundsv1.EntryHead
		content  int
	}{
		"no head":          {previous, nil, 0},
		"no seq":           {previous, &roundsv1.EntryHead{}, 0},
		"a second first":   {previous, &roundsv1.EntryHead{Seq: 1}, 0},
		"nothing before":   {journal.Hash{}, &roundsv1.EntryHead{Seq: 2}, 0},
		"too much content": {previous, &roundsv1.EntryHead{Seq: 2}, journal.MaxContent + 1},
		"too long a head":  {previous, &roundsv1.EntryHead{Seq: 2, PersonId: strings.Repeat("p", journal.MaxHead)}, 0},
	} {
		dst := []byte("before")
		out, _, err := journal.AppendSeal(dst, tt.previous, tt.head, make([]byte, tt.content))
		if !errors.Is(err, journal.ErrSeal) || string(out) != "before" {
			t.Errorf("%s: %v, %d bytes", name, err, len(out))
		}
	}
	if _, _, err := journal.Seal(previous, &roundsv1.EntryHead{Seq: 2, PersonId: "\xff"}, nil); err == nil {
		t.Error("a string that is not UTF-8")
	}
	// The longest that is allowed opens again.
	head := &roundsv1.EntryHead{Seq: 2, PersonId: strings.Repeat("p", journal.MaxHead-100)}
	head.PersonId += strings.Repeat("p", journal.MaxHead-proto.Size(&roundsv1.EntryHead{Seq: 2, PersonId: head.PersonId, Previous: previous[:], ContentHash: previous[:]}))
	encoded, _, err := journal.Seal(previous, head, make([]byte, journal.MaxContent))
	if err != nil || len(encoded) != journal.MaxEntry {
		t.Fatalf("%v, %d bytes, want %d", err, len(encoded), journal.MaxEntry)
	}
	if _, _, _, err := journal.Open(encoded); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	previous := journal.ContentHash(nil)
	good, _, err := journal.Seal(previous, goldenHead(), []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	entry := func(head proto.Message) []byte {
		raw, err := proto.Marshal(head)
		if err != nil {
			t.Fatal(err)
		}
		out, err := proto.Marshal(&roundsv1.JournalEntry{Head: raw})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	long := make([]byte, journal.MaxContent+1)
	longHash := journal.ContentHash(long)
	raw, err := proto.Marshal(&roundsv1.EntryHead{Seq: 2, Previous: previous[:], ContentHash: longHash[:]})
	if err != nil {
		t.Fatal(err)
	}
	tooLong, err := proto.Marshal(&roundsv1.JournalEntry{Head: raw, Content: long})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing":                       {},
		"no head":                       good[len(good)-9:],
		"bytes behind":                  append(bytes.Clone(good), 0),
		"content of no bytes":           append(bytes.Clone(good[:len(good)-9]), 0x12, 0),
		"content twice":                 append(bytes.Clone(good), good[len(good)-9:]...),
		"content before head":           append(bytes.Clone(good[len(good)-9:]), good[:len(good)-9]...),
		"a length that is not shortest": append(append(bytes.Clone(good[:len(good)-8]), 0x87, 0x00), "content"...),
		"a length beyond the end":       good[:len(good)-1],
		"a length that never ends":      append([]byte{0x0a}, bytes.Repeat([]byte{0xff}, 20)...),
		"a length beyond the limit":     append([]byte{0x0a, 0x81, 0x80, 0x80, 0x02}, make([]byte, journal.MaxHead+1)...),
		"a head that is no message":     {0x0a, 0x01, 0xff},
		"a head without seq":            entry(&roundsv1.EntryHead{Previous: previous[:], ContentHash: previous[:]}),
		"a head without previous":       entry(&roundsv1.EntryHead{Seq: 2, ContentHash: previous[:]}),
		"a head without content hash":   entry(&roundsv1.EntryHead{Seq: 2, Previous: previous[:]}),
		"a head with a short hash":      entry(&roundsv1.EntryHead{Seq: 2, Previous: previous[:31], ContentHash: previous[:]}),
		"content beyond the limit":      tooLong,
	} {
		if _, _, _, err := journal.Open(b); !errors.Is(err, journal.ErrGarbled) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := journal.Redact(b); !errors.Is(err, journal.ErrGarbled) {
			t.Errorf("redacting %s: %v", name, err)
		}
	}
}

func TestHash(t *testing.T) {
	h := journal.ContentHash([]byte("x"))
	if got, err := journal.ParseHash(h[:]); err != nil || got != h || got.IsZero() {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := journal.ParseHash(nil); err != nil || !got.IsZero() {
		t.Errorf("%v, %v", got, err)
	}
	for _, n := range []int{1, 31, 33} {
		if _, err := journal.ParseHash(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are a hash", n)
		}
	}
	if journal.VerifyHead(nil, h, journal.SignHead(keyOf("d"), h)) || journal.VerifyHead(publicKeys("d"), h, nil) {
		t.Error("no key or no signature verifies")
	}
}
