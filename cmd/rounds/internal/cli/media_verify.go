package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/store"
)

type verifyFlags struct {
	data    string
	storage server.MediaConfig
	settled time.Duration
	json    bool
}

// badObject is a fault as programs read it.
type badObject struct {
	Fault   string `json:"fault"`
	Address string `json:"address"`
	Found   string `json:"found,omitempty"`
	Error   string `json:"error,omitempty"`
}

// verified is what was found of a whole store.
type verified struct {
	Wanted  int64            `json:"wanted"`
	Objects int64            `json:"objects"`
	Bytes   int64            `json:"bytes"`
	Faults  []badObject      `json:"faults"`
	Counts  map[string]int64 `json:"counts"`
}

func (p *program) mediaVerify() *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{Use: "verify", Short: p.in("Hash every stored photo again, and name what is missing, changed or orphaned", "重新计算全部照片的哈希，指出缺失、改变或无主的"), Args: cobra.NoArgs,
		Long: p.in("Reads the whole storage of photos of a server that does not run, computes every hash again, and holds what is there against the records in the\n"+
			"data directory. Nothing is changed. The exit code is 1 when something is missing, changed, unreadable or orphaned.",
			"读取未运行的服务器的全部照片存储，重新计算每个哈希，并与数据目录中的记录核对。不改变任何内容。\n有缺失、改变、不可读或无主的内容时退出码为 1。"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.storage.S3 == "" && !cmd.Flags().Changed("s3") {
				f.storage.S3 = p.getenv("ROUNDS_MEDIA_S3")
			}
			if f.storage.S3 != "" && f.storage.Dir != "" {
				return usage(cmd, "--s3 excludes --media-dir")
			}
			return p.verifyMedia(cmd.Context(), f)
		}}
	cmd.Flags().StringVar(&f.data, "data", server.Default().Data, p.in("data directory of the server", "服务器的数据目录"))
	cmd.Flags().StringVar(&f.storage.Dir, "media-dir", "", p.in("directory that holds the photos (default: media in the data directory)", "存放照片的目录（默认：数据目录中的 media）"))
	cmd.Flags().StringVar(&f.storage.S3, "s3", "", p.in("object store that holds the photos, as media.s3; also ROUNDS_MEDIA_S3, which keeps its secret off the command line", "存放照片的对象存储，同 media.s3；也可用 ROUNDS_MEDIA_S3，使密钥不出现在命令行"))
	cmd.Flags().DurationVar(&f.settled, "settled", 0, p.in("what was written so short a time ago is not called orphaned", "写入不足此时长的不算无主"))
	cmd.Flags().BoolVar(&f.json, "json", false, p.in("print JSON", "输出 JSON"))
	return cmd
}

// verifyMedia audits a storage.
func (p *program) verifyMedia(ctx context.Context, f *verifyFlags) (err error) {
	archive, err := server.OpenArchive(ctx, f.data)
	switch {
	case errors.Is(err, server.ErrNoData):
		return say(Failed, "no server has run in %s: name its data directory with --data", "%s 中没有服务器运行过：请用 --data 指明其数据目录", f.data)
	case errors.Is(err, store.ErrInUse):
		return say(InUse, "a server runs in %s: end it first, or verify a copy of the directory", "%s 中有服务器在运行：请先停止，或核验目录的副本", f.data)
	case errors.Is(err, server.ErrUnclean):
		return say(Failed, "the server in %s was killed and has not run since: start it and end it once, then verify", "%s 中的服务器曾被强行终止，此后没有运行过：请启动并正常停止一次，再核验", f.data)
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	photos, err := server.OpenPhotos(ctx, f.data, f.storage)
	switch {
	case errors.Is(err, server.ErrNoData):
		return say(Failed, "there are no photos below %s: name their place with --media-dir or --s3", "%s 下没有照片：请用 --media-dir 或 --s3 指明位置", f.data)
	case errors.Is(err, media.ErrUnavailable) && f.storage.S3 != "":
		return say(Unreachable, "the object store does not answer: %s", "对象存储没有应答：%s", oneLine(err))
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, photos.Close()) }()

	var want []media.Hash
	promised := map[media.Hash]bool{} // perhaps there, perhaps on their way: neither missing nor orphaned
	for one, err := range archive.Originals(ctx) {
		if errors.Is(err, store.ErrReadOnly) { // the indexes are of another version, and have to be made anew before they can be read
			return say(Failed, "another version of rounds was the last to run in %s: start this one there and end it once, then verify", "最近在 %s 运行的是另一版本：请用本版本启动并正常停止一次，再核验", f.data)
		}
		if err != nil {
			return err
		}
		if one.Stored {
			want = append(want, one.Hash)
		} else {
			promised[one.Hash] = true
		}
	}
	found := verified{Wanted: int64(len(want)), Faults: []badObject{}, Counts: map[string]int64{}}
	bar := p.objectBar(found.Wanted)
	config := media.AuditConfig{
		Want: func(yield func(media.Hash, error) bool) {
			for _, h := range want {
				if !yield(h, nil) {
					return
				}
			}
		},
		Progress: func(a media.AuditProgress) {
			found.Objects, found.Bytes = a.Objects, a.Bytes
			bar.set(a.Objects)
		},
	}
	if f.settled > 0 {
		config.Settled = p.Now().Add(-f.settled)
	}
	for fault, err := range media.Audit(ctx, photos, config) {
		if err != nil {
			bar.end()
			return err
		}
		if _, h, err := fault.Address.Parse(); err == nil && fault.Kind == media.FaultOrphaned && promised[h] {
			continue
		}
		one := badObject{Fault: fault.Kind.String(), Address: string(fault.Address)}
		if fault.Kind == media.FaultChanged {
			one.Found = fault.Found.String()
		}
		if fault.Err != nil {
			one.Error = oneLine(fault.Err)
		}
		found.Faults = append(found.Faults, one)
		found.Counts[one.Fault]++
	}
	bar.end()
	return p.printVerified(f, found)
}

func (p *program) printVerified(f *verifyFlags, found verified) error {
	if f.json {
		if err := printJSON(p.Out, found); err != nil {
			return err
		}
	} else {
		if len(found.Faults) > 0 {
			t := &table{head: p.heads("FAULT|问题", "OBJECT|对象", "MORE|说明")}
			for _, one := range found.Faults {
				more := one.Error
				if one.Found != "" {
					more = p.in("its bytes hash to ", "内容的哈希为 ") + one.Found
				}
				t.add(one.Fault, one.Address, clean(more))
			}
			if err := t.print(p.Out); err != nil {
				return err
			}
		}
		fmt.Fprintf(p.Out, p.in("%d objects looked at, %s hashed again, %d photos held against them: ", "查看对象%d个，重新计算哈希 %s，核对照片%d张："), found.Objects, bytesText(found.Bytes), found.Wanted)
		if len(found.Faults) == 0 {
			fmt.Fprintln(p.Out, p.in("all is as it should be", "全部正常"))
		} else {
			fmt.Fprintf(p.Out, p.in("%d faults\n", "%d个问题\n"), len(found.Faults))
		}
	}
	if len(found.Faults) == 0 {
		return nil
	}
	if !f.json {
		fmt.Fprintf(p.Err, p.in("rounds: %d faults: what is missing or changed is in a backup, or on the phone that took it (rounds media chase)\n",
			"rounds：%d个问题：缺失或被改动的内容在备份中，或在拍摄它的手机上（rounds media chase）\n"), len(found.Faults))
	}
	return errSilent
}

// objectBar shows how far an audit is, on a terminal.
type objectBar struct {
	all *mpb.Progress
	bar *mpb.Bar
}

func (p *program) objectBar(originals int64) objectBar {
	file, ok := p.Err.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return objectBar{}
	}
	all := mpb.New(mpb.WithOutput(file), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
	// Each original has up to three objects beside it.
	bar := all.AddBar(max(1, 4*originals), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name(p.in("objects ", "对象 "))),
		mpb.AppendDecorators(decor.CountersNoUnit(p.in("%d of about %d", "%d / 约%d"))))
	return objectBar{all, bar}
}

func (b objectBar) set(n int64) {
	if b.bar != nil {
		b.bar.SetCurrent(n)
	}
}

func (b objectBar) end() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.all.Wait()
	}
}
