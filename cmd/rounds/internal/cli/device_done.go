package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) done() *cobra.Command {
	var photos, listed []string
	var note, source, placeOf string
	var anyway bool
	cmd := &cobra.Command{Use: "done TICKET", Short: d.in("Say that it is done, with the photos that prove it", "提交完工，附处理后照片"), Args: cobra.ExactArgs(1),
		Long: d.in("Takes the photos in as photos of the finished work, adds the remark and the interval of work since you began, and then says that the work is done,\n"+
			"with all photos of this round that may count. Where that is not enough, the device says what is missing, and what was added is kept: take what is\n"+
			"missing, and call it again with that alone.",
			"收入照片作为完工照片，添加备注和开工以来的工时，然后提交完工，附上本轮所有可计入的照片。\n仍不足时说明缺什么，已添加的保留：补拍后只带补拍的再次运行即可。"),
		Example: "  rounds device done 3f2a9c41 --photo after.jpg --photo close.jpg --source camera --note \"seal replaced\"\n" +
			"  rounds device done 3f2a9c41 --photo-id 77ab01cd"}
	cmd.RunE = d.with(func(ctx context.Context, s *session, args []string) error {
		view, err := s.find(ctx, "ticket", args[0])
		if err != nil {
			return err
		}
		in, err := photoFlags{role: "after", source: source}.input()
		if err != nil {
			return err
		}
		if in.Location, err = s.location(ctx, view.Scope, placeOf); err != nil {
			return err
		}
		a := asking{name: "done", view: view, anyway: anyway, photos: len(photos) > 0, and: func() ([]client.Ref, error) { return s.end(ctx, view, d.Now) }}
		if a.facts, err = d.takeWith(ctx, s, a, in, photos); err != nil {
			return err
		}
		taken := make([]string, len(a.facts))
		for i, ref := range a.facts {
			taken[i] = string(ref.ID)
		}
		if note != "" {
			ref, err := s.remark(ctx, view, note, d.Now)
			if err != nil {
				return err
			}
			a.facts = append(a.facts, ref)
		}
		a.make = func(v client.View) (*roundsv1.Command, error) {
			round := max(1, v.Record.GetTicket().GetRound())
			manifest, err := s.proof(ctx, v, round, listed)
			if len(listed) > 0 {
				manifest = append(manifest, taken...)
			}
			return ticketAct(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
				SubmitCompletion: &roundsv1.TicketSubmit{Round: round, PhotoIds: manifest}}}, err)
		}
		return d.ask(ctx, s, a)
	})
	flags := cmd.Flags()
	flags.StringArrayVar(&photos, "photo", nil, d.in("file of a photo of the finished work; may be given more than once", "处理后照片文件；可多次"))
	flags.StringArrayVar(&listed, "photo-id", nil, d.in("of the photos that are here count only these and the new ones, by id; may be given more than once", "只算这些编号的照片和新照片；可多次"))
	flags.StringVar(&note, "note", "", d.in("a remark", "备注"))
	flags.StringVar(&source, "source", "gallery", d.in("where the photos come from: camera or gallery", "照片来源：camera 或 gallery"))
	flags.StringVar(&placeOf, "place", "", d.in("where they were taken, by code, name or id of a place whose tag was scanned", "拍摄位置（已扫码的位置）"))
	d.anywayFlag(cmd, &anyway)
	return cmd
}

// proof finds the photos that are named, or else all that show the finished work of this round and may still count: one that was refused already would
// only keep the ticket from review until a leader hides it.
func (s *session) proof(ctx context.Context, v client.View, round uint32, named []string) ([]string, error) {
	var ids []string
	for _, part := range named {
		photo, err := s.find(ctx, "photo", part)
		if err != nil {
			return nil, err
		}
		ids = append(ids, string(photo.ID))
	}
	if len(named) > 0 {
		return ids, nil
	}
	for photo, err := range s.List(ctx, v.Scope, "photo") {
		if err != nil {
			return nil, err
		}
		p := photo.Record.GetPhoto()
		if p.GetSubject().GetId() == string(v.ID) && p.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_AFTER && max(1, p.GetRound()) == round && !countsNot(p) {
			ids = append(ids, string(photo.ID))
		}
	}
	return ids[:min(len(ids), 64)], nil
}

// location is that of a place by its tag; nil where none is named.
func (s *session) location(ctx context.Context, scope client.Scope, asked string) (*roundsv1.Location, error) {
	if asked == "" {
		return nil, nil
	}
	id, err := s.placeID(ctx, scope, asked)
	return &roundsv1.Location{PlaceId: id, Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}, err
}

func (d *deviceCommands) pause() *cobra.Command {
	var reason, proof, photo, words, source string
	var anyway, list bool
	cmd := &cobra.Command{Use: "pause TICKET --reason CODE", Short: d.in("Let it wait, for a reason of the site's list", "按项目的原因列表挂起"), Args: cobra.MaximumNArgs(1),
		Long: d.in("Lets the work wait. A reason that stops the clocks needs a proof on the ticket: --photo and --remark take one now, --proof names one that is there.\n"+
			"--list prints the reasons that the site has.",
			"挂起工单。停止计时的原因须有证明：--photo 和 --remark 当场添加，--proof 指明已有的。--list 列出项目的原因清单。"),
		Example: "  rounds device pause 3f2a9c41 --reason waiting_parts --remark \"called the supplier at 10:20\"\n  rounds device pause --list"}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !list && (len(args) == 0 || reason == "") {
			return usageBoth(cmd, "it needs a ticket and --reason CODE, or --list", "须给出工单和 --reason 原因代码，或 --list")
		}
		return d.with(func(ctx context.Context, s *session, args []string) error {
			if list {
				return d.pauseReasons(ctx, s)
			}
			view, err := s.find(ctx, "ticket", args[0])
			if err != nil {
				return err
			}
			a := asking{name: "pause", view: view, anyway: anyway, photos: photo != "", and: func() ([]client.Ref, error) { return s.end(ctx, view, d.Now) }}
			shows, err := d.pauseProof(ctx, s, &a, proof, photo, words, source)
			if err != nil {
				return err
			}
			a.make = func(client.View) (*roundsv1.Command, error) {
				return ticketAct(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: reason, Proof: shows}}}, nil)
			}
			return d.ask(ctx, s, a)
		})(cmd, args)
	}
	flags := cmd.Flags()
	flags.StringVar(&reason, "reason", "", d.in("a code of the site's list", "项目列表里的原因代码"))
	flags.StringVar(&proof, "proof", "", d.in("a photo or a remark of the ticket that shows it, by id", "作为证明的照片或备注的编号"))
	flags.StringVar(&photo, "photo", "", d.in("file of a photo that shows it", "作为证明的照片文件"))
	flags.StringVar(&words, "remark", "", d.in("a remark that shows it: a call, say", "作为证明的备注，如通话记录"))
	flags.StringVar(&source, "source", "gallery", d.in("where the photo comes from: camera or gallery", "照片来源：camera 或 gallery"))
	flags.BoolVar(&list, "list", false, d.in("print the reasons of the site", "列出项目的挂起原因"))
	cmd.MarkFlagsMutuallyExclusive("proof", "photo", "remark")
	d.anywayFlag(cmd, &anyway)
	return cmd
}

// pauseProof finds or takes what shows the reason of a pause; nil: nothing does.
func (d *deviceCommands) pauseProof(ctx context.Context, s *session, a *asking, proof, photo, words, source string) (*roundsv1.RecordRef, error) {
	switch {
	case proof != "":
		v, err := s.findAny(ctx, proof, "photo", "comment")
		return subjectOf(v), err
	case photo != "":
		in, err := photoFlags{role: "before", source: source}.input()
		if err != nil {
			return nil, err
		}
		if a.facts, err = d.take(ctx, s, a.view, in, []string{photo}); err != nil {
			return nil, err
		}
		return &roundsv1.RecordRef{Kind: "photo", Id: string(a.facts[0].ID)}, nil
	case words != "":
		ref, err := s.remark(ctx, a.view, words, d.Now)
		a.facts = []client.Ref{ref}
		return &roundsv1.RecordRef{Kind: "comment", Id: string(ref.ID)}, err
	}
	return nil, nil
}

// pauseReasons prints the reasons for which work may wait, of each site.
func (d *deviceCommands) pauseReasons(ctx context.Context, s *session) error {
	reference, err := s.reference(ctx)
	if err != nil {
		return err
	}
	sites, err := s.sites(ctx)
	if err != nil {
		return err
	}
	all := map[client.Scope]map[string]string{}
	t := &table{head: d.heads("SITE|项目", "REASON|原因", "STOPS THE CLOCKS|暂停计时", "WORDS|说明")}
	for _, site := range sites {
		all[site] = map[string]string{}
		for _, reason := range reference.Policy(site).PauseReasons {
			all[site][reason.Code] = d.text(reason.Words)
			stops := d.in("no", "否")
			if reason.StopsClock {
				stops = d.in("yes, with a proof", "是，须有证明")
			}
			t.add(shortID(string(site)), reason.Code, stops, d.text(reason.Words))
		}
	}
	if d.json {
		return printJSON(d.Out, all)
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("the sites have no list", "没有原因列表"))
		return err
	}
	return t.print(d.Out)
}
