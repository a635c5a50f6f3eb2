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
		Use: "serve", Short: p.in("Run the server", "运行服务器"), Args: cobra.NoArgs,
		Long: p.in("Runs the server until it is told to end (SIGTERM, Ctrl-C): it then stops listening, tells devices on streams to resume, and lets open\n"+
			"calls end. The first start makes the organisation and prints a code for the first administrator.\n\n"+
			"Each flag can be set by its variable (--tls-cert is ROUNDS_TLS_CERT) or in a YAML file (--config, tls: {cert: ...}); flags count most.",
			"运行服务器，直到收到结束信号（SIGTERM、Ctrl-C）：随后停止监听，通知保持连接的设备重连，并等待进行中的调用结束。\n"+
				"首次启动会建立组织，并打印首位管理员的注册码。\n\n"+
				"每个选项也可用环境变量（--tls-cert 即 ROUNDS_TLS_CERT）或 YAML 文件（--config,tls: {cert: ...}）设置；选项优先。"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := server.Load(cmd.Flags(), p.Environ)
			if err != nil {
				return &exit{code: Usage, line: oneLine(err), cause: err}
			}
			loaded.Config.Inject.Out = p.Out
			err = server.Run(cmd.Context(), loaded.Config)
			if errors.Is(err, context.DeadlineExceeded) {
				return say(Failed, "%s: the calls still open were cut off; devices send again what had no answer", "%s：未完成的调用已中断；设备会重发没有应答的内容", oneLine(err))
			}
			return err
		},
	}
	server.AddFlags(cmd.Flags())
	return cmd
}

func (p *program) config() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: p.in("Print the effective settings of the server and where each comes from", "打印服务器的生效设置及其来源"), Args: cobra.NoArgs,
		Long: p.in("Prints the settings that rounds serve would run with, given the same flags, environment and file, as a file that --config reads.",
			"按同样的选项、环境变量和文件，打印 rounds serve 将使用的设置，格式可供 --config 读取。"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := server.Load(cmd.Flags(), p.Environ)
			if err != nil {
				return &exit{code: Usage, line: oneLine(err), cause: err}
			}
			for _, name := range loaded.Ignored {
				if strings.HasPrefix(name, "ROUNDS_DEVICE_") || name == "ROUNDS_LANG" {
					continue // of the device's commands
				}
				fmt.Fprintf(p.Err, p.in("note: %s is no setting of the server\n", "提示：%s 不是服务器的设置项\n"), name)
			}
			return loaded.Print(p.Out)
		},
	}
	server.AddFlags(cmd.Flags())
	return cmd
}
