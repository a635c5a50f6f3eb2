package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/server"
)

// admin is the group of commands that keep the organisation.
func (p *program) admin() *cobra.Command {
	d := &deviceCommands{program: p}
	cmd := &cobra.Command{
		Use: "admin", Short: p.in("Keep sites, people, roles, codes, devices and keys", "管理项目、人员、角色、注册码、设备和密钥"),
		Long: p.in("Keeps the organisation, as the person whose device this directory is: enrol it first with rounds device enroll. These commands need\n"+
			"the server. Wherever a node or a person is asked for, a part of the id, the code or the name is enough.",
			"以本目录设备所属人员的身份管理组织：请先用 rounds device enroll 注册。这些命令需要服务器。\n节点和人员可用部分编号、编码或名称指明。"),
	}
	d.flags(cmd)
	cmd.AddCommand(d.adminNodes(), d.adminSite(), d.adminPeople(), d.adminRoles(), d.adminCodes(), d.adminDevices(), d.adminKeys(), d.adminPolicy(), d.adminDirectory(), d.adminTags(), p.adminRecover())
	return cmd
}

// call makes one call as the device's person.
func call[Q, A any](
	ctx context.Context, s *session, method func(context.Context, *connect.Request[Q]) (*connect.Response[A], error), msg *Q,
) (*A, error) {
	refused := client.AccessToken("")
	for {
		token, err := s.tokens.Token(ctx, refused)
		if err != nil {
			return nil, err
		}
		req := connect.NewRequest(msg)
		req.Header().Set("Authorization", "Bearer "+string(token))
		resp, err := method(ctx, req)
		switch {
		case err == nil:
			return resp.Msg, nil
		case connect.CodeOf(err) == connect.CodeUnauthenticated && refused == "":
			refused = token
		default:
			return nil, err
		}
	}
}

// online opens the device for a command that needs the server.
func (d *deviceCommands) online(run func(ctx context.Context, s *session, args []string) error) func(*cobra.Command, []string) error {
	open := d.with(func(ctx context.Context, s *session, args []string) error {
		ctx, cancel := context.WithTimeout(ctx, d.wait)
		defer cancel()
		return run(ctx, s, args)
	})
	return func(cmd *cobra.Command, args []string) error {
		if err := d.reaching(cmd); err != nil {
			return err
		}
		return open(cmd, args)
	}
}

// reaching refuses --offline to a command that is nothing without the server.
func (d *deviceCommands) reaching(cmd *cobra.Command) error {
	if d.offline {
		return usageBoth(cmd, cmd.CommandPath()+" needs the server, so not with --offline", cmd.CommandPath()+" 须联网，不能与 --offline 同用")
	}
	return nil
}

// show prints a message as JSON, or what people says.
func (d *deviceCommands) show(m proto.Message, people func() error) error {
	if d.json {
		return printJSON(d.Out, asJSON(m))
	}
	return people()
}

// nodes lists all nodes that the person administers.
func (s *session) nodes(ctx context.Context) ([]*roundsv1.Node, error) {
	var all []*roundsv1.Node
	for page := ""; ; {
		resp, err := call(ctx, s, s.remote.admin.ListNodes, &roundsv1.ListNodesRequest{PageSize: 1000, PageToken: page})
		if err != nil {
			return nil, err
		}
		all = append(all, resp.GetNodes()...)
		if page = resp.GetNextPageToken(); page == "" {
			return all, nil
		}
	}
}

// node finds the one node that is meant; an empty name is the topmost one.
func (s *session) node(ctx context.Context, asked string) (*roundsv1.Node, error) {
	all, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	if asked == "" {
		if len(all) == 0 {
			return nil, say(Refused, "you administer no node: ask another administrator for the role", "您不管理任何节点：请向其他管理员要相应角色")
		}
		return all[0], nil
	}
	var found []*roundsv1.Node
	for _, n := range all {
		if matches(n.GetNodeId(), asked) || strings.EqualFold(n.GetCode(), asked) || n.GetName().GetZh() == asked ||
			strings.EqualFold(n.GetName().GetEn(), asked) {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return nil, say(Usage, "%d nodes fit %q: rounds admin node list shows them", "有%d个节点符合 %q：rounds admin node list 列出全部", len(found), asked)
	}
	return found[0], nil
}

// people lists the people that the person administers.
func (s *session) people(ctx context.Context, node string) ([]*roundsv1.Person, error) {
	at, err := s.node(ctx, node)
	if err != nil {
		return nil, err
	}
	var all []*roundsv1.Person
	for page := ""; ; {
		resp, err := call(ctx, s, s.remote.admin.ListPeople, &roundsv1.ListPeopleRequest{NodeId: at.GetNodeId(), PageSize: 1000, PageToken: page})
		if err != nil {
			return nil, err
		}
		all = append(all, resp.GetPeople()...)
		if page = resp.GetNextPageToken(); page == "" {
			return all, nil
		}
	}
}

// who finds the one person that is meant.
func (s *session) who(ctx context.Context, asked string) (string, error) {
	if asked == "me" || asked == "我" {
		return string(s.me), nil
	}
	if len(asked) == 36 {
		return strings.ToLower(asked), nil
	}
	all, err := s.people(ctx, "")
	if err != nil {
		return "", err
	}
	var found []string
	for _, p := range all {
		if matches(p.GetPersonId(), asked) || p.GetName() == asked || (asked != "" && p.GetExternalId() == asked) {
			found = append(found, p.GetPersonId())
		}
	}
	if len(found) != 1 {
		return "", say(Usage, "%d people fit %q: rounds admin person list shows them", "有%d人符合 %q：rounds admin person list 列出全部", len(found), asked)
	}
	return found[0], nil
}

func (d *deviceCommands) adminNodes() *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: d.in("The organisation tree: regions, districts, sites", "组织树：区域、片区、项目")}
	cmd.AddCommand(&cobra.Command{Use: "list", Short: d.in("List the nodes that you administer", "列出您管理的节点"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			all, err := s.nodes(ctx)
			if err != nil {
				return err
			}
			return d.show(&roundsv1.ListNodesResponse{Nodes: all}, func() error { return printNodes(d, all) })
		})})
	var kind, name, nameEn, code, parent string
	create := &cobra.Command{Use: "new --type region|district|site --name NAME", Short: d.in("Add a node", "新增节点"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			value, err := enumValue(roundsv1.NodeType_value, "NODE_TYPE", kind)
			if err != nil {
				return err
			}
			above, err := s.node(ctx, parent)
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.CreateNode, &roundsv1.CreateNodeRequest{ParentId: above.GetNodeId(), Type: roundsv1.NodeType(value),
				Name: &roundsv1.Text{Zh: name, En: nameEn}, Code: code})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printNodes(d, []*roundsv1.Node{resp.GetNode()}) })
		})}
	create.Flags().StringVar(&kind, "type", "", d.in("region, district or site", "region 区域、district 片区或 site 项目"))
	create.Flags().StringVar(&name, "name", "", d.in("its name", "名称"))
	create.Flags().StringVar(&nameEn, "name-en", "", d.in("its name in English", "英文名称"))
	create.Flags().StringVar(&code, "code", "", d.in("short code", "编码"))
	create.Flags().StringVar(&parent, "parent", "", d.in("the node above (default: the topmost)", "上级节点（默认：最上级）"))
	_ = errors.Join(create.MarkFlagRequired("type"), create.MarkFlagRequired("name")) // defined just above
	var to string
	move := &cobra.Command{Use: "move NODE --to NODE", Short: d.in("Put a node under another one from now on", "从现在起把节点移到另一上级之下"), Args: cobra.ExactArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			n, err := s.node(ctx, args[0])
			if err != nil {
				return err
			}
			above, err := s.node(ctx, to)
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.MoveNode, &roundsv1.MoveNodeRequest{NodeId: n.GetNodeId(), ParentId: above.GetNodeId()})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printNodes(d, []*roundsv1.Node{resp.GetNode()}) })
		})}
	move.Flags().StringVar(&to, "to", "", d.in("the node above from now on", "今后的上级节点"))
	_ = move.MarkFlagRequired("to") // defined just above
	cmd.AddCommand(create, d.adminRename(), move)
	return cmd
}

func printNodes(d *deviceCommands, all []*roundsv1.Node) error {
	t := &table{head: d.heads("NODE|节点", "TYPE|类型", "CODE|编码", "NAME|名称")}
	depth := map[string]int{}
	for _, n := range all {
		depth[n.GetNodeId()] = depth[n.GetParentId()] + 1
		t.add(n.GetNodeId(), d.term(n.GetType()), clean(n.GetCode()),
			strings.Repeat("  ", depth[n.GetNodeId()]-1)+clean(d.text(n.GetName())))
	}
	return t.print(d.Out)
}

// adminSite makes a site with all that it needs: a node, and the record that devices show.
func (d *deviceCommands) adminSite() *cobra.Command {
	var name, nameEn, code, parent, zone string
	create := &cobra.Command{Use: "new --name NAME", Short: d.in("Add a site, with the record that devices show", "新增项目及设备上显示的记录"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			above, err := s.node(ctx, parent)
			if err != nil {
				return err
			}
			text := &roundsv1.Text{Zh: name, En: nameEn}
			resp, err := call(ctx, s, s.remote.admin.CreateNode, &roundsv1.CreateNodeRequest{ParentId: above.GetNodeId(),
				Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: text, Code: code})
			if err != nil {
				return err
			}
			id := resp.GetNode().GetNodeId()
			scope := client.Scope("site/" + id)
			ref, err := s.Create(ctx, scope, client.RecordID(id), &roundsv1.Record{Kind: &roundsv1.Record_Site{
				Site: &roundsv1.Site{Name: text, Code: code, TimeZone: zone}}})
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell("site", client.RecordID(id), how)
		})}
	create.Flags().StringVar(&name, "name", "", d.in("its name", "名称"))
	create.Flags().StringVar(&nameEn, "name-en", "", d.in("its name in English", "英文名称"))
	create.Flags().StringVar(&code, "code", "", d.in("short code", "编码"))
	create.Flags().StringVar(&parent, "parent", "", d.in("the node above (default: the topmost)", "上级节点（默认：最上级）"))
	create.Flags().StringVar(&zone, "time-zone", "Asia/Shanghai", d.in("IANA time zone", "IANA 时区"))
	_ = create.MarkFlagRequired("name") // defined just above
	list := &cobra.Command{Use: "list", Short: d.in("List the sites that you administer", "列出您管理的项目"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			all, err := s.nodes(ctx)
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(n *roundsv1.Node) bool { return n.GetType() != roundsv1.NodeType_NODE_TYPE_SITE })
			return d.show(&roundsv1.ListNodesResponse{Nodes: all}, func() error { return printNodes(d, all) })
		})}
	cmd := &cobra.Command{Use: "site", Short: d.in("Sites", "项目")}
	cmd.AddCommand(create, list)
	return cmd
}

func (p *program) adminRecover() *cobra.Command {
	var data, person string
	var life time.Duration
	var asJSONToo bool
	cmd := &cobra.Command{
		Use: "recover", Short: p.in("Make a code for an administrator whose devices are lost (on the server's machine, while it does not run)", "为丢失设备的管理员生成注册码（在服务器本机、服务器未运行时）"),
		Long: p.in("Makes an enrolment code in the data directory of a server that does not run, for the first administrator or another person that the\n"+
			"first administrator may act for. Whoever can write that directory can do this: keep it to the operator.",
			"在未运行的服务器的数据目录中，为首位管理员或其可代管的其他人生成注册码。\n能写入该目录的人都能这样做：请只交给运维人员。"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			resp, err := server.Recover(cmd.Context(), data, auth.PersonID(person), life)
			var refused *auth.Error
			switch {
			case errors.As(err, &refused):
				return explained(refused.Problem)
			case errors.Is(err, server.ErrNoData):
				return say(Failed, "no server has run in %s: name its data directory with --data", "%s 中没有服务器运行过：请用 --data 指明其数据目录", data)
			case err != nil:
				return err
			}
			return p.printCode(asJSONToo, resp)
		},
	}
	cmd.Flags().StringVar(&data, "data", server.Default().Data, p.in("data directory of the server", "服务器的数据目录"))
	cmd.Flags().StringVar(&person, "person", "", p.in("id of the person (default: the first administrator)", "人员编号（默认：首位管理员）"))
	cmd.Flags().DurationVar(&life, "life", time.Hour, p.in("how long the code is good for", "注册码有效时长"))
	cmd.Flags().BoolVar(&asJSONToo, "json", false, p.in("print JSON", "输出 JSON"))
	return cmd
}

func explained(problem *roundsv1.Problem) error {
	line, code := explainProblem(problem)
	zh, _ := explainProblemIn("zh", problem)
	return &exit{code: code, line: line, zh: zh}
}

// printCode shows an enrolment code, with its QR on a terminal.
func (p *program) printCode(asJSONToo bool, resp *roundsv1.CreateEnrolmentCodeResponse) error {
	if asJSONToo {
		return printJSON(p.Out, asJSON(resp))
	}
	fmt.Fprintf(p.Out, p.in("%s\n%s\ngood until %s, once\n", "%s\n%s\n%s 前有效，限用一次\n"), resp.GetCode(), resp.GetUri(), when(resp.GetEnrolmentCode().GetExpiresUs()))
	if file, ok := p.Out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		server.ShowQR(p.Out, auth.Secret(resp.GetUri()))
	}
	return nil
}

func optionalDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}
