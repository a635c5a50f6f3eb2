package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// rolesToGive are the roles that a person can be given.
const rolesToGive = "resident, worker, foreman, butler, dispatcher, supervisor, manager, admin or auditor"

func (d *deviceCommands) adminPeople() *cobra.Command {
	cmd := &cobra.Command{Use: "person", Short: d.in("People", "人员")}
	var node string
	list := &cobra.Command{Use: "list", Short: d.in("List people", "列出人员"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			all, err := s.people(ctx, node)
			if err != nil {
				return err
			}
			return d.show(&roundsv1.ListPeopleResponse{People: all}, func() error { return printPeople(d, all...) })
		})}
	list.Flags().StringVar(&node, "node", "", d.in("only those whose home is this node or below it", "只列出归属此节点及其下级的人员"))
	var name, home, external, language string
	create := &cobra.Command{Use: "new --name NAME", Short: d.in("Add a person", "新增人员"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			at, err := s.node(ctx, home)
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.CreatePerson,
				&roundsv1.CreatePersonRequest{Name: name, HomeNodeId: at.GetNodeId(), ExternalId: external, Language: language})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printPeople(d, resp.GetPerson()) })
		})}
	create.Flags().StringVar(&name, "name", "", d.in("the name", "姓名"))
	create.Flags().StringVar(&home, "home", "", d.in("the node whose administrators keep the person (default: the topmost)", "管理此人的节点（默认：最上级）"))
	create.Flags().StringVar(&external, "external-id", "", d.in("what the company's identity provider calls the person", "公司统一身份认证中的账号"))
	create.Flags().StringVar(&language, "language", "", d.in("the language that the person is spoken to in: zh or en", "对此人使用的语言：zh 或 en"))
	_ = create.MarkFlagRequired("name") // defined just above
	speak := ""
	speaks := &cobra.Command{Use: "language PERSON zh|en", Short: d.in("Say in which language a person is spoken to", "设置对某人使用的语言"), Args: cobra.ExactArgs(2)}
	speaks.RunE = func(cmd *cobra.Command, args []string) error {
		speak = args[1]
		return d.onPerson(func(ctx context.Context, s *session, id string) (*roundsv1.Person, error) {
			resp, err := call(ctx, s, s.remote.admin.UpdatePerson, &roundsv1.UpdatePersonRequest{PersonId: id, Language: &speak})
			return resp.GetPerson(), err
		})(cmd, args)
	}
	var reason string
	suspend := &cobra.Command{Use: "suspend PERSON", Short: d.in("Take all rights from a person from now on", "从现在起停用某人的全部权限"), Args: cobra.ExactArgs(1),
		RunE: d.onPerson(func(ctx context.Context, s *session, id string) (*roundsv1.Person, error) {
			resp, err := call(ctx, s, s.remote.admin.SuspendPerson, &roundsv1.SuspendPersonRequest{PersonId: id, Reason: reason})
			return resp.GetPerson(), err
		})}
	suspend.Flags().StringVar(&reason, "reason", "", d.in("why", "原因"))
	cmd.AddCommand(list, create, speaks, suspend,
		&cobra.Command{Use: "reinstate PERSON", Short: d.in("End a suspension", "恢复被停用的人员"), Args: cobra.ExactArgs(1),
			RunE: d.onPerson(func(ctx context.Context, s *session, id string) (*roundsv1.Person, error) {
				resp, err := call(ctx, s, s.remote.admin.ReinstatePerson, &roundsv1.ReinstatePersonRequest{PersonId: id})
				return resp.GetPerson(), err
			})},
		&cobra.Command{Use: "delete PERSON", Short: d.in("Erase the personal data; cannot be undone", "删除个人信息，不可恢复"), Args: cobra.ExactArgs(1),
			RunE: d.onPerson(func(ctx context.Context, s *session, id string) (*roundsv1.Person, error) {
				resp, err := call(ctx, s, s.remote.admin.DeletePerson, &roundsv1.DeletePersonRequest{PersonId: id})
				return resp.GetPerson(), err
			})})
	return cmd
}

func (d *deviceCommands) onPerson(do func(context.Context, *session, string) (*roundsv1.Person, error)) func(*cobra.Command, []string) error {
	return d.online(func(ctx context.Context, s *session, args []string) error {
		id, err := s.who(ctx, args[0])
		if err != nil {
			return err
		}
		person, err := do(ctx, s, id)
		if err != nil {
			return err
		}
		return d.show(person, func() error { return printPeople(d, person) })
	})
}

func printPeople(d *deviceCommands, all ...*roundsv1.Person) error {
	t := &table{head: d.heads("PERSON|人员", "NAME|姓名", "HOME|归属", "EXTERNAL ID|外部编号", "STANDS|状态")}
	for _, p := range all {
		stands := d.in("in service", "在职")
		now := d.Now().UnixMicro()
		for _, s := range p.GetSuspensions() {
			if s.GetFromUs() <= now && (s.GetUntilUs() == 0 || now < s.GetUntilUs()) {
				stands = d.in("suspended: ", "已停用：") + cut(s.GetReason(), 40)
			}
		}
		if p.GetDeletedUs() != 0 {
			stands = d.in("deleted", "已删除")
		}
		t.add(p.GetPersonId(), clean(p.GetName()), shortID(p.GetHomeNodeId()), clean(p.GetExternalId()), stands)
	}
	return t.print(d.Out)
}

func (d *deviceCommands) adminRoles() *cobra.Command {
	cmd := &cobra.Command{Use: "role", Short: d.in("Roles that people have at nodes, for a time", "人员在节点上的角色及期限")}
	var ended bool
	list := &cobra.Command{Use: "list PERSON", Short: d.in("List a person's roles", "列出某人的角色"), Args: cobra.ExactArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			id, err := s.who(ctx, args[0])
			if err != nil {
				return err
			}
			var all []*roundsv1.Grant
			for page := ""; ; {
				resp, err := call(ctx, s, s.remote.admin.ListGrants, &roundsv1.ListGrantsRequest{
					Of: &roundsv1.ListGrantsRequest_PersonId{PersonId: id}, IncludeEnded: ended, PageSize: 1000, PageToken: page})
				if err != nil {
					return err
				}
				all = append(all, resp.GetGrants()...)
				if page = resp.GetNextPageToken(); page == "" {
					break
				}
			}
			return d.show(&roundsv1.ListGrantsResponse{Grants: all}, func() error { return printGrants(d, all...) })
		})}
	list.Flags().BoolVar(&ended, "ended", false, d.in("show also those that are over", "包括已结束的"))
	var node, role string
	var life time.Duration
	grant := &cobra.Command{Use: "grant PERSON --role ROLE --node NODE", Short: d.in("Give a person a role at a node and all below it", "授予某人在节点及其下级的角色"), Args: cobra.ExactArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			value, err := enumValue(roundsv1.Role_value, "ROLE", role)
			if err != nil || value == int32(roundsv1.Role_ROLE_SYSTEM) { // that is the server itself
				return say(Usage, "%q is none of %s", "%q 不是以下之一：%s", role, rolesToGive)
			}
			id, err := s.who(ctx, args[0])
			if err != nil {
				return err
			}
			at, err := s.node(ctx, node)
			if err != nil {
				return err
			}
			req := &roundsv1.CreateGrantRequest{PersonId: id, NodeId: at.GetNodeId(), Role: roundsv1.Role(value)}
			if life > 0 {
				req.UntilUs = d.Now().Add(life).UnixMicro()
			}
			resp, err := call(ctx, s, s.remote.admin.CreateGrant, req)
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printGrants(d, resp.GetGrant()) })
		})}
	grant.Flags().StringVar(&role, "role", "", d.in(rolesToGive, "resident 住户、worker 员工、foreman 班长、butler 管家、dispatcher 客服、supervisor 主管、manager 项目经理、admin 管理员或 auditor 审计"))
	grant.Flags().StringVar(&node, "node", "", d.in("where", "所在节点"))
	grant.Flags().DurationVar(&life, "for", 0, d.in("for how long (default: until it is ended)", "期限（默认：直到收回）"))
	_ = errors.Join(grant.MarkFlagRequired("role"), grant.MarkFlagRequired("node")) // defined just above
	end := &cobra.Command{Use: "end PERSON GRANT", Short: d.in("End a role now", "立即收回角色"), Args: cobra.ExactArgs(2),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			id, err := s.who(ctx, args[0])
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.EndGrant, &roundsv1.EndGrantRequest{PersonId: id, GrantId: args[1]})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return printGrants(d, resp.GetGrant()) })
		})}
	cmd.AddCommand(list, grant, end)
	return cmd
}

func printGrants(d *deviceCommands, all ...*roundsv1.Grant) error {
	t := &table{head: d.heads("GRANT|授权", "ROLE|角色", "NODE|节点", "FROM|开始", "UNTIL|结束")}
	for _, g := range all {
		t.add(g.GetGrantId(), d.term(g.GetRole()), g.GetNodeId(), when(g.GetFromUs()), when(g.GetUntilUs()))
	}
	return t.print(d.Out)
}
