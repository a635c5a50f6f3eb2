package policy

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/term"
)

// WhyMoved is what people read in place of the reason of a pause, or of another move of the ledger: the words of the site's list, or of the list that every site begins
// with, or of the rules; where nobody knows the reason, itself. It is nil for none. The text is shared: whoever gets it does not change it.
func (p Policy) WhyMoved(reason string) *roundsv1.Text {
	if listed, known := p.Pause(reason); known {
		return listed.Words
	}
	if listed, known := Default().Pause(reason); known {
		return listed.Words
	}
	return written(reason)
}

// WhyReturned is what people read in place of why work was sent back, as a review or the state of a ticket keeps it: a code of the site's list, alone or with ": " and
// words behind it. The code is put into words as in WhyMoved; what is no code is returned as it is.
func (p Policy) WhyReturned(reason string) *roundsv1.Text {
	code, said, _ := strings.Cut(reason, ": ")
	words := term.Reason(code)
	if listed, known := p.Reject(code); known {
		words = listed.Words
	} else if listed, known := Default().Reject(code); known {
		words = listed.Words
	}
	if words == nil || said == "" {
		return firstText(words, written(reason))
	}
	return &roundsv1.Text{Zh: words.GetZh() + "；" + said, En: words.GetEn() + "; " + said}
}

// firstText is the first that there is.
func firstText(a, b *roundsv1.Text) *roundsv1.Text {
	if a != nil {
		return a
	}
	return b
}

// written is a reason in words of the rules, or as somebody wrote it.
func written(reason string) *roundsv1.Text {
	if reason == "" {
		return nil
	}
	return firstText(term.Reason(reason), &roundsv1.Text{Zh: reason, En: reason})
}
