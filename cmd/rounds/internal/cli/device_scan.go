package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/work/tag"
)

func (d *deviceCommands) scan() *cobra.Command {
	var payload, checkpoint string
	cmd := &cobra.Command{Use: "scan TICKET|ROUND --tag TEXT", Short: d.in("Record the tag of a place, scanned for a ticket or on a round", "记录扫码"), Args: cobra.ExactArgs(1),
		Long: d.in("Records that a tag was scanned: what it says goes to the server as it is, which knows whether it is genuine. The checkpoint is found by the tag; name it\n"+
			"with --checkpoint where that is not possible. An empty --tag with --checkpoint says that the tag there is broken.",
			"记录一次扫码：内容原样交给服务器，由其判断真伪。检查点由标签认出；认不出时用 --checkpoint 指明。\n空的 --tag 加 --checkpoint 表示该处标签损坏。"),
		Example: "  rounds device scan 77ab01cd --tag \"R1.…\"\n  rounds device scan 77ab01cd --tag \"\" --checkpoint B2-PUMP"}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if payload == "" && checkpoint == "" {
			return usageBoth(cmd, "--tag is empty, so --checkpoint is needed", "--tag 为空时须给出 --checkpoint")
		}
		return d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.findAny(ctx, args[0], "ticket", "inspection")
			if err != nil {
				return err
			}
			at, err := s.checkpoint(ctx, view, payload, checkpoint)
			if err != nil {
				return err
			}
			ref, err := d.visit(ctx, s, view, payload, at)
			if err != nil {
				return err
			}
			return d.finish(ctx, s, asking{name: "scan", view: view}, []client.Ref{ref})
		})(cmd, args)
	}
	cmd.Flags().StringVar(&payload, "tag", "", d.in("what the tag says", "标签内容"))
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", d.in("the place, by code, name or id", "位置的代码、名称或编号"))
	_ = cmd.MarkFlagRequired("tag")
	return cmd
}

// visit queues a scan as a fact.
func (d *deviceCommands) visit(ctx context.Context, s *session, v client.View, payload, checkpoint string) (client.Ref, error) {
	id, err := s.NewID()
	if err != nil {
		return client.Ref{}, err
	}
	scan := &roundsv1.Scan{Id: string(id), Payload: payload, CheckpointId: checkpoint, Scanned: reading(client.SystemClock(d.Now))}
	if checkpoint != "" && payload != "" {
		scan.Location = &roundsv1.Location{PlaceId: checkpoint, Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
	}
	record := &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Scans: []*roundsv1.Scan{scan}}}}
	if v.Record.GetInspection() != nil {
		record.Kind = &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Visits: []*roundsv1.Scan{scan}}}
	}
	if err := d.warnOfScan(ctx, s, v, scan); err != nil {
		return client.Ref{}, err
	}
	return s.Fact(ctx, v.Scope, v.ID, record)
}

// checkpoint finds the place that a scan is for: the one that is named, the one that the tag names, or the one whose record holds what the tag says. On a round
// the place has to be one of its checkpoints; "" where it cannot be told.
func (s *session) checkpoint(ctx context.Context, v client.View, payload, asked string) (string, error) {
	route := v.Record.GetInspection().GetCheckpointIds()
	if asked != "" {
		id, err := s.placeID(ctx, v.Scope, asked)
		if err != nil {
			return "", err
		}
		if len(route) > 0 && !slices.Contains(route, id) {
			return "", say(Usage, "%s is no checkpoint of this round: rounds device round show lists them", "%s 不是此巡检的检查点：rounds device round show 列出全部", clean(asked))
		}
		return id, nil
	}
	if at := placeOfTag(payload); at != "" {
		return at, nil
	}
	places, err := s.knownPlaces(ctx, v.Scope)
	if err != nil {
		return "", err
	}
	for _, p := range places {
		if p.tag == payload && (len(route) == 0 || slices.Contains(route, p.id)) {
			return p.id, nil
		}
	}
	if len(route) == 1 {
		return route[0], nil
	}
	if len(route) > 1 {
		return "", say(Usage, "the device does not know the place of this tag: name it with --checkpoint", "本机不知道此标签的位置：请用 --checkpoint 指明")
	}
	return "", nil
}

// placeOfTag is the place that a tag of ours names, genuine or not, as package tag writes it; "" for any other text.
func placeOfTag(payload string) string {
	if !tag.Ours(payload) {
		return ""
	}
	parts := strings.Split(payload, ".")
	if len(parts) != 4 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return ""
	}
	id, err := uuid.FromBytes(raw)
	if err != nil {
		return ""
	}
	return id.String()
}

// placeNames are what people call the places of a site.
func (s *session) placeNames(ctx context.Context, scope client.Scope, in func(*roundsv1.Text) string) (func(id string) string, error) {
	all := map[string]string{}
	for view, err := range s.List(ctx, scope, "place") {
		if err != nil {
			return nil, err
		}
		p := view.Record.GetPlace()
		name := strings.TrimSpace(in(p.GetName()))
		if code := p.GetCode(); code != "" {
			name = strings.TrimSpace(fmt.Sprintf("%s %s", code, name))
		}
		all[string(view.ID)] = clean(name)
	}
	return func(id string) string {
		if name := all[id]; name != "" {
			return name
		}
		return shortID(id)
	}, nil
}
