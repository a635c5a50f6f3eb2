package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/server"
)

func (p *program) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server", Args: cobra.NoArgs,
		Long: "Runs the server until it is told to end (SIGTERM, Ctrl-C): it then stops listening, tells devices on streams to resume, and lets open\n" +
			"calls end. The first start makes the organisation and prints a code for the first administrator.\n\n" +
			"Each flag can be set by its variable (--tls-cert is ROUNDS_TLS_CERT) or in a YAML file (--config, tls: {cert: ...}); flags count most.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := server.Load(cmd.Flags(), p.Environ)
			if err != nil {
				return &exit{code: Usage, line: oneLine(err), cause: err}
			}
			loaded.Config.Inject.Out = p.Out
			err = server.Run(cmd.Context(), loaded.Config)
			if errors.Is(err, context.DeadlineExceeded) {
				return fail(Failed, "%s: the calls still open were cut off; devices send again what had no answer", oneLine(err))
			}
			return err
		},
	}
	server.AddFlags(cmd.Flags())
	return cmd
}

func (p *program) config() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Print the effective settings of the server and where each comes from", Args: cobra.NoArgs,
		Long: "Prints the settings that rounds serve would run with, given the same flags, environment and file, as a file that --config reads.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := server.Load(cmd.Flags(), p.Environ)
			if err != nil {
				return &exit{code: Usage, line: oneLine(err), cause: err}
			}
			for _, name := range loaded.Ignored {
				if strings.HasPrefix(name, "ROUNDS_DEVICE_") || name == "ROUNDS_LANG" {
					continue // of the device's commands
				}
				fmt.Fprintf(p.Err, "note: %s is no setting of the server\n", name)
			}
			return loaded.Print(p.Out)
		},
	}
	server.AddFlags(cmd.Flags())
	return cmd
}
