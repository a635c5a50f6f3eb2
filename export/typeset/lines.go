package typeset

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// breakLines breaks a text into lines that are not wider than width, as measure measures a piece of it, where Unicode's rules (UAX #14) let a line end:
// behind a space, between Chinese characters, but not before a closing mark or behind an opening one. What is wider than a line by itself is broken between
// characters; a single character that is wider stands alone. Spaces at a line's end are left out; nothing else is. No text is one empty line.
func breakLines(text string, width float64, measure func(string) float64) []string {
	var lines []string
	var line strings.Builder
	used := 0.0
	end := func() {
		lines = append(lines, strings.TrimRight(line.String(), " "))
		line.Reset()
		used = 0
	}
	state := -1
	for rest := text; rest != ""; {
		var segment string
		segment, rest, _, state = uniseg.FirstLineSegmentInString(rest, state)
		words := strings.TrimRight(segment, lineEnds)
		bare := measure(strings.TrimRight(words, " "))
		if used > 0 && used+bare > width {
			end()
		}
		if bare <= width {
			line.WriteString(words)
			used += measure(words)
		} else {
			for left := words; left != ""; {
				var one string
				one, left, _, _ = uniseg.FirstGraphemeClusterInString(left, -1)
				one, left = short(one, left)
				w := measure(one)
				if used > 0 && used+w > width && one != " " {
					end()
				}
				line.WriteString(one)
				used += w
			}
		}
		if len(words) < len(segment) {
			end()
		}
	}
	if line.Len() > 0 || len(lines) == 0 {
		end()
	}
	return lines
}

// lineEnds are the characters behind which a line ends whatever fits.
const lineEnds = "\n\r\v\f\u0085\u2028\u2029"

// short bounds one character: somebody may put a thousand accents on a letter.
func short(one, rest string) (string, string) {
	const most = 16
	if len(one) <= most {
		return one, rest
	}
	n := most
	for !utf8.RuneStart(one[n]) {
		n--
	}
	return one[:n], one[n:] + rest
}
