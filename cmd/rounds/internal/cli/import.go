package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/internal/community"
)

// importCommand takes tables of units, sites, places, assets, staff and so on into the directory.
func (p *program) importCommand() *cobra.Command {
	d := &deviceCommands{program: p}
	i := &importing{deviceCommands: d}
	var template, demo string
	var columns bool
	var scale community.Scale
	var seed uint64
	cmd := &cobra.Command{
		Use: "import DIR|FILE...", Short: p.in("Take tables of sites, places, staff, categories and so on into the directory", "把项目、位置、员工、类别等表格导入目录"),
		Long: p.in("Imports CSV files, as the administrator whose device this directory is. A file's name says what it holds: "+strings.Join(tableNames(), ".csv, ")+".csv;\n"+
			"with --kind a file may have any name. The first line names the columns (rounds import --columns explains them, --template writes empty files).\n"+
			"Letters are UTF-8, UTF-16 or GB18030, as spreadsheets save them.\n\n"+
			"All files are checked before the first row is written, and one row at fault keeps everything from being written. Importing again changes nothing: a cell\n"+
			"that differs changes that field alone, a column that is not there leaves its field as it is, and nothing is deleted because it is missing. An import\n"+
			"that was interrupted is finished by running it again.",
			"以本目录设备所属管理员的身份导入 CSV 文件。文件名说明内容："+strings.Join(tableNames(), ".csv、")+".csv;\n"+
				"用 --kind 则文件名不限。第一行是列名（rounds import --columns 逐列说明，--template 写出空表）。\n"+
				"文字编码为 UTF-8、UTF-16 或 GB18030，与表格软件保存的一致。\n\n"+
				"先检查全部文件再写入第一行；有一行出错则全部不写。重复导入不产生变化：不同的单元格只改该字段，缺少的列保持原值，\n"+
				"不会因缺少某行而删除。中断的导入再运行一次即可完成。"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case template != "":
				return p.writeTemplates(template)
			case demo != "":
				return community.WriteTables(demo, seed, scale)
			case columns:
				return p.explainColumns()
			case len(args) == 0:
				return usageBoth(cmd, "it needs files, or a directory with some", "要给出文件，或含有这些文件的目录")
			}
			if err := d.reaching(cmd); err != nil {
				return err
			}
			files, err := findTables(args, i.kind)
			if err != nil {
				return err
			}
			return d.with(func(ctx context.Context, s *session, _ []string) error { return i.run(ctx, s, files) })(cmd, args)
		},
	}
	d.flags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&i.dryRun, "dry-run", false, p.in("say what would be done, and do nothing", "只说明将做什么，不写入"))
	flags.BoolVar(&i.skipCheck, "skip-check", false, p.in("write at once, without checking everything first; rows at fault are left out", "不先全部检查，直接写入；有错的行略过"))
	flags.StringVar(&i.report, "report", "", p.in("CSV file to write what was created and changed into, with what stood before: it undoes an import", "把新建和修改的内容及原值写入此 CSV 文件，可用于撤销"))
	flags.StringVar(&i.kind, "kind", "", p.in("what the files hold, whatever they are called: ", "文件的内容，不论文件名：")+strings.Join(tableNames(), ", "))
	flags.IntVar(&i.most, "max-errors", 50, p.in("most rows at fault to print", "最多显示多少行错误"))
	flags.StringVar(&template, "template", "", p.in("write a file for each table into this directory, with an example row", "在此目录为每种表写一个带示例行的模板"))
	flags.BoolVar(&columns, "columns", false, p.in("explain the columns of every table", "说明每种表的各列"))
	flags.StringVar(&demo, "demo", "", p.in("write the tables of an invented company into this directory", "在此目录写出一家虚构公司的表格"))
	flags.IntVar(&scale.Sites, "sites", 24, p.in("with --demo: how many sites", "与 --demo 合用：项目数"))
	flags.IntVar(&scale.Staff, "staff", 62, p.in("with --demo: how many people", "与 --demo 合用：人数"))
	flags.Uint64Var(&seed, "seed", 1, p.in("with --demo: the same seed writes the same", "与 --demo 合用：相同种子写出相同内容"))
	return cmd
}

// tableNames are the tables, in the order in which they are imported.
func tableNames() []string {
	var names []string
	for _, t := range directory.Tables() {
		names = append(names, t.Name)
	}
	return names
}

// findTables finds the files that are meant, in the order in which rows refer to each other.
func findTables(args []string, kind string) ([]tableFile, error) {
	all := directory.Tables()
	at := func(name string) int {
		return slices.IndexFunc(all, func(t directory.Table) bool { return t.Name == name })
	}
	if kind != "" && at(kind) < 0 {
		return nil, say(Usage, "%q is none of %s", "%q 不是以下之一：%s", kind, strings.Join(tableNames(), ", "))
	}
	var files []tableFile
	add := func(path string, named bool) error {
		name := kind
		if name == "" {
			name, _, _ = strings.Cut(strings.ToLower(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))), ".")
		}
		n := at(name)
		if n < 0 {
			if named {
				return say(Usage, "%s is called after none of %s: say what it holds with --kind", "%s 不是按以下任何一种命名的：%s。请用 --kind 说明内容", path, strings.Join(tableNames(), ", "))
			}
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		files = append(files, tableFile{path: path, table: all[n], size: info.Size()})
		return nil
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if err := add(arg, true); err != nil {
				return nil, err
			}
			continue
		}
		found, err := filepath.Glob(filepath.Join(arg, "*.csv"))
		if err != nil {
			return nil, err
		}
		slices.Sort(found)
		for _, path := range found {
			if err := add(path, false); err != nil {
				return nil, err
			}
		}
	}
	if len(files) == 0 {
		return nil, say(Usage, "no tables there: they are called %s.csv", "那里没有表格：文件名应为 %s.csv", strings.Join(tableNames(), ".csv, "))
	}
	slices.SortStableFunc(files, func(a, b tableFile) int { return at(a.table.Name) - at(b.table.Name) })
	return files, nil
}

// writeTemplates writes an empty file for each table. None is overwritten.
func (p *program) writeTemplates(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, t := range directory.Tables() {
		path := filepath.Join(dir, t.Name+".csv")
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return say(Failed, "%s exists, and is not written over: name another directory", "%s 已存在，不会覆盖：请换一个目录", path)
		}
		if err != nil {
			return err
		}
		header, example := []string{}, []string{}
		for _, c := range t.Columns {
			header, example = append(header, c.Name), append(example, c.Example)
		}
		w := csv.NewWriter(file)
		_, _ = file.WriteString("\ufeff") // so that spreadsheets take it for UTF-8
		err = w.WriteAll([][]string{header, example})
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(p.Out, path)
	}
	return nil
}

// explainColumns prints every table's columns.
func (p *program) explainColumns() error {
	w := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	for _, t := range directory.Tables() {
		fmt.Fprintf(w, "%s.csv\n", t.Name)
		for _, c := range t.Columns {
			need := ""
			if c.Needed {
				need = p.in(" (needed)", "（必填）")
			}
			fmt.Fprintf(w, "  %s%s\t%s\t%s\n", c.Name, need, c.About.GetEn(), c.About.GetZh())
		}
	}
	return w.Flush()
}

// patience is how long one batch may take.
const patience = 3 * time.Minute
