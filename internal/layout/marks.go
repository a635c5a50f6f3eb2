package layout

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The marks of English sentences, and in the same order those that Chinese ones are written with.
const (
	halfWidth = ",;:()?!"
	fullWidth = "，；：（）？！"
)

// marks finds Chinese words with the marks of English ones: whoever reads Chinese sees them at once. Tests may have either, and so may the strings of the rules' list.
func (c *checker) marks(f file) {
	if f.test {
		return
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		words, err := strconv.Unquote(literal.Value)
		if err != nil || slices.Contains(c.rules.HalfWidth, words) {
			return true
		}
		if mark, found := misplaced(words); found {
			c.fault(f.path, literal.Pos(), "%q has \"%c\" beside a Chinese character: write \"%c\", with no space after it (what people type so stands in HalfWidth of the rules)",
				words, mark, []rune(fullWidth)[strings.IndexRune(halfWidth, mark)])
		}
		return true
	})
}

// verb is where a value comes into a string. It says nothing of the language.
var verb = regexp.MustCompile(`%[-+# 0]*[0-9.*\[\]]*[a-zA-Z]`)

// misplaced is the first half-width mark that has a Chinese character, or a Chinese mark, right before or after it; a value may stand between them.
func misplaced(text string) (mark rune, found bool) {
	words := []rune(verb.ReplaceAllString(text, ""))
	chinese := func(i int) bool {
		return i >= 0 && i < len(words) && (unicode.Is(unicode.Han, words[i]) || strings.ContainsRune(fullWidth+"。、「」《》", words[i]))
	}
	for i, r := range words {
		if strings.ContainsRune(halfWidth, r) && (chinese(i-1) || chinese(i+1)) {
			return r, true
		}
	}
	return 0, false
}
