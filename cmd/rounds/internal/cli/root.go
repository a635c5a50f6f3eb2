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
	root := commands(streams)
	root.AddCommand(extra...)
	strict(root)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return int(Done)
	}
	line, code := explain(err)
	if line != "" {
		fmt.Fprintln(streams.Err, "rounds: "+line)
	}
	return int(code)
}

// commands returns the command line.
func commands(streams Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "rounds",
		Short: "Field work that holds offline: the server, a device in a terminal, and the tools around them",
		Long: "Rounds keeps the tickets, inspections and photos of crews who work without a network, and reconciles them when there is one.\n\n" +
			"Exit codes: " + exitCodes(),
		SilenceErrors: true, SilenceUsage: true, Args: cobra.ArbitraryArgs, // strict looks at them
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, err.Error()) })
	c := &program{Streams: streams}
	root.AddCommand(c.serve(), c.config(), c.version(), c.device(), c.admin(), c.importCommand(), c.audit(), c.media(), c.desk(), c.rules(), c.exports())
	return root
}

// program is what the commands share.
type program struct {
	Streams
}

// strict has a group of commands refuse a subcommand that does not exist, and makes every fault of arguments and flags one of usage.
func strict(cmd *cobra.Command) {
	if cmd.HasSubCommands() && cmd.Run == nil && cmd.RunE == nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, fmt.Sprintf("no command is called %q", args[0]))
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
		if err != nil {
			return usage(cmd, oneLine(err))
		}
		return nil
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage(cmd, fmt.Sprintf("it is called as %q", strings.TrimSuffix(cmd.UseLine(), " [flags]")))
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

// usage is the error of a command that was called wrongly.
func usage(cmd *cobra.Command, what string) error {
	return &exit{code: Usage, line: fmt.Sprintf("%s: see %s --help", what, cmd.CommandPath())}
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
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
	cause error
}

func (e *exit) Error() string { return e.line }
func (e *exit) Unwrap() error { return e.cause }

func fail(code Exit, format string, args ...any) error {
	return &exit{code: code, line: fmt.Sprintf(format, args...)}
}

var errSilent = errors.New("told already")
