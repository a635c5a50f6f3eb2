// Package mediatest is the conformance suite that every driver of package media passes, and Memory, a driver in memory with crashes and faults on
// demand. The suite knows nothing of a driver but the contract in package media: parts and objects go by real HTTP, to the URLs that it gives out.
package mediatest

import (
	"testing"
	"time"

	"net/http"

	"github.com/rounds-sync/rounds/media"
)

// Harness is a driver with an empty storage, and what a test needs around it.
type Harness struct {
	// Driver under test. Whoever made it closes it, by t.Cleanup.
	Driver media.Driver
	// Client to send to its URLs with; nil is http.DefaultClient.
	Client *http.Client
	// Now is the clock that URLs expire and uploads rest by.
	Now func() time.Time
	// Pass lets time pass on that clock, no more than 3 s at once. Who has no clock but the real one waits.
	Pass func(d time.Duration)
	// Reopen ends the driver, without a farewell if it can, and opens the same storage again. nil: tests that need it are skipped.
	Reopen func(t *testing.T) media.Driver
	// Damage changes a bit of a stored object behind the driver's back. nil: tests that need it are skipped.
	Damage func(t *testing.T, at media.Address)
}

// Open makes a driver with an empty storage of its own, and fails the test if it cannot.
type Open func(t *testing.T) *Harness

// Options say in what a driver legitimately differs from others.
type Options struct {
	// NoHead: links answer GET only, as where the method is part of the signature.
	NoHead bool
	// NoMediaTypes: what an object was put with is not kept, so that Info.MediaType is "".
	NoMediaTypes bool
}

// Run runs the suite.
func Run(t *testing.T, open Open, options Options) {
	s := suite{open: open, Options: options}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *run)
	}{
		{"PutOpenDelete", testPutOpenDelete},
		{"PutReplaces", testPutReplaces},
		{"ReadAnywhere", testReadAnywhere},
		{"DeleteWhileReading", testDeleteWhileReading},
		{"Addresses", testAddresses},
		{"List", testList},
		{"Context", testContext},
		{"Check", testCheck},
		{"ObjectsAreDurable", testObjectsAreDurable},

		{"Link", testLink},
		{"LinkRanges", testLinkRanges},
		{"LinkHead", testLinkHead},
		{"LinkWithoutObject", testLinkWithoutObject},
		{"LinkExpires", testLinkExpires},
		{"LinkTampered", testLinkTampered},
		{"Methods", testMethods},

		{"OnePart", testOnePart},
		{"ManyParts", testManyParts},
		{"PlanNamesSome", testPlanNamesSome},
		{"PlanInvalid", testPlanInvalid},
		{"PartSizesChange", testPartSizesChange},
		{"Overlap", testOverlap},
		{"Resume", testResume},
		{"TwoOwners", testTwoOwners},
		{"LostReplies", testLostReplies},
		{"OldURLs", testOldURLs},
		{"WrongMD5", testWrongMD5},
		{"WrongLength", testWrongLength},
		{"CutPart", testCutPart},
		{"PartExpires", testPartExpires},
		{"PartTampered", testPartTampered},
		{"PartSwapped", testPartSwapped},

		{"FinishIncomplete", testFinishIncomplete},
		{"FinishRefused", testFinishRefused},
		{"FinishReads", testFinishReads},
		{"FinishGivenUp", testFinishGivenUp},
		{"FinishDuringPart", testFinishDuringPart},
		{"FinishByTwoOwners", testFinishByTwoOwners},
		{"FinishTwiceAtOnce", testFinishTwiceAtOnce},
		{"FinishLeavesWhatIsThere", testFinishLeavesWhatIsThere},
		{"FinishIsDurable", testFinishIsDurable},
		{"Abort", testAbort},
		{"Sweep", testSweep},
		{"Receive", testReceive},
		{"Audit", testAudit},
		{"Storm", testStorm},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s.start(t)) })
	}
}

type suite struct {
	open Open
	Options
}

// start opens an empty storage for one test.
func (s suite) start(t *testing.T) *run {
	h := s.open(t)
	r := &run{Harness: *h, Options: s.Options, d: h.Driver}
	if r.Client == nil {
		r.Client = http.DefaultClient
	}
	return r
}

// run is one test's driver.
type run struct {
	Harness
	Options
	d media.Driver // the one that is open now
}

// reopen goes on with the same storage in a new driver.
func (r *run) reopen(t *testing.T) {
	t.Helper()
	if r.Reopen == nil {
		t.Skip("this driver cannot be opened again")
	}
	r.d = r.Reopen(t)
}
