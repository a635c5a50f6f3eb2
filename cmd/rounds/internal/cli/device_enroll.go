package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) enroll() *cobra.Command {
	var server, audience, ca, name string
	cmd := &cobra.Command{
		Use: "enroll CODE|rounds://enroll?...", Short: d.in("Make this directory a device, with a code from an administrator", "用管理员给的注册码把此目录注册为设备"),
		Long: d.in("Makes this directory a device of the person for whom an administrator made the code. The address of the server comes with --server,\n"+
			"or from the link in the QR. When the server is known to devices by another address than the one to dial, name that with --audience.\n\n"+
			"If the reply is lost, run the same command again. A device whose directory was copied enrols anew with a new code and keeps what it holds.",
			"使本目录成为一台设备，归管理员为之生成注册码的人使用。服务器地址用 --server 给出，或取自二维码中的链接。\n"+
				"设备所知的服务器地址与实际连接的地址不同时，用 --audience 给出前者。\n\n"+
				"应答丢失时，再运行同一命令即可。目录被复制过的设备用新注册码重新注册，所存内容保留。"),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.reaching(cmd); err != nil {
				return err
			}
			code := args[0]
			if u, err := url.Parse(code); err == nil && u.Scheme == "rounds" {
				code = u.Query().Get("code")
				if audience == "" {
					audience = u.Query().Get("server")
				}
				if server == "" {
					server = audience
				}
			}
			if server == "" {
				return usageBoth(cmd, "--server is needed", "须给出 --server")
			}
			var err error
			if server, err = address(server); err != nil {
				return usageBoth(cmd, err.Error(), fmt.Sprintf("--server %q 不是 https://rounds.example.com 这样的地址", server))
			}
			if audience == "" {
				audience = server
			}
			if ca != "" {
				if ca, err = filepath.Abs(ca); err != nil {
					return err
				}
			}
			return d.enrol(cmd.Context(), link{Server: server, Audience: strings.TrimRight(audience, "/"), CA: ca}, code, name)
		},
	}
	cmd.Flags().StringVar(&server, "server", "", d.in("address of the server", "服务器地址"))
	cmd.Flags().StringVar(&audience, "audience", "", d.in("address that the server calls itself, where it differs from --server", "服务器自称的地址（与 --server 不同时）"))
	cmd.Flags().StringVar(&ca, "ca", "", d.in("PEM file of a certificate to trust besides the system's", "除系统证书外还信任的证书（PEM 文件）"))
	cmd.Flags().StringVar(&name, "name", "", d.in("name of this device in lists (default: the machine's)", "本设备在列表中的名称（默认：本机名）"))
	return cmd
}

// address checks the address of a server.
func address(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("--server %q is no address like https://rounds.example.com", text)
	}
	return strings.TrimRight(text, "/"), nil
}

func (d *deviceCommands) enrol(ctx context.Context, l link, code, name string) error {
	if name == "" {
		name, _ = os.Hostname()
	}
	r, err := l.dial()
	if err != nil {
		return err
	}
	s, err := d.openStore()
	if err != nil {
		return err
	}
	closed := false
	defer func() {
		if !closed {
			_ = s.Close()
		}
	}()
	within, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	identity, err := client.Enrol(within, s, client.Enrolment{Auth: r.auth, Audience: l.Audience, Code: code, Name: name, Model: "terminal"})
	if err != nil {
		return err
	}
	// Where the directory had an identity before, the new one takes over what it holds.
	dev, err := client.Open(ctx, client.Config{Store: s})
	if err != nil {
		return err
	}
	before, err := dev.Identity()
	if err == nil && before.Device != identity.Device {
		err = dev.Reenrol(ctx, identity)
	}
	if err := errors.Join(err, dev.Close(ctx)); err != nil {
		return err
	}
	if err := l.write(d.dir); err != nil {
		return err
	}
	closed = true
	if err := s.Close(); err != nil {
		return err
	}
	return d.welcome(ctx, identity)
}

// welcome pulls what belongs to the person's work, so that the device can go offline at once.
func (d *deviceCommands) welcome(ctx context.Context, identity client.Identity) error {
	s, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.close(ctx) }()
	if err := d.listen(ctx, s); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	_, syncErr := s.Sync(within, client.WithoutPhotos())
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return err
	}
	if d.json {
		if err := printJSON(d.Out, map[string]any{"device_id": identity.Device, "person_id": identity.Person, "server": s.link.Server,
			"directory": d.dir, "scopes": scopes}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(d.Out, d.in("enrolled device %s of person %s at %s\n", "已注册设备 %s，人员 %s，服务器 %s\n"), identity.Device, identity.Person, s.link.Server)
		for _, scope := range scopes {
			name, err := s.scopeName(ctx, scope)
			if err != nil {
				return err
			}
			fmt.Fprintln(d.Out, strings.TrimRight("  "+string(scope)+"  "+name, " "))
		}
	}
	if syncErr != nil {
		line, _ := d.explain(syncErr)
		fmt.Fprintf(d.Err, d.in("rounds: enrolled, but nothing was pulled yet (%s): run rounds device sync\n", "rounds: 已注册，但还没有取到数据（%s）：请运行 rounds device sync\n"), line)
	}
	return nil
}

func (d *deviceCommands) token() *cobra.Command {
	return &cobra.Command{Use: "token", Short: d.in("Print an access token, for calls by hand", "打印访问令牌，供手工调用"), Args: cobra.NoArgs,
		Long: d.in("Prints an access token of this device, for the Authorization header of calls by hand (docs/api-by-hand.md). It is good for a quarter of\n"+
			"an hour, and whoever has it can do what this device can: keep it out of files and histories.",
			"打印本设备的访问令牌，供手工调用时放入 Authorization 头（docs/api-by-hand.md）。有效一刻钟；\n得到它的人能做本设备能做的一切：请勿留在文件和命令历史中。"),
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			// The stored one may have ended: a call shows, and brings another one if it has.
			if _, err := call(ctx, s, s.remote.sync.Exchange, &roundsv1.ExchangeRequest{Clock: reading(client.SystemClock(d.Now))}); err != nil {
				return err
			}
			token, err := s.tokens.Token(ctx, "")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(d.Out, string(token))
			return err
		})}
}
