package journal_test

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/rounds-sync/rounds/sync/journal"
)

// An auditor reads an exported journal, with the keys that devices enrolled and what a phone kept as a witness.
func ExampleVerify() {
	export, witness := someExport()

	in, err := journal.NewReader(bytes.NewReader(export))
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := journal.Verify(journal.Config{Scope: in.Scope(), Key: publicKeys, Witnesses: []journal.Witness{witness}}, in.All())
	var fault *journal.Fault
	switch {
	case errors.As(err, &fault):
		fmt.Println("first bad entry:", fault.Seq, fault.Kind)
	case err != nil:
		fmt.Println("cannot be read:", err)
	default:
		fmt.Printf("%d entries hold, %d of them mutations under %d signatures; %d witness agrees\n", report.Entries, report.Mutations,
			report.Signatures, report.Witnesses)
	}
	// Output: 11 entries hold, 8 of them mutations under 4 signatures; 1 witness agrees
}

// someExport is a journal of eleven entries, and what a phone saw at the ninth.
func someExport() ([]byte, journal.Witness) {
	var out bytes.Buffer
	w, err := journal.NewWriter(&out, scope)
	if err != nil {
		panic(err)
	}
	var witness journal.Witness
	var previous journal.Hash
	for _, s := range morning(1) {
		encoded, hash, err := journal.Seal(previous, s.head, s.content)
		if err != nil {
			panic(err)
		}
		if err := w.Add(encoded); err != nil {
			panic(err)
		}
		if previous = hash; s.head.Seq == 9 {
			witness = journal.Witness{Seq: 9, Hash: hash, By: "phone-b"}
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes(), witness
}
