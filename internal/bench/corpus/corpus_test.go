package corpus_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/rounds-sync/rounds/internal/bench/corpus"
)

// TestTickets: the size that goals are stated for, no two alike, and the same again for the same seed.
func TestTickets(t *testing.T) {
	const n = 2000
	a, b, other := corpus.New(1, 1), corpus.New(1, 1), corpus.New(2, 1)
	seen := map[string]bool{}
	size := 0
	for range n {
		id, ticket := a.ID(), a.Ticket()
		if again := b.ID(); again != id || !proto.Equal(ticket, b.Ticket()) {
			t.Fatal("the same seed gave another ticket")
		}
		if other.ID() == id || proto.Equal(other.Ticket(), ticket) {
			t.Fatal("another seed gave the same ticket")
		}
		encoded, err := protojson.Marshal(ticket)
		if err != nil {
			t.Fatal(err)
		}
		size += len(encoded)
		if seen[id] || seen[ticket.String()] {
			t.Fatalf("twice: %s %s", id, encoded)
		}
		seen[id], seen[ticket.String()] = true, true
	}
	if mean := size / n; mean < 540 || mean > 700 {
		t.Errorf("a ticket has %d bytes of JSON in the mean, not about 600", mean)
	}
}
