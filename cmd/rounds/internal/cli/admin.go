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
		Use: "admin", Short: "Keep sites, people, roles, codes, devices and keys",
		Long: "Keeps the organisation, as the person whose device this directory is: enrol it first with rounds device enroll. These commands need\n" +
			"the server. Wherever a node or a person is asked for, a part of the id, the code or the name is enough.",
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
		return usageBoth(cmd, cmd.CommandPath()+" needs the server, so not with --offline", cmd.CommandPath()+" 须联网,不能与 --offline 同用")
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
			return nil, fail(Refused, "you administer no node: ask another administrator for the role")
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
		return nil, fail(Usage, "%d nodes fit %q: rounds admin node list shows them", len(found), asked)
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
	if asked == "me" {
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
		return "", fail(Usage, "%d people fit %q: rounds admin person list shows them", len(found), asked)
	}
	return found[0], nil
}

func (d *deviceCommands) adminNodes() *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "The organisation tree: regions, districts, sites"}
	cmd.AddCommand(&cobra.Command{Use: "list", Short: "List the nodes that you administer", Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			all, err := s.nodes(ctx)
			if err != nil {
				return err
			}
			return d.show(&roundsv1.ListNodesResponse{Nodes: all}, func() error { return printNodes(d, all) })
		})})
	var kind, name, nameEn, code, parent string
	create := &cobra.Command{Use: "new --type region|district|site --name NAME", Short: "Add a node", Args: cobra.NoArgs,
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
	create.Flags().StringVar(&kind, "type", "", "region, district or site")
	create.Flags().StringVar(&name, "name", "", "its name")
	create.Flags().StringVar(&nameEn, "name-en", "", "its name in English")
	create.Flags().StringVar(&code, "code", "", "short code")
	create.Flags().StringVar(&parent, "parent", "", "the node above (default: the topmost)")
	_ = errors.Join(create.MarkFlagRequired("type"), create.MarkFlagRequired("name")) // defined just above
	var to string
	move := &cobra.Command{Use: "move NODE --to NODE", Short: "Put a node under another one from now on", Args: cobra.ExactArgs(1),
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
	move.Flags().StringVar(&to, "to", "", "the node above from now on")
	_ = move.MarkFlagRequired("to") // defined just above
	cmd.AddCommand(create, d.adminRename(), move)
	return cmd
}

func printNodes(d *deviceCommands, all []*roundsv1.Node) error {
	t := &table{head: []string{"NODE", "TYPE", "CODE", "NAME"}}
	depth := map[string]int{}
	for _, n := range all {
		depth[n.GetNodeId()] = depth[n.GetParentId()] + 1
		t.add(n.GetNodeId(), strings.ToLower(enumName(n.GetType().String(), "NODE_TYPE")), clean(n.GetCode()),
			strings.Repeat("  ", depth[n.GetNodeId()]-1)+clean(textOf(n.GetName())))
	}
	return t.print(d.Out)
}

// adminSite makes a site with all that it needs: a node, and the record that devices show.
func (d *deviceCommands) adminSite() *cobra.Command {
	var name, nameEn, code, parent, zone string
	create := &cobra.Command{Use: "new --name NAME", Short: "Add a site, with the record that devices show", Args: cobra.NoArgs,
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
	create.Flags().StringVar(&name, "name", "", "its name")
	create.Flags().StringVar(&nameEn, "name-en", "", "its name in English")
	create.Flags().StringVar(&code, "code", "", "short code")
	create.Flags().StringVar(&parent, "parent", "", "the node above (default: the topmost)")
	create.Flags().StringVar(&zone, "time-zone", "Asia/Shanghai", "IANA time zone")
	_ = create.MarkFlagRequired("name") // defined just above
	list := &cobra.Command{Use: "list", Short: "List the sites that you administer", Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			all, err := s.nodes(ctx)
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(n *roundsv1.Node) bool { return n.GetType() != roundsv1.NodeType_NODE_TYPE_SITE })
			return d.show(&roundsv1.ListNodesResponse{Nodes: all}, func() error { return printNodes(d, all) })
		})}
	cmd := &cobra.Command{Use: "site", Short: "Sites"}
	cmd.AddCommand(create, list)
	return cmd
}

func (p *program) adminRecover() *cobra.Command {
	var data, person string
	var life time.Duration
	var asJSONToo bool
	cmd := &cobra.Command{
		Use: "recover", Short: "Make a code for an administrator whose devices are lost (on the server's machine, while it does not run)",
		Long: "Makes an enrolment code in the data directory of a server that does not run, for the first administrator or another person that the\n" +
			"first administrator may act for. Whoever can write that directory can do this: keep it to the operator.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			resp, err := server.Recover(cmd.Context(), data, auth.PersonID(person), life)
			var refused *auth.Error
			switch {
			case errors.As(err, &refused):
				return explained(refused.Problem)
			case errors.Is(err, server.ErrNoData):
				return fail(Failed, "no server has run in %s: name its data directory with --data", data)
			case err != nil:
				return err
			}
			return printCode(p.Streams, asJSONToo, resp)
		},
	}
	cmd.Flags().StringVar(&data, "data", server.Default().Data, "data directory of the server")
	cmd.Flags().StringVar(&person, "person", "", "id of the person (default: the first administrator)")
	cmd.Flags().DurationVar(&life, "life", time.Hour, "how long the code is good for")
	cmd.Flags().BoolVar(&asJSONToo, "json", false, "print JSON")
	return cmd
}

func explained(problem *roundsv1.Problem) error {
	line, code := explainProblem(problem)
	zh, _ := explainProblemIn("zh", problem)
	return &exit{code: code, line: line, zh: zh}
}

// printCode shows an enrolment code, with its QR on a terminal.
func printCode(s Streams, asJSONToo bool, resp *roundsv1.CreateEnrolmentCodeResponse) error {
	if asJSONToo {
		return printJSON(s.Out, asJSON(resp))
	}
	fmt.Fprintf(s.Out, "%s\n%s\ngood until %s, once\n", resp.GetCode(), resp.GetUri(), when(resp.GetEnrolmentCode().GetExpiresUs()))
	if file, ok := s.Out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		server.ShowQR(s.Out, auth.Secret(resp.GetUri()))
	}
	return nil
}

func optionalDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}
