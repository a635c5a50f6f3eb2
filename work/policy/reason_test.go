package policy_test

import (
	"testing"

	"github.com/rounds-sync/rounds/work/policy"
)

// TestReasonsInWords: a code stands as what the site calls it, or what sites begin with, or what the rules call it; what is no code as it was written.
func TestReasonsInWords(t *testing.T) {
	site, err := policy.Parse(map[string]string{"pause.lift": "stops|等电梯|the lift is out", "reject.not_clean": "没扫干净|dirty still", "reject.smell": "有异味|it smells", "pause.owner": ""})
	if err != nil {
		t.Fatal(err)
	}
	for reason, want := range map[string][2]string{"lift": {"等电梯", "the lift is out"}, "owner": {"等待业主", "waiting for the resident"}, "follow_up": {"回访已解决", "solved, by the follow-up visit"},
		"tools": {"tools", "tools"}, "": {}} {
		if words := site.WhyMoved(reason); words.GetZh() != want[0] || words.GetEn() != want[1] {
			t.Errorf("a pause for %q is for %v", reason, words)
		}
	}
	for reason, want := range map[string][2]string{"not_clean": {"没扫干净", "dirty still"}, "smell: 门口": {"有异味；门口", "it smells; 门口"}, "retake": {"待重拍", "to be taken again"},
		"not_done: a: b": {"问题未解决；a: b", "the fault is still there; a: b"}, "see: there": {"see: there", "see: there"}, "重复报事": {"重复报事", "重复报事"}, "": {}} {
		if words := site.WhyReturned(reason); words.GetZh() != want[0] || words.GetEn() != want[1] {
			t.Errorf("%q was sent back for %v", reason, words)
		}
	}
}
