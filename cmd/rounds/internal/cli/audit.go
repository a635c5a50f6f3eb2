package cli

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// keysFile holds the public keys of devices beside exported journals.
const keysFile = "device-keys.json"

// audited is what was found of one journal.
type audited struct {
	Scope      string      `json:"scope"`
	Entries    journal.Seq `json:"entries"`
	Mutations  int         `json:"mutations"`
	Signatures int         `json:"signatures"`
	Attested   int         `json:"attested"`
	Redacted   int         `json:"redacted"`
	Witnesses  int         `json:"witnesses"`
	Head       string      `json:"head"`
	Bad        *badEntry   `json:"bad,omitempty"`
}

type badEntry struct {
	Seq     journal.Seq  `json:"seq"`
	Through journal.Seq  `json:"through"`
	Kind    journal.Kind `json:"kind"`
	Words   string       `json:"words"`
}

type auditFlags struct {
	data, keys, export string
	witnesses          []string
	json               bool
}

func (p *program) audit() *cobra.Command {
	f := &auditFlags{}
	cmd := &cobra.Command{
		Use: "audit [FILE...]", Short: p.in("Verify journals and signatures, and name the first bad entry", "验证日志和签名，指出第一条有问题的记录"),
		Long: p.in("Verifies every journal in the data directory of a server that does not run, or in exported files: the chain of entries, the lanes of\n"+
			"devices, and the signatures of devices. With --witness, also against what a device remembers of the server's past. Nothing is changed.\n"+
			"What people did through the server, at desks, no device signed: ATTESTED counts what stands on the server's word alone.\n\n"+
			"The exit code is 1 when a bad entry was found, and the first one of each journal is named.",
			"验证未运行的服务器数据目录中的全部日志，或已导出的文件：记录的链、设备的序列和设备的签名。\n"+
				"加 --witness 时，还与某台设备所记得的服务器过去核对。不改变任何内容。\n"+
				"人员在工作台上所做的没有设备签名：ATTESTED 列统计仅凭服务器担保的记录。\n\n"+
				"发现问题时退出码为 1，并指出每份日志中第一条有问题的记录。"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.export != "" && len(args) > 0 {
				return usage(cmd, "--export writes the journals of --data: it takes no files")
			}
			if len(args) > 0 {
				return p.auditFiles(f, args)
			}
			return p.auditData(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&f.data, "data", server.Default().Data, p.in("data directory of the server", "服务器的数据目录"))
	cmd.Flags().StringVar(&f.keys, "keys", "", p.in("public keys of devices, for files (default: "+keysFile+" beside the first file)", "设备公钥，用于文件（默认：第一个文件旁的 "+keysFile+"）"))
	cmd.Flags().StringVar(&f.export, "export", "", p.in("directory to write the journals and the public keys of their devices to", "把日志和设备公钥写入此目录"))
	cmd.Flags().StringSliceVar(&f.witnesses, "witness", nil, p.in("directory of a device whose memory of the server's past is to agree", "用作见证的设备目录，其记忆须与日志一致"))
	cmd.Flags().BoolVar(&f.json, "json", false, p.in("print JSON", "输出 JSON"))
	return cmd
}

// auditData verifies the journals of a data directory.
func (p *program) auditData(ctx context.Context, f *auditFlags) error {
	archive, err := server.OpenArchive(ctx, f.data)
	switch {
	case errors.Is(err, server.ErrNoData):
		return say(Failed, "no server has run in %s: name its data directory with --data", "%s 中没有服务器运行过：请用 --data 指明其数据目录", f.data)
	case errors.Is(err, store.ErrInUse):
		return say(InUse, "a server runs in %s: end it first, or audit a copy of the directory", "%s 中有服务器在运行：请先停止，或核验目录的副本", f.data)
	case errors.Is(err, server.ErrUnclean):
		return say(Failed, "the server in %s was killed and has not run since: start it and end it once, then audit", "%s 中的服务器曾被强行终止，此后没有运行过：请启动并正常停止一次，再核验", f.data)
	case err != nil:
		return err
	}
	defer func() { _ = archive.Close() }() // it was only read
	scopes, err := archive.Scopes(ctx)
	if err != nil {
		return err
	}
	known, err := p.witnesses(ctx, f.witnesses)
	if err != nil {
		return err
	}
	out, err := newExport(f.export)
	if err != nil {
		return err
	}
	var results []audited
	for _, scope := range scopes {
		seq, hash, err := archive.Head(ctx, scope)
		if err != nil {
			return err
		}
		key := func(device string) ed25519.PublicKey {
			k := archive.DeviceKey(device)
			out.key(device, k)
			return k
		}
		entries, err := out.copying(string(scope), archive.Journal(ctx, scope))
		if err != nil {
			return err
		}
		bar := p.progress(string(scope), seq)
		one, err := verify(journal.Config{Scope: string(scope), Key: key, Witnesses: known[scope],
			Head: &journal.Witness{Seq: seq, Hash: hash, By: "the server's own head"}}, bar.watch(entries))
		bar.done()
		if err != nil {
			return err
		}
		if err := out.end(); err != nil {
			return err
		}
		results = append(results, one)
	}
	if err := out.close(); err != nil {
		return err
	}
	return p.printAudit(f, results)
}

// auditFiles verifies exported journals.
func (p *program) auditFiles(f *auditFlags, files []string) error {
	path := f.keys
	if path == "" {
		path = filepath.Join(filepath.Dir(files[0]), keysFile)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return say(Failed, "the public keys of the devices are needed: %s is not there; name the file with --keys", "需要设备公钥：没有 %s，请用 --keys 指明文件", path)
	}
	if err != nil {
		return err
	}
	keys := map[string]ed25519.PublicKey{}
	if err := json.Unmarshal(text, &keys); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var results []audited
	for _, name := range files {
		one, err := p.auditFile(name, keys)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		results = append(results, one)
	}
	return p.printAudit(f, results)
}

func (p *program) auditFile(name string, keys map[string]ed25519.PublicKey) (audited, error) {
	file, err := os.Open(name)
	if err != nil {
		return audited{}, err
	}
	defer func() { _ = file.Close() }() // it was only read
	r, err := journal.NewReader(file)
	if err != nil {
		return audited{}, err
	}
	bar := p.progress(r.Scope(), 0)
	defer bar.done()
	return verify(journal.Config{Scope: r.Scope(), Key: func(d string) ed25519.PublicKey { return keys[d] }}, bar.watch(r.All()))
}

// verify reads all entries. A fault in the journal is a result; an error is one of reading.
func verify(config journal.Config, entries iter.Seq2[[]byte, error]) (audited, error) {
	report, err := journal.Verify(config, entries)
	one := audited{Scope: config.Scope, Entries: report.Entries, Mutations: report.Mutations, Signatures: report.Signatures, Attested: report.Attested,
		Redacted: report.Redacted, Witnesses: report.Witnesses, Head: report.Head.String()}
	var fault *journal.Fault
	if errors.As(err, &fault) {
		one.Bad = &badEntry{Seq: fault.Seq, Through: fault.Through, Kind: fault.Kind, Words: fault.Words}
		err = nil
	}
	return one, err
}

// witnesses reads what devices remember, by scope.
func (p *program) witnesses(ctx context.Context, dirs []string) (map[store.Scope][]journal.Witness, error) {
	all := map[store.Scope][]journal.Witness{}
	for _, dir := range dirs {
		d := &deviceCommands{program: p, dir: dir}
		s, err := d.open(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		scopes, err := s.Scopes(ctx)
		for _, scope := range scopes {
			known, werr := s.Witnesses(ctx, scope)
			err = errors.Join(err, werr)
			for _, w := range known {
				all[scope] = append(all[scope], journal.Witness{Seq: w.Seq, Hash: w.Hash, By: "the device in " + dir})
			}
		}
		if err := errors.Join(err, s.close(ctx)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *program) printAudit(f *auditFlags, results []audited) error {
	bad := 0
	for _, one := range results {
		if one.Bad != nil {
			bad++
		}
	}
	if f.json {
		if err := printJSON(p.Out, map[string]any{"journals": results, "bad": bad}); err != nil {
			return err
		}
	} else {
		t := &table{head: p.heads("JOURNAL|日志", "ENTRIES|条目", "MUTATIONS|变更", "SIGNATURES|签名", "ATTESTED|服务器代签", "WITNESSES|见证", "FOUND|结果")}
		for _, one := range results {
			found := p.in("good", "完好")
			if one.Bad != nil {
				found = fmt.Sprintf(p.in("BAD at entry %d: %s", "第%d条有误：%s"), one.Bad.Seq, clean(string(one.Bad.Kind)))
			}
			t.add(one.Scope, fmt.Sprint(one.Entries), fmt.Sprint(one.Mutations), fmt.Sprint(one.Signatures), fmt.Sprint(one.Attested), fmt.Sprint(one.Witnesses), found)
		}
		if err := t.print(p.Out); err != nil {
			return err
		}
	}
	if bad == 0 {
		return nil
	}
	for _, one := range results {
		if one.Bad != nil {
			fmt.Fprintf(p.Err, p.in("rounds: %s: entry %d is the first bad one (%s): %s\n", "rounds：%s：第%d条是第一条有误的（%s）：%s\n"), one.Scope, one.Bad.Seq, one.Bad.Kind, clean(one.Bad.Words))
		}
	}
	return errSilent
}

// bar shows progress on a terminal, and nothing elsewhere.
type bar struct {
	to    io.Writer
	name  string
	total journal.Seq
	n     journal.Seq
}

func (p *program) progress(name string, total journal.Seq) *bar {
	b := &bar{name: name, total: total}
	if file, ok := p.Err.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		b.to = p.Err
	}
	return b
}

func (b *bar) watch(entries iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	if b.to == nil {
		return entries
	}
	return func(yield func([]byte, error) bool) {
		for entry, err := range entries {
			if b.n++; b.n%2048 == 1 {
				b.draw()
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

func (b *bar) draw() {
	const width = 30
	if b.total == 0 {
		fmt.Fprintf(b.to, "\r%s %d", b.name, b.n)
		return
	}
	full := int(min(b.n, b.total) * width / b.total)
	fmt.Fprintf(b.to, "\r%s [%s%s] %d/%d", b.name, strings.Repeat("#", full), strings.Repeat(".", width-full), b.n, b.total)
}

func (b *bar) done() {
	if b.to != nil {
		fmt.Fprint(b.to, "\r\x1b[K")
	}
}
