// Package cli is the command line of rounds: what it is called with, what it prints, and how it ends.
//
// Results go to the standard output, as tables for people or with --json as JSON for programs; all else goes to the standard error. An error is one
// line that says what went wrong and what to do about it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Streams are where a command reads and writes, and what it knows of its surroundings.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Environ is the environment, as from os.Environ.
	Environ []string
	// Now is the wall clock.
	Now func() time.Time
}

// Terminal returns the streams of the process.
func Terminal() Streams {
	return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Now: time.Now}
}

func (s Streams) getenv(name string) string {
	for _, pair := range s.Environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// Main runs the command line and returns the exit code; see Exit. The extra commands stand beside those of this package.
func Main(ctx context.Context, args []string, streams Streams, extra ...*cobra.Command) int {
	p := &program{Streams: streams}
	p.lang, p.chosen = streams.language(args)
	root := p.commands()
	root.AddCommand(extra...)
	root.InitDefaultHelpCmd()
	p.strict(root)
	p.translate(root)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return int(Done)
	}
	line, code := p.explain(err)
	if line != "" {
		fmt.Fprintln(streams.Err, "rounds: "+line)
	}
	return int(code)
}

// commands returns the command line.
func (p *program) commands() *cobra.Command {
	root := &cobra.Command{
		Use: "rounds",
		Short: p.in("Field work that holds offline: the server, a device in a terminal, and the tools around them",
			"断网也能干活的现场作业：服务器、终端里的设备，以及相关工具"),
		Long: p.in("Rounds keeps the tickets, inspections and photos of crews who work without a network, and reconciles them when there is one.\n\n"+
			"Exit codes: "+exitCodes(),
			"Rounds 在没有网络时保存工单、巡检和照片，有网络时再与服务器核对。\n\n"+
				"退出码：0 完成，1 失败或查出问题，2 用法有误，3 设备未注册，4 连不上服务器，5 被拒绝，6 目录或端口被占用\n\n"+
				"语言：--lang zh 或环境变量 ROUNDS_LANG；否则用服务器登记的本人语言，再否则用系统语言。"),
		SilenceErrors: true, SilenceUsage: true, Args: cobra.ArbitraryArgs, // strict looks at them
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.SetUsageTemplate(p.usageTemplate(root.UsageTemplate()))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageBoth(cmd, err.Error(), "参数有误（"+err.Error()+"）")
	})
	root.AddCommand(p.serve(), p.config(), p.version(), p.device(), p.admin(), p.importCommand(), p.audit(), p.media(), p.desk(), p.rules(), p.exports())
	return root
}

// program is what the commands share.
type program struct {
	Streams
	// lang is the language that people are spoken to in: "zh" or "en". chosen: they asked for it, so that nothing that is learnt later changes it.
	lang   string
	chosen bool
}

// strict has a group of commands refuse a subcommand that does not exist, and makes every fault of arguments and flags one of usage.
func (p *program) strict(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	if help := cmd.Flags().Lookup("help"); help != nil {
		help.Usage = p.in(help.Usage, "显示用法")
	}
	if cmd.HasSubCommands() && cmd.Run == nil && cmd.RunE == nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageBoth(cmd, fmt.Sprintf("no command is called %q", args[0]), fmt.Sprintf("没有叫 %q 的命令", args[0]))
			}
			return cmd.Help()
		}
	}
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups())
		if err == nil && before != nil {
			err = before(cmd, args)
		}
		var own *exit
		switch {
		case errors.As(err, &own):
			return err
		case err != nil:
			return usageBoth(cmd, oneLine(err), "参数不全或互相冲突（"+oneLine(err)+"）")
		}
		return nil
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				line := strings.TrimSuffix(cmd.UseLine(), " [flags]")
				return usageBoth(cmd, fmt.Sprintf("it is called as %q", line), fmt.Sprintf("用法是 %q", line))
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		p.strict(sub)
	}
}

// usage is the error of a command that was called wrongly.
func usage(cmd *cobra.Command, what string) error {
	return usageBoth(cmd, what, what)
}

// usageBoth is usage in both languages.
func usageBoth(cmd *cobra.Command, en, zh string) error {
	return &exit{code: Usage, line: fmt.Sprintf("%s: see %s --help", en, cmd.CommandPath()), zh: fmt.Sprintf("%s：详见 %s --help", zh, cmd.CommandPath())}
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: p.in("Print the version", "打印版本"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(p.Out, "rounds "+buildVersion())
			return nil
		},
	}
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && !strings.Contains(text, s.Value[:min(12, len(s.Value))]):
			text += " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true" && !strings.Contains(text, "dirty"):
			text += " (modified)"
		}
	}
	return text + " " + info.GoVersion
}

// exit is an error with its own exit code and its own line.
type exit struct {
	code  Exit
	line  string
	zh    string // the line in Chinese; empty: as in English
	cause error
}

// in is the line in a language.
func (e *exit) in(lang string) string {
	if lang == "zh" && e.zh != "" {
		return e.zh
	}
	return e.line
}

func (e *exit) Error() string { return e.line }
func (e *exit) Unwrap() error { return e.cause }

func fail(code Exit, format string, args ...any) error {
	return &exit{code: code, line: fmt.Sprintf(format, args...)}
}

// say is fail in both languages, which take the same arguments.
func say(code Exit, en, zh string, args ...any) error {
	return &exit{code: code, line: fmt.Sprintf(en, args...), zh: fmt.Sprintf(zh, args...)}
}

var errSilent = errors.New("told already")
