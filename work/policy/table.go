package policy

import (
	"fmt"
	"strings"
)

// Table prints the settings as a table in Markdown, as docs/service.md holds it.
func Table() string {
	var b strings.Builder
	b.WriteString("| setting | type | default | what it is | 含义 |\n|---|---|---|---|---|\n")
	for _, s := range Settings() {
		kind := string(s.Type)
		if s.Unit != "" {
			kind += ", " + s.Unit
		}
		value := "`" + strings.ReplaceAll(s.Default, "|", `\|`) + "`"
		if s.Default == "" {
			value = ""
		}
		line := func(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Key, kind, value, line(s.Meaning.GetEn()), line(s.Meaning.GetZh()))
	}
	return b.String()
}
