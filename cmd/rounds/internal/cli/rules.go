package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The ways to print the rules.
const (
	formatTable    = "table"
	formatMarkdown = "markdown"
	formatJSON     = "json"
)

// rules prints the rules of the trade, as the server runs them.
func (p *program) rules() *cobra.Command {
	lang, format := "en", formatTable
	sections := ruleSections()
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	cmd := &cobra.Command{
		Use: "rules [" + strings.Join(names, "|") + "]...", Short: p.in("Print the rules of the trade: rights, workflows, and what becomes of concurrent acts", "打印业务规则：权限、流程、并发操作的结果"),
		Long: p.in("Prints the tables that the server judges by, so that they can be held beside the document that they follow. Without a name: all of them.\n\n"+
			"docs/rules.md is what `rounds rules --format markdown` prints.",
			"打印服务器据以裁决的各表，便于与其依据的文档对照。不给名称则全部打印。\n\ndocs/rules.md 即 `rounds rules --format markdown` 的输出。"),
		Args: cobra.OnlyValidArgs, ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			if lang != "zh" && lang != "en" {
				return say(Usage, "--lang %q: it is zh or en", "--lang %q：只能是 zh 或 en", lang)
			}
			asked := slices.DeleteFunc(slices.Clone(sections), func(s ruleSection) bool { return len(args) > 0 && !slices.Contains(args, s.name) })
			switch format {
			case formatTable:
				return tableRules(p.Out, asked, lang)
			case formatMarkdown:
				return markdownRules(p.Out, asked, lang)
			case formatJSON:
				return jsonRules(p.Out, asked)
			}
			return say(Usage, "--format %q: it is table, markdown or json", "--format %q：只能是 table、markdown 或 json", format)
		},
	}
	cmd.Flags().StringVar(&lang, "lang", lang, p.in("language of headings and of the arbitration table: zh or en", "标题和仲裁表的语言：zh 或 en"))
	cmd.Flags().StringVar(&format, "format", format, p.in("table, markdown or json", "table 表格、markdown 或 json"))
	return cmd
}

// tableRules prints sections as tables for a terminal.
func tableRules(to io.Writer, sections []ruleSection, lang string) error {
	for i, s := range sections {
		if i > 0 {
			fmt.Fprintln(to)
		}
		if len(sections) > 1 {
			fmt.Fprintln(to, strings.ToUpper(in(lang, s.title)))
		}
		head, rows := s.table(lang)
		t := table{head: head}
		for _, row := range rows {
			t.add(row...)
		}
		if err := t.print(to); err != nil {
			return err
		}
	}
	return nil
}

// markdownRules prints sections as a page.
func markdownRules(to io.Writer, sections []ruleSection, lang string) error {
	page := &strings.Builder{}
	line := func(cells []string) {
		page.WriteString("|")
		for _, cell := range cells {
			page.WriteString(" " + strings.ReplaceAll(clean(cell), "|", `\|`) + " |")
		}
		page.WriteString("\n")
	}
	fmt.Fprintf(page, "# %s\n\n%s\n", in(lang, words("规则", "Rules")), in(lang, words("本页由 `rounds rules --format markdown` 从代码中的表生成，请勿手工修改。",
		"Printed by `rounds rules --format markdown` from the tables in package `work`, which the server judges by and devices foresee with. Not edited by hand.")))
	for _, s := range sections {
		fmt.Fprintf(page, "\n## %s\n\n%s\n\n", in(lang, s.title), in(lang, s.about))
		head, rows := s.table(lang)
		line(head)
		page.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
		for _, row := range rows {
			line(row)
		}
	}
	_, err := io.WriteString(to, page.String())
	return err
}

// jsonRules prints sections as one object.
func jsonRules(to io.Writer, sections []ruleSection) error {
	all := map[string]any{}
	for _, s := range sections {
		all[s.name] = s.data()
	}
	return printJSON(to, all)
}
