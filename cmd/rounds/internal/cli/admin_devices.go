package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func (d *deviceCommands) adminCodes() *cobra.Command {
	cmd := &cobra.Command{Use: "code", Short: d.in("Codes with which people enrol devices", "人员注册设备用的注册码")}
	var life time.Duration
	create := &cobra.Command{Use: "new PERSON", Short: d.in("Make a code, shown once, with a QR on a terminal", "生成注册码，只显示一次；终端上附二维码"), Args: cobra.ExactArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			id, err := s.who(ctx, args[0])
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.CreateEnrolmentCode, &roundsv1.CreateEnrolmentCodeRequest{PersonId: id, Life: optionalDuration(life)})
			if err != nil {
				return err
			}
			return d.printCode(d.json, resp)
		})}
	create.Flags().DurationVar(&life, "life", 0, d.in("how long it is good for (default: the server's)", "有效时长（默认：服务器的设置）"))
	list := &cobra.Command{Use: "list PERSON", Short: d.in("List a person's codes, as far as they may be known", "列出某人的注册码（不含注册码本身）"), Args: cobra.ExactArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			id, err := s.who(ctx, args[0])
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.ListEnrolmentCodes, &roundsv1.ListEnrolmentCodesRequest{PersonId: id, PageSize: 1000})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printCodes(d, resp.GetEnrolmentCodes()...) })
		})}
	cancel := &cobra.Command{Use: "cancel PERSON CODE-ID", Short: d.in("Make a code worthless", "作废注册码"), Args: cobra.ExactArgs(2),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			id, err := s.who(ctx, args[0])
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.CancelEnrolmentCode, &roundsv1.CancelEnrolmentCodeRequest{PersonId: id, CodeId: args[1]})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printCodes(d, resp.GetEnrolmentCode()) })
		})}
	cmd.AddCommand(create, list, cancel)
	return cmd
}

func printCodes(d *deviceCommands, all ...*roundsv1.EnrolmentCode) error {
	t := &table{head: d.heads("CODE ID|注册码编号", "MADE|生成", "ENDS|到期", "STANDS|状态")}
	for _, c := range all {
		stands := d.in("open", "未使用")
		switch {
		case c.GetUsedUs() != 0:
			stands = d.in("used by device ", "已由设备使用：") + c.GetDeviceId()
		case c.GetCancelledUs() != 0:
			stands = d.in("cancelled", "已取消")
		case c.GetExpiresUs() < d.Now().UnixMicro():
			stands = d.in("ended", "已过期")
		}
		t.add(c.GetCodeId(), when(c.GetCreatedUs()), when(c.GetExpiresUs()), stands)
	}
	return t.print(d.Out)
}

func (d *deviceCommands) adminDevices() *cobra.Command {
	cmd := &cobra.Command{Use: "device", Short: d.in("Devices of people", "人员的设备")}
	list := &cobra.Command{Use: "list PERSON", Short: d.in("List a person's devices", "列出某人的设备"), Args: cobra.ExactArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			id, err := s.who(ctx, args[0])
			if err != nil {
				return err
			}
			var all []*roundsv1.Device
			for page := ""; ; {
				resp, err := call(ctx, s, s.remote.admin.ListDevices, &roundsv1.ListDevicesRequest{PersonId: id, PageSize: 1000, PageToken: page})
				if err != nil {
					return err
				}
				all = append(all, resp.GetDevices()...)
				if page = resp.GetNextPageToken(); page == "" {
					break
				}
			}
			return d.show(&roundsv1.ListDevicesResponse{Devices: all}, func() error { return printDevices(d, all...) })
		})}
	var lost bool
	revoke := &cobra.Command{Use: "revoke DEVICE", Short: d.in("Take a device out of service, for good", "永久停用设备"), Args: cobra.ExactArgs(1),
		Long: d.in("Takes a device out of service for good. It delivers what it holds and then purges. With --lost it purges at once, and what it\n"+
			"still sends goes to a supervisor.",
			"永久停用设备：它先送出所存内容，再清除。加 --lost 则立即清除，之后仍送来的内容交由主管处理。"),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			how := roundsv1.Revocation_REVOCATION_GRACEFUL
			if lost {
				how = roundsv1.Revocation_REVOCATION_IMMEDIATE
			}
			resp, err := call(ctx, s, s.remote.admin.RevokeDevice, &roundsv1.RevokeDeviceRequest{DeviceId: args[0], Revocation: how})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printDevices(d, resp.GetDevice()) })
		})}
	revoke.Flags().BoolVar(&lost, "lost", false, d.in("the device is in foreign hands", "设备已落入他人之手"))
	cmd.AddCommand(list, revoke)
	return cmd
}

func printDevices(d *deviceCommands, all ...*roundsv1.Device) error {
	t := &table{head: d.heads("DEVICE|设备", "NAME|名称", "MODEL|型号", "ENROLLED|注册", "LAST SEEN|最近联系", "STANDS|状态")}
	for _, one := range all {
		stands := d.in("in service", "使用中")
		switch {
		case one.GetRevokedUs() != 0:
			stands = fmt.Sprintf(d.in("revoked (%s) %s", "已停用（%s）%s"), d.term(one.GetRevoked()), when(one.GetRevokedUs()))
		case one.GetShutUs() != 0:
			stands = d.in("shut out ", "已拒绝接入 ") + when(one.GetShutUs())
		}
		t.add(one.GetDeviceId(), cut(one.GetName(), 30), cut(one.GetModel(), 20), when(one.GetEnrolledUs()), when(one.GetLastSeenUs()), stands)
	}
	return t.print(d.Out)
}

func (d *deviceCommands) adminKeys() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: d.in("Keys that sign access tokens", "签发访问令牌的密钥")}
	list := &cobra.Command{Use: "list", Short: d.in("List the keys that still verify", "列出仍可验证的密钥"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			resp, err := call(ctx, s, s.remote.admin.ListSigningKeys, &roundsv1.ListSigningKeysRequest{})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printKeys(d, resp.GetSigningKeys()...) })
		})}
	var lead time.Duration
	var compromised bool
	rotate := &cobra.Command{Use: "rotate", Short: d.in("Make new keys; the old ones go on verifying for a while", "更换密钥；旧密钥在一段时间内仍可验证"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			resp, err := call(ctx, s, s.remote.admin.RotateSigningKey,
				&roundsv1.RotateSigningKeyRequest{Lead: optionalDuration(lead), Compromised: compromised})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printKeys(d, resp.GetSigningKey()) })
		})}
	rotate.Flags().DurationVar(&lead, "lead", 0, d.in("how long the new key is published before it signs", "新密钥公布多久后才开始签发"))
	rotate.Flags().BoolVar(&compromised, "compromised", false, d.in("the old keys are in foreign hands: they verify nothing from now on", "旧密钥已泄露：立即不再用于验证"))
	rotate.MarkFlagsMutuallyExclusive("lead", "compromised")
	cmd.AddCommand(list, rotate)
	return cmd
}

func printKeys(d *deviceCommands, all ...*roundsv1.SigningKey) error {
	t := &table{head: d.heads("KEY|密钥", "MADE|生成", "SIGNS FROM|开始签发", "VERIFIES UNTIL|验证至")}
	for _, k := range all {
		t.add(k.GetKeyId(), when(k.GetCreatedUs()), when(k.GetSignsFromUs()), when(k.GetVerifiesUntilUs()))
	}
	return t.print(d.Out)
}
