package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/server/compress"
)

// exports is the group of commands that take the work out as files.
func (p *program) exports() *cobra.Command {
	d := &deviceCommands{program: p}
	cmd := &cobra.Command{
		Use: "export", Short: p.in("Take tickets, rounds, facts and history out as CSV, XLSX or PDF", "把工单、巡检、事实和历史导出为 CSV、XLSX 或 PDF"),
		Long: p.in("Takes the work of sites out as files, as the person whose device this directory is. The file gets its name when it is whole and its\n"+
			"SHA-256 is what the server says; what breaks off leaves nothing. A file that is there is kept unless --force is given.\n\n"+
			"The history, and the columns that say who households are, need the role of a manager, a supervisor or an auditor.",
			"以本目录设备所属人员的身份，把项目的工作导出为文件。内容完整且 SHA-256 与服务器一致后文件才得名；中断则不留文件。\n已有的文件不覆盖，除非给出 --force。\n\n历史以及能识别住户的列，需要经理、主管或审计角色。"),
	}
	d.flags(cmd)
	for _, one := range []struct {
		use, short string
		content    roundsv1.ExportContent
	}{
		{"tickets", d.in("Tickets, a row each", "工单，每张一行"), roundsv1.ExportContent_EXPORT_CONTENT_TICKETS},
		{"rounds", d.in("Inspection rounds, a row each", "巡检，每次一行"), roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS},
		{"facts", d.in("Photos, readings, answers, scans, labour, remarks and completions, a row each", "照片、读数、答案、扫码、工时、备注和完工，每条一行"), roundsv1.ExportContent_EXPORT_CONTENT_FACTS},
		{"history", d.in("Entries of the journal, a row each", "日志记录，每条一行"), roundsv1.ExportContent_EXPORT_CONTENT_HISTORY},
	} {
		cmd.AddCommand(d.exportTable(one.use, one.short, one.content))
	}
	cmd.AddCommand(d.exportDocument())
	return cmd
}

// exportFlags are what the commands share.
type exportFlags struct {
	scopes []string
	lang   string
	target target
}

func (f *exportFlags) add(p *program, cmd *cobra.Command) {
	lang := "zh" // as the company keeps its books, whatever the machine speaks
	if p.chosen {
		lang = p.lang
	}
	cmd.Flags().StringSliceVar(&f.scopes, "scope", nil, p.in("the site, by code, name or id; of tables several (default: the only one)", "项目的编码、名称或编号；表格可多个（默认：唯一的项目）"))
	cmd.Flags().StringVar(&f.lang, "lang", lang, p.in("language of headers and words: zh or en", "表头和用词的语言：zh 或 en"))
	cmd.Flags().StringVar(&f.target.path, "out", "", p.in("file to write, - for the standard output (default: a name by the server, in this directory)", "输出文件，- 为标准输出（默认：当前目录，名称由服务器给出）"))
	cmd.Flags().BoolVar(&f.target.force, "force", false, p.in("overwrite a file that is there", "覆盖已有文件"))
}

func (f *exportFlags) language() (roundsv1.ExportLanguage, error) {
	v, err := enumValue(roundsv1.ExportLanguage_value, "EXPORT_LANGUAGE", f.lang)
	return roundsv1.ExportLanguage(v), err
}

// named returns the scopes that are meant.
func (f *exportFlags) named(ctx context.Context, s *session) ([]string, error) {
	asked := f.scopes
	if len(asked) == 0 {
		asked = []string{""}
	}
	var scopes []string
	for _, one := range asked {
		if kind, _, ok := strings.Cut(one, "/"); ok && (kind == "desk" || kind == "org" || kind == "user") {
			scopes = append(scopes, one)
			continue
		}
		scope, err := s.siteOrID(ctx, one)
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, string(scope))
	}
	return scopes, nil
}

func (d *deviceCommands) exportTable(use, short string, content roundsv1.ExportContent) *cobra.Command {
	var (
		f                          exportFlags
		format, from, to, id       string
		states                     []string
		most                       uint64
		mark                       bool
		reachesTickets, reachesAll = content == roundsv1.ExportContent_EXPORT_CONTENT_TICKETS, content == roundsv1.ExportContent_EXPORT_CONTENT_FACTS
	)
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := &roundsv1.ExportRequest{Content: content, RecordId: strings.ToLower(id), MaxRows: most, ByteOrderMark: mark}
		v, err := enumValue(map[string]int32{"EXPORT_FORMAT_CSV": 1, "EXPORT_FORMAT_XLSX": 2}, "EXPORT_FORMAT", format)
		if err != nil {
			return usage(cmd, oneLine(err))
		}
		req.Format = roundsv1.ExportFormat(v)
		if req.Language, err = f.language(); err != nil {
			return usage(cmd, oneLine(err))
		}
		if req.FromUs, err = moment(from, false); err == nil {
			req.ToUs, err = moment(to, true)
		}
		if err != nil {
			return usage(cmd, oneLine(err))
		}
		for _, state := range states {
			if reachesTickets || reachesAll {
				v, err := enumValue(roundsv1.TicketState_value, "TICKET_STATE", state)
				if err != nil {
					return err
				}
				req.TicketStates = append(req.TicketStates, roundsv1.TicketState(v))
				continue
			}
			v, err := enumValue(roundsv1.InspectionState_value, "INSPECTION_STATE", state)
			if err != nil {
				return err
			}
			req.InspectionStates = append(req.InspectionStates, roundsv1.InspectionState(v))
		}
		return d.exporting(cmd, args, &f, req, nil)
	}
	f.add(d.program, cmd)
	cmd.Flags().StringVar(&format, "format", "csv", d.in("csv or xlsx", "csv 或 xlsx 格式"))
	cmd.Flags().StringVar(&from, "from", "", d.in("only from this day or moment on: 2026-03-04, \"2026-03-04 08:00\" (this machine's zone) or RFC 3339", "从此日或此刻起：2026-03-04、\"2026-03-04 08:00\"（本机时区）或 RFC 3339"))
	cmd.Flags().StringVar(&to, "to", "", d.in("only to this moment, or through this day", "到此刻或此日为止"))
	cmd.Flags().StringVar(&id, "record", "", d.in("only this ticket or round, by its whole id", "只导出此工单或巡检（完整编号）"))
	cmd.Flags().Uint64Var(&most, "most", 0, d.in("refuse a file of more rows (default: the server's limit)", "超过此行数则拒绝（默认：服务器的上限）"))
	cmd.Flags().BoolVar(&mark, "bom", false, d.in("begin CSV with the byte order mark, by which Excel knows Chinese", "CSV 以字节序标记开头，便于 Excel 识别中文"))
	if content != roundsv1.ExportContent_EXPORT_CONTENT_HISTORY {
		cmd.Flags().StringSliceVar(&states, "state", nil, d.in("only these states (closed, in-progress, ...); of facts: the tickets'", "只导出这些状态（closed、in-progress……）；事实按其工单的状态"))
	}
	return cmd
}

func (d *deviceCommands) exportDocument() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{Use: "pdf RECORD", Short: d.in("One ticket or inspection round with its photos, as PDF", "把一张工单或一次巡检连同照片导出为 PDF"), Args: cobra.ExactArgs(1),
		Long: d.in("Makes a document of one ticket or inspection round: what it says, its timeline, answers, photos with what the checks found, and the hashes\n"+
			"that it can be held against. RECORD is a part of the id of one that the device holds, or the whole id of any at the site (--scope).",
			"生成一张工单或一次巡检的文档：内容、时间线、答案、照片及检查结果，以及可供核对的哈希。\nRECORD 是本机所存记录的部分编号，或项目中任一记录的完整编号（配合 --scope）。")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := &roundsv1.ExportRequest{Format: roundsv1.ExportFormat_EXPORT_FORMAT_PDF}
		var err error
		if req.Language, err = f.language(); err != nil {
			return usage(cmd, oneLine(err))
		}
		return d.exporting(cmd, args, &f, req, func(ctx context.Context, s *session) error { return s.documented(ctx, args[0], req) })
	}
	f.add(d.program, cmd)
	return cmd
}

// documented finds the record that a document is asked of: one that the device holds, or one that the server may have.
func (s *session) documented(ctx context.Context, part string, req *roundsv1.ExportRequest) error {
	part = strings.ToLower(part)
	req.Content = roundsv1.ExportContent_EXPORT_CONTENT_TICKETS
	view, err := s.findAny(ctx, part, "ticket", "inspection")
	if err == nil {
		if view.Record.GetInspection() != nil {
			req.Content = roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS
		}
		req.RecordId, req.Scopes = string(view.ID), []string{string(view.Scope)}
		return nil
	}
	var own *exit
	if _, broken := uuid.Parse(part); broken != nil || !errors.As(err, &own) || own.code != Failed {
		return err
	}
	if len(req.GetScopes()) == 0 {
		scope, unknown := s.site(ctx, "")
		if unknown != nil {
			return err
		}
		req.Scopes = []string{string(scope)}
	}
	req.RecordId = part
	return nil
}

// exporting makes one export.
func (d *deviceCommands) exporting(cmd *cobra.Command, args []string, f *exportFlags, req *roundsv1.ExportRequest,
	more func(context.Context, *session) error) error {
	if err := d.reaching(cmd); err != nil {
		return err
	}
	if err := f.target.free(); err != nil {
		return err
	}
	return d.with(func(ctx context.Context, s *session, _ []string) error {
		var err error
		if more == nil || len(f.scopes) > 0 {
			if req.Scopes, err = f.named(ctx, s); err != nil {
				return err
			}
		}
		if more != nil {
			if err := more(ctx, s); err != nil {
				return err
			}
		}
		done, err := d.receive(ctx, s, f.target, req)
		// What only the server knows may be the other kind of record.
		if more != nil && isNoRecord(err) && req.GetContent() == roundsv1.ExportContent_EXPORT_CONTENT_TICKETS {
			req.Content = roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS
			done, err = d.receive(ctx, s, f.target, req)
		}
		if err != nil {
			return err
		}
		if d.json && f.target.path != "-" {
			return printJSON(d.Out, done)
		}
		to := d.Out
		if f.target.path == "-" {
			to = d.Err
		}
		_, err = fmt.Fprintf(to, "%s: %d rows, %s, SHA-256 %s\n", clean(done.File), done.Rows, bytesText(done.Bytes), done.SHA256)
		return err
	})(cmd, args)
}

// receive takes the stream of one export, as the device's person. The server has d.wait to begin, and may stand still for a minute after.
func (d *deviceCommands) receive(ctx context.Context, s *session, to target, req *roundsv1.ExportRequest) (exported, error) {
	service := roundsv1connect.NewExportServiceClient(s.remote.http, s.link.Server,
		connect.WithClientOptions(compress.Client(answerBytes), connect.WithReadMaxBytes(answerBytes)))
	refused := client.AccessToken("")
	for {
		token, err := s.tokens.Token(ctx, refused)
		if err != nil {
			return exported{}, err
		}
		done, err := func() (exported, error) {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			idle := time.AfterFunc(d.wait, func() { cancel(context.DeadlineExceeded) })
			defer idle.Stop()
			message := connect.NewRequest(req)
			message.Header().Set("Authorization", "Bearer "+string(token))
			stream, err := service.Export(ctx, message)
			if err != nil {
				return exported{}, cause(ctx, err)
			}
			defer func() { _ = stream.Close() }()
			done, err := to.take(stream, d.program, func() { idle.Reset(max(d.wait, time.Minute)) })
			return done, cause(ctx, err)
		}()
		if connect.CodeOf(err) == connect.CodeUnauthenticated && err != nil && refused == "" {
			refused = token
			continue
		}
		return done, err
	}
}

// cause is why a call ended that was ended here.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	return err
}

func isNoRecord(err error) bool {
	var call *connect.Error
	if !errors.As(err, &call) {
		return false
	}
	for _, d := range call.Details() {
		if value, err := d.Value(); err == nil {
			if p, ok := value.(*roundsv1.Problem); ok && p.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD {
				return true
			}
		}
	}
	return false
}

// moment reads a point in time, 0 for none; of a day that is an end, the end of that day.
func moment(text string, end bool) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UnixMicro(), nil
	}
	if t, err := time.ParseInLocation("2006-01-02 15:04", text, time.Local); err == nil {
		return t.UnixMicro(), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return 0, say(Usage, "%q is no time: give 2026-03-04, \"2026-03-04 08:00\" or RFC 3339", "%q 不是时间：请写 2026-03-04、\"2026-03-04 08:00\" 或 RFC 3339", text)
	}
	if end {
		t = t.AddDate(0, 0, 1)
	}
	return t.UnixMicro(), nil
}
