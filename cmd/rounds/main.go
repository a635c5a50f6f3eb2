// Command rounds is Rounds in one program: the server, a device in a terminal, the administration, and the tools around them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/cmd/rounds/internal/cli"
	"github.com/rounds-sync/rounds/internal/bench"
	"github.com/rounds-sync/rounds/internal/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:], cli.Terminal(), mounted()...)
	stop()
	os.Exit(code)
}

// mounted are the subcommands that are packages of their own.
func mounted() []*cobra.Command {
	return []*cobra.Command{demo.Command(cli.Link), bench.Command()}
}
