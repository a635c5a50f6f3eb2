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
	c.zh = append(c.zh, wordsAndCode(words.GetZh(), words.GetEn(), code))
	c.en = append(c.en, wordsAndCode(words.GetEn(), words.GetZh(), code))
}

// facts: "reasons" are the codes, for programs; "choices" and "choices_en" are for people.
func (c *choices) facts() map[string]string {
	return map[string]string{"reasons": strings.Join(c.codes, ","), "choices": strings.Join(c.zh, "、"), "choices_en": strings.Join(c.en, ", ")}
}

// wordsAndCode is "words (code)", in the other language where there are none in this one; the code alone where there are none at all.
func wordsAndCode(words, other, code string) string {
	if words == "" {
		words = other
	}
	if words == "" || words == code {
		return code
	}
	return words + " (" + code + ")"
}

// questionWords name the first items of a checklist by their questions, and by their keys where the checklist does not have them.
func questionWords(list *roundsv1.Checklist, checkpoints, keys []string, en bool) string {
	const named = 3
	var words []string
	for _, key := range keys[:min(named, len(keys))] {
		q, _ := checklist.Find(list, checkpoints, key)
		text := q.Item.GetQuestion().GetZh()
		if en {
			text = q.Item.GetQuestion().GetEn()
		}
		if text == "" {
			text = key
		}
		words = append(words, text)
	}
	if len(keys) > named {
		words = append(words, "…")
	}
	if en {
		return strings.Join(words, ", ")
	}
	return strings.Join(words, "、")
}
