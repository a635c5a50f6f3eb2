package review

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A row that holds all of the words is always among those that may, however rows were set, cleared and set again; and few others are.
func TestNoWordIsMissedByItsSignature(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	letters := []rune("水泵房漏电梯灯不亮一二三四五六七八九十abcdefg 甲乙丙丁，。0123456789\U00020000\n")
	draw := func(most int) string {
		text := make([]rune, random.IntN(most))
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		return string(text)
	}
	g := newGrams()
	texts := make([]string, 300)
	found, passed, absent := 0, 0, 0
	for range 3000 {
		row := random.IntN(len(texts))
		text := draw(60)
		g.put(row, texts[row], text)
		texts[row] = text
		query := words(strings.ReplaceAll(draw(5), "\n", "") + " " + draw(2))
		may := make([]candidates, len(query))
		for i, word := range query {
			may[i] = g.may(word)
		}
		for row, text := range texts {
			holds := true
			for _, word := range query {
				holds = holds && strings.Contains(text, word)
			}
			lets := true
			for _, rows := range may {
				lets = lets && rows.lets(row)
			}
			switch {
			case holds && !lets:
				t.Fatalf("%q holds %q", text, query)
			case holds:
				found++
			case lets:
				passed++
			default:
				absent++
			}
		}
	}
	if found < 1000 || absent < 1000 || passed > absent/4 {
		t.Errorf("%d rows held the words, %d others were let through, %d were not", found, passed, absent)
	}
}
