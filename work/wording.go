package work

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

// choices are what somebody may choose from, as a refusal names them: in both languages, each with the code that a command takes.
type choices struct {
	codes, zh, en []string
}

func (c *choices) add(code string, words *roundsv1.Text) {
	c.codes = append(c.codes, code)
	c.zh = append(c.zh, wordsAndCode(words.GetZh(), words.GetEn(), code, "（", "）"))
	c.en = append(c.en, wordsAndCode(words.GetEn(), words.GetZh(), code, " (", ")"))
}

// facts: "reasons" are the codes, for programs; "choices" and "choices_en" are for people.
func (c *choices) facts() map[string]string {
	return map[string]string{"reasons": strings.Join(c.codes, ","), "choices": strings.Join(c.zh, "、"), "choices_en": strings.Join(c.en, ", ")}
}

// wordsAndCode is the words and the code between brackets, in the other language where there are none in this one; the code alone where there are none at all.
func wordsAndCode(words, other, code, open, end string) string {
	if words == "" {
		words = other
	}
	if words == "" || words == code {
		return code
	}
	return words + open + code + end
}

// quoted is words, in the other language where there are none in this one; in quotes a code where there are none at all.
func quoted(words, other, code string, en bool) string {
	switch {
	case words != "":
		return words
	case other != "":
		return other
	case en:
		return "“" + code + "”"
	}
	return "「" + code + "」"
}

// quotedAll are codes in quotes, as many as a refusal names.
func quotedAll(codes []string, en bool) string {
	var all []string
	for _, code := range codes[:min(len(codes), maxNamed)] {
		all = append(all, quoted("", "", code, en))
	}
	if en {
		return strings.Join(all, ", ")
	}
	return strings.Join(all, "、")
}

// questionWords name the first items of a checklist by their questions, and by their keys, in quotes, where the checklist does not have them.
func questionWords(list *roundsv1.Checklist, checkpoints, keys []string, en bool) string {
	const named = 3
	var words []string
	for _, key := range keys[:min(named, len(keys))] {
		q, _ := checklist.Find(list, checkpoints, key)
		if text := q.Item.GetQuestion(); en {
			words = append(words, quoted(text.GetEn(), text.GetZh(), key, en))
		} else {
			words = append(words, quoted(text.GetZh(), text.GetEn(), key, en))
		}
	}
	if len(keys) > named {
		words = append(words, "…")
	}
	if en {
		return strings.Join(words, ", ")
	}
	return strings.Join(words, "、")
}
