package export

import (
	"cmp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/term"
)

// word is one word in the languages of the files.
type word struct{ zh, en string }

// language is that of one file.
type language bool

const (
	chinese language = false
	english language = true
)

func languageOf(l roundsv1.ExportLanguage) language {
	return l == roundsv1.ExportLanguage_EXPORT_LANGUAGE_EN
}

func (l language) of(w word) string {
	if l == english {
		return w.en
	}
	return w.zh
}

func (l language) text(t *roundsv1.Text) string {
	first, second := t.GetZh(), t.GetEn()
	if l == english {
		first, second = second, first
	}
	if first == "" {
		return second
	}
	return first
}

// code is the short form of an enum's value: IN_PROGRESS for TICKET_STATE_IN_PROGRESS. A value that is not set has none, one of a newer app its number.
func code(e protoreflect.Enum) string {
	if e.Number() == 0 {
		return ""
	}
	values := e.Descriptor().Values()
	value := values.ByNumber(e.Number())
	if value == nil {
		return strconv.Itoa(int(e.Number()))
	}
	zero := string(values.ByNumber(0).Name()) // TICKET_STATE_UNSPECIFIED
	return strings.TrimPrefix(string(value.Name()), strings.TrimSuffix(zero, "UNSPECIFIED"))
}

// in is the word for an enum's value; its code where there is none.
func (l language) in(e protoreflect.Enum) string {
	return cmp.Or(l.text(term.Of(e)), code(e))
}
