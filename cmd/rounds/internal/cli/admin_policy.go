package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// adminPolicy shows and changes the settings of units and sites.
func (d *deviceCommands) adminPolicy() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: d.in("The settings of units and sites, with what they inherit", "单元和项目的设置及其继承")}
	var all bool
	show := &cobra.Command{Use: "show [NODE]", Short: d.in("Show what counts at a node, and which node sets it", "查看节点的生效设置及其来源"), Args: cobra.MaximumNArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			n, err := s.node(ctx, strings.Join(args, ""))
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.GetPolicy, &roundsv1.GetPolicyRequest{NodeId: n.GetNodeId()})
			if err != nil {
				return err
			}
			return d.show(resp, func() error { return d.printPolicy(ctx, s, resp, all) })
		})}
	show.Flags().BoolVar(&all, "all", false, d.in("also settings that no node sets", "包括没有节点设置的项"))
	set := &cobra.Command{Use: "set NODE KEY=VALUE...", Short: d.in("Set settings of a unit or a site", "设置单元或项目的设置项"), Args: cobra.MinimumNArgs(2),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			req := &roundsv1.SetPolicyRequest{Set: map[string]string{}}
			for _, pair := range args[1:] {
				key, value, ok := strings.Cut(pair, "=")
				if !ok {
					return say(Usage, "%q is no KEY=VALUE", "%q 不是“设置项=值”的写法", pair)
				}
				req.Set[key] = value
			}
			return d.setPolicy(ctx, s, args[0], req)
		})}
	unset := &cobra.Command{Use: "unset NODE KEY...", Short: d.in("Let what is inherited count again", "取消设置，恢复继承"), Args: cobra.MinimumNArgs(2),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			return d.setPolicy(ctx, s, args[0], &roundsv1.SetPolicyRequest{Remove: args[1:]})
		})}
	keys := &cobra.Command{Use: "keys", Short: d.in("List the settings that there are", "列出全部设置项"), Args: cobra.NoArgs,
		RunE: d.online(func(ctx context.Context, s *session, _ []string) error {
			n, err := s.node(ctx, "")
			if err != nil {
				return err
			}
			resp, err := call(ctx, s, s.remote.admin.GetPolicy, &roundsv1.GetPolicyRequest{NodeId: n.GetNodeId()})
			if err != nil {
				return err
			}
			return d.show(resp, func() error {
				t := &table{head: d.heads("KEY|设置项", "MEANING|含义")}
				for _, one := range resp.GetSettings() {
					t.add(one.GetKey(), d.text(one.GetAbout()))
				}
				return t.print(d.Out)
			})
		})}
	cmd.AddCommand(show, set, unset, keys)
	return cmd
}

func (d *deviceCommands) setPolicy(ctx context.Context, s *session, node string, req *roundsv1.SetPolicyRequest) error {
	n, err := s.node(ctx, node)
	if err != nil {
		return err
	}
	req.NodeId = n.GetNodeId()
	resp, err := call(ctx, s, s.remote.admin.SetPolicy, req)
	if err != nil {
		return err
	}
	return d.show(resp, func() error { return d.printPolicy(ctx, s, resp.GetPolicy(), false) })
}

// printPolicy prints what counts, and who sets it.
func (d *deviceCommands) printPolicy(ctx context.Context, s *session, policy *roundsv1.GetPolicyResponse, all bool) error {
	nodes, err := s.nodes(ctx)
	if err != nil {
		return err
	}
	from := map[string]string{"": d.in("built in", "内置")}
	for _, n := range nodes {
		if from[n.GetNodeId()] = n.GetCode(); n.GetCode() == "" {
			from[n.GetNodeId()] = d.text(n.GetName())
		}
	}
	t := &table{head: d.heads("KEY|设置项", "VALUE|值", "SET AT|设置于", "OTHERWISE|否则为")}
	for _, one := range append(policy.GetSettings(), policy.GetUnknown()...) {
		if one.GetNodeId() == "" && one.GetProblem() == nil && !all {
			continue
		}
		where := from[one.GetNodeId()]
		if where == "" {
			where = shortID(one.GetNodeId())
		}
		t.add(one.GetKey(), cut(one.GetValue(), 40), where, cut(one.GetInherited(), 40))
	}
	if err := t.print(d.Out); err != nil {
		return err
	}
	for _, one := range policy.GetSettings() {
		if p := one.GetProblem(); p != nil {
			fmt.Fprintf(d.Err, d.in("%s: %s; it does not count\n", "%s：%s（不生效）\n"), clean(one.GetKey()), clean(d.text(p.GetSentence())))
		}
	}
	for _, one := range policy.GetUnknown() {
		fmt.Fprintf(d.Err, d.in("%s: no setting is called so; it does not count\n", "%s：没有这个设置项，不生效\n"), clean(one.GetKey()))
	}
	return nil
}

// adminDirectory lists records of the directory.
func (d *deviceCommands) adminDirectory() *cobra.Command {
	cmd := &cobra.Command{Use: "directory", Short: d.in("What stands in the directory: units, sites, places, assets, staff, categories, checklists, calendars, plans", "目录内容：单元、项目、位置、设备、员工、类别、检查表、日历、计划")}
	var node, code string
	list := &cobra.Command{Use: "list KIND", Short: d.in("List records of a kind, by their codes (place, asset, staff, plan, site: of --node; the others of the organisation)", "按编码列出一类记录（place、asset、staff、plan、site 属于 --node；其他属于全组织）"),
		Args: cobra.ExactArgs(1),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			n, err := s.node(ctx, node)
			if err != nil {
				return err
			}
			whole := &roundsv1.ListDirectoryResponse{}
			for page := ""; ; {
				resp, err := call(ctx, s, s.remote.admin.ListDirectory, &roundsv1.ListDirectoryRequest{NodeId: n.GetNodeId(), Kind: args[0], CodePrefix: code,
					PageSize: 1000, PageToken: page})
				if err != nil {
					return err
				}
				whole.Records = append(whole.Records, resp.GetRecords()...)
				if page = resp.GetNextPageToken(); page == "" {
					break
				}
			}
			return d.show(whole, func() error {
				t := &table{head: d.heads("ID|编号", "CODE|编码", "NAME|名称")}
				for _, c := range whole.GetRecords() {
					code, name := named(c.GetRecord())
					t.add(c.GetRecordId(), code, name)
				}
				return t.print(d.Out)
			})
		})}
	list.Flags().StringVar(&node, "node", "", d.in("the site or unit (default: the topmost)", "项目或单元（默认：最上级）"))
	list.Flags().StringVar(&code, "code", "", d.in("only codes that begin with this", "只列出以此开头的编码"))
	cmd.AddCommand(list)
	return cmd
}

// named is the code and the name of a record of the directory.
func named(r *roundsv1.Record) (code, name string) {
	switch k := r.GetKind().(type) {
	case *roundsv1.Record_Unit:
		return k.Unit.GetCode(), textOf(k.Unit.GetName())
	case *roundsv1.Record_Site:
		return k.Site.GetCode(), textOf(k.Site.GetName())
	case *roundsv1.Record_Place:
		return k.Place.GetCode(), textOf(k.Place.GetName())
	case *roundsv1.Record_Asset:
		return k.Asset.GetCode(), textOf(k.Asset.GetName())
	case *roundsv1.Record_Staff:
		return k.Staff.GetCode(), k.Staff.GetName()
	case *roundsv1.Record_Category:
		return k.Category.GetCode(), textOf(k.Category.GetName())
	case *roundsv1.Record_Checklist:
		return fmt.Sprintf("%s v%d", k.Checklist.GetCode(), k.Checklist.GetVersion()), textOf(k.Checklist.GetName())
	case *roundsv1.Record_Calendar:
		return k.Calendar.GetCode(), textOf(k.Calendar.GetName())
	case *roundsv1.Record_Plan:
		return "", textOf(k.Plan.GetName())
	}
	return "", ""
}

// adminRename changes a node's name and code.
func (d *deviceCommands) adminRename() *cobra.Command {
	var name, nameEn, code string
	cmd := &cobra.Command{Use: "rename NODE", Short: d.in("Change a node's name and code", "修改节点的名称和编码"), Args: cobra.ExactArgs(1)}
	cmd.RunE = d.online(func(ctx context.Context, s *session, args []string) error {
		n, err := s.node(ctx, args[0])
		if err != nil {
			return err
		}
		req := &roundsv1.RenameNodeRequest{NodeId: n.GetNodeId(), Name: &roundsv1.Text{Zh: n.GetName().GetZh(), En: n.GetName().GetEn()}}
		if cmd.Flags().Changed("name") {
			req.Name.Zh = name
		}
		if cmd.Flags().Changed("name-en") {
			req.Name.En = nameEn
		}
		if cmd.Flags().Changed("code") {
			req.Code = &code
		}
		resp, err := call(ctx, s, s.remote.admin.RenameNode, req)
		if err != nil {
			return err
		}
		return d.show(resp, func() error { return printNodes(d, []*roundsv1.Node{resp.GetNode()}) })
	})
	cmd.Flags().StringVar(&name, "name", "", d.in("its new name", "新名称"))
	cmd.Flags().StringVar(&nameEn, "name-en", "", d.in("its new name in English", "新英文名称"))
	cmd.Flags().StringVar(&code, "code", "", d.in("its new code", "新编码"))
	return cmd
}
