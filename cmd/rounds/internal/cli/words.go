package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// translate puts the help of commands that come from elsewhere, and of flags that the server's settings make, into the person's language. What the table does not have stays as it is;
// a test finds it.
func (p *program) translate(cmd *cobra.Command) {
	if p.lang != "zh" {
		return
	}
	path := strings.TrimPrefix(cmd.CommandPath(), "rounds ")
	if zh, ok := mountedWords()[path]; ok {
		cmd.Short, cmd.Long = zh[0], zh[1]
	}
	flags := settingWords()
	if own, ok := mountedFlags()[path]; ok {
		flags = own
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if zh, ok := flags[f.Name]; ok && !spoken(f.Usage) {
			f.Usage = zh
		}
	})
	for _, sub := range cmd.Commands() {
		p.translate(sub)
	}
}

// spoken: whether a text has Chinese in it.
func spoken(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
}

// mountedWords are what commands of other packages say of themselves, in Chinese: in short and at length.
func mountedWords() map[string][2]string {
	return map[string][2]string{
		"help": {"查看某个命令的用法", "查看某个命令的用法：rounds help 命令，与 rounds 命令 --help 相同。"},
		"demo": {"用真实的服务器演一整天社区的工作，让各种意外发生，并检查各项承诺",
			"以子进程启动真实的服务器，录入一个虚构的社区，让一组设备度过一天：住户报事、按计划巡检、派单、带照片的处理、确认与返工、待决事项及其裁决；\n" +
				"其间有数小时没有信号、只有十秒的窗口、64 kbit/s 和 400 ms 的线路会中断和丢失应答，时钟有误，各种并发冲突，手机写到一半被杀，服务器收到一半被杀。\n" +
				"傍晚每个人完成应完成的工作。数小时在几秒内过去：服务器和手机都按演示的时钟。最后打印报告，并独立检查各项承诺和每张照片。\n" +
				"退出码为 1 表示：有承诺被打破，带核验照片关闭的工单不足 99 %，或有待决事项既无裁决也无人负责。"},
		"bench": {"以设备的角度测量服务器，并在同一次运行中测量本机的极限",
			"以设备的角度测量服务器，并在同一次运行中测量本机的极限。不给 --server 时在临时目录启动自己的服务器。\n" +
				"测量项：push、start、pull、delta、live、idle、shift、photos、desk、export、import；不指明则全部。docs/performance.md 说明每个数字的含义。"},
	}
}

// mountedFlags are what their flags are for.
func mountedFlags() map[string]map[string]string {
	return map[string]map[string]string{
		"demo": {"devices": "工作的设备数，4 到 60", "hours": "一班的小时数，最多 72", "seed": "相同种子产生相同的社区、人员和计划", "kills": "服务器在接收中被 kill -9 的次数，最多 50",
			"photos": "约拍多少张照片，最多 20,000；工作本身需要一些", "s3": "照片存入此对象存储而不是服务器的目录：s3+http://KEY:SECRET@host:port/bucket?create=true",
			"json": "以一行 JSON 打印报告", "lang": "报告的语言：en 或 zh（默认：ROUNDS_LANG，否则系统语言）", "keep": "结束后让服务器继续运行，并说明可以试什么", "dir": "服务器和设备数据的目录，须为空；默认：临时目录，结束后删除"},
		"bench": {"batch": "每个请求的工单数", "big-photo-bytes": "每张大照片的字节数", "big-photos": "同时上传的大照片张数", "bits-per-second": "一班所用线路的带宽，每个方向",
			"changes": "两次拉取之间变化的记录数", "code": "与 --server 合用：在那里注册管理员的注册码", "connections": "共用的连接数", "desk-entries": "该项目日志的条数",
			"desk-others": "该项目的照片、备注、通知和事项数", "desk-pause": "工作台两次查询之间的时间", "desk-pushes": "工作台查询时设备每秒推送的工单数", "desk-rounds": "四个工作台各查询多少轮",
			"desk-tickets": "工作台所查项目的工单数", "devices": "推送的设备数", "dir": "自己的服务器的数据目录；空：临时目录", "docs": "推送的工单总数", "events": "一个观察者等待的写入次数",
			"import-sites": "导入的组织的项目数，至少 24", "import-staff": "导入的组织的人数，至少 62", "json": "输出 JSON", "looked-photos": "服务器查看的绘制照片张数，之后每八张有一张 1200 万像素",
			"photo-bytes": "每张照片的字节数", "photos": "上传的照片张数", "photos-at-once": "同时上传的张数", "readers": "同时拉取的新设备数，各一个范围",
			"records": "推送后存有的记录数；多于 --docs 的部分事先存入", "round-trip": "一班所用线路的往返延迟", "s3": "同时在此对象存储上测量照片：s3+http://KEY:SECRET@host:port/bucket",
			"scopes": "工单分布的项目数", "seed": "所有随机内容的种子", "server": "运行中的服务器地址；空：启动自己的", "sync-delay": "自己的服务器每次落盘增加的延迟",
			"watchers": "空闲的观察者数；每个在两端各需一个文件描述符"},
	}
}

// settingWords are what the settings of the server are for, by their flags.
func settingWords() map[string]string {
	return map[string]string{
		"admin-listen": "/metrics、/debug/pprof 和 /readyz 的地址；空：不提供", "auth-access-life": "访问令牌的有效时长", "auth-code-life": "注册码的有效时长，最多 720h",
		"auth-key-life": "签名密钥的更换周期", "auth-refresh-life": "设备可离开多久而不必重新注册", "config": "设置文件（YAML）",
		"cors-origins": "允许调用的浏览器来源（https://console.example.com）；* 为全部", "data": "存放一切数据的目录", "first-administrator": "首次启动：首位管理员的姓名",
		"first-organisation": "首次启动：组织的名称", "limits-address-burst": "一个地址同时可有的无有效令牌的调用数", "limits-address-rate": "一个地址每秒可有的无有效令牌的调用数；0：不限",
		"limits-compress-min-bytes": "小于此字节数的应答不压缩", "limits-device-burst": "一台设备同时可有的调用数", "limits-device-rate": "一台设备长期每秒可有的调用数；0：不限",
		"limits-message-bytes": "一个请求的最大字节数（解压后亦然）", "limits-proxies": "其 X-Forwarded-For 可信的网段（10.0.0.0/8）", "limits-streams-per-connection": "一条 HTTP/2 连接可同时打开的调用数",
		"limits-tracked": "为限速记住的设备和地址数", "listen": "设备和浏览器连接的地址 host:port；端口 0 取空闲端口", "log-format": "日志格式：text 或 json", "log-level": "日志级别：debug、info、warn 或 error",
		"media-adopt": "存储中已有内容的照片视为已入库；用于从较旧备份恢复之后", "media-dir": "存放照片的目录；默认：数据目录中的 media", "media-grace": "没有照片引用的内容保留多久后清理",
		"media-heic": "解码 HEIC 的程序；默认：本程序旁的 rounds-heic，否则在 PATH 中找", "media-link-life": "照片下载地址的有效时长", "media-max-photo-bytes": "可接收的最大照片字节数",
		"media-memory-bytes": "同时解码的照片合计可用的内存字节数", "media-part-life": "分片上传地址的有效时长", "media-s3": "存放照片的对象存储：s3+https://KEY:SECRET@host:port/bucket/prefix?region=...",
		"media-upload-life": "没有进展的上传保留多久", "media-url": "设备访问存为文件的照片的地址；默认：公开地址", "media-workers": "同时查看的照片数；0：每个 CPU 一张",
		"ready-file": "服务器可应答后把地址写入此文件（JSON）", "store-cache-bytes": "读取块的缓存字节数；0：16 MiB", "store-mem-table-bytes": "聚集写入的内存字节数；0：24 MiB",
		"store-min-free-bytes": "磁盘须保留的空闲字节数，否则不再写入；0：256 MiB", "store-sync-delay": "每次落盘增加的延迟，用于试验较慢的磁盘", "tags-key": "签发标签的密钥文件，首次启动时生成；默认：数据目录中的 tags.key",
		"tags-previous": "之前的标签密钥文件，其标签仍有效；默认：数据目录中的 tags.old.key（如有）", "timeouts-drain": "服务器结束时留给进行中调用的时间", "timeouts-export": "一次导出最长的时间，之后不论读得多慢都中断",
		"timeouts-heartbeat": "流上静默多久后发送心跳", "timeouts-idle": "没有调用的连接保留多久", "timeouts-read": "请求体停滞多久后放弃", "timeouts-read-header": "发送请求头的时限",
		"timeouts-write": "应答或流的读取方停滞多久后放弃", "tls-cert": "证书链的 PEM 文件", "tls-key": "私钥的 PEM 文件", "tls-self-signed": "在数据目录生成自签证书，供开发使用",
		"upkeep-garbage": "多久清理一次被覆盖的数据", "upkeep-media": "多久清理一次旧上传、过期照片和无主内容", "upkeep-tombstones": "多久清理一次所有设备都已知的删除标记",
		"url": "公开地址（https://rounds.example.com），令牌与之绑定；默认：沿用之前的，否则为监听地址",
	}
}
