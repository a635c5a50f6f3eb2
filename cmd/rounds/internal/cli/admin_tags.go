package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/export/sheet"
	"github.com/rounds-sync/rounds/server"
)

// placeTag is the number of Place's field that says what its tag says.
const placeTag = 5

// adminTags issues and lists what the tags at a site's checkpoints say.
func (d *deviceCommands) adminTags() *cobra.Command {
	cmd := &cobra.Command{Use: "tags", Short: d.in("What the QR codes and NFC tags at a site's checkpoints say", "项目检查点的二维码和 NFC 标签内容")}
	var site string
	var asCSV, asQR, all bool
	list := &cobra.Command{Use: "list [CODE...]", Short: d.in("List the tags of places, for who prints them", "列出位置的标签，供打印"),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			_, places, err := s.places(ctx, site, args)
			if err != nil {
				return err
			}
			tagged := slices.DeleteFunc(places, func(c *roundsv1.Change) bool { return c.GetRecord().GetPlace().GetTag() == "" })
			return d.showTags(tagged, asCSV, asQR)
		})}
	list.Flags().BoolVar(&asCSV, "csv", false, d.in("as CSV: code, name, payload", "输出 CSV：编码、名称、标签内容"))
	list.Flags().BoolVar(&asQR, "qr", false, d.in("draw each as a QR code", "逐个画出二维码"))
	list.MarkFlagsMutuallyExclusive("csv", "qr")
	issue := &cobra.Command{Use: "issue [CODE...]", Short: d.in("Issue the tags of places that have none", "为没有标签的位置签发标签"),
		RunE: d.online(func(ctx context.Context, s *session, args []string) error {
			node, places, err := s.places(ctx, site, args)
			if err != nil {
				return err
			}
			var done []*roundsv1.Change
			for _, c := range places {
				if c.GetRecord().GetPlace().GetTag() != "" && !all {
					continue
				}
				resp, err := call(ctx, s, s.remote.admin.PutDirectory, &roundsv1.PutDirectoryRequest{NodeId: node, RecordId: c.GetRecordId(), Base: c.GetVersion(),
					Edit: &roundsv1.Edit{Fields: []uint32{placeTag}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Tag: "auto"}}}}})
				if err != nil {
					return err
				}
				done = append(done, resp.GetRecord())
			}
			return d.showTags(done, false, false)
		})}
	issue.Flags().BoolVar(&all, "all", false, d.in("also of places that have one, after the secret was rotated: those are to be printed anew", "包括已有标签的位置（更换密钥后）；这些须重新打印"))
	for _, one := range []*cobra.Command{list, issue} {
		one.Flags().StringVar(&site, "site", "", d.in("the site", "项目"))
		_ = one.MarkFlagRequired("site")
	}
	cmd.AddCommand(list, issue)
	return cmd
}

// places are those of a site; with codes, these alone.
func (s *session) places(ctx context.Context, site string, codes []string) (node string, found []*roundsv1.Change, err error) {
	n, err := s.node(ctx, site)
	if err != nil {
		return "", nil, err
	}
	missing := slices.Clone(codes)
	for page := ""; ; {
		resp, err := call(ctx, s, s.remote.admin.ListDirectory, &roundsv1.ListDirectoryRequest{NodeId: n.GetNodeId(), Kind: "place", PageSize: 1000, PageToken: page})
		if err != nil {
			return "", nil, err
		}
		for _, c := range resp.GetRecords() {
			code := c.GetRecord().GetPlace().GetCode()
			if len(codes) == 0 || slices.Contains(codes, code) {
				found = append(found, c)
				missing = slices.DeleteFunc(missing, func(m string) bool { return m == code })
			}
		}
		if page = resp.GetNextPageToken(); page == "" {
			break
		}
	}
	if len(missing) > 0 {
		return "", nil, say(Usage, "no place of the site has the code %s: rounds admin directory list place --node %s shows them", "项目没有编码为 %s 的位置：rounds admin directory list place --node %s 列出全部", strings.Join(missing, ", "), site)
	}
	return n.GetNodeId(), found, nil
}

// showTags prints what tags say.
func (d *deviceCommands) showTags(places []*roundsv1.Change, asCSV, asQR bool) error {
	if asCSV {
		w := csv.NewWriter(d.Out)
		_ = w.Write([]string{"code", "name", "payload"}) // Flush tells
		for _, c := range places {
			p := c.GetRecord().GetPlace()
			_ = w.Write([]string{sheet.Harmless(p.GetCode()), sheet.Harmless(textOf(p.GetName())), sheet.Harmless(p.GetTag())})
		}
		w.Flush()
		return w.Error()
	}
	return d.show(&roundsv1.ListDirectoryResponse{Records: places}, func() error {
		t := &table{head: d.heads("CODE|编码", "NAME|名称", "PAYLOAD|标签内容")}
		for _, c := range places {
			p := c.GetRecord().GetPlace()
			if asQR {
				fmt.Fprintf(d.Out, "%s  %s\n", clean(p.GetCode()), clean(d.text(p.GetName())))
				server.ShowQR(d.Out, auth.Secret(p.GetTag()))
				continue
			}
			t.add(p.GetCode(), d.text(p.GetName()), p.GetTag())
		}
		if asQR {
			return nil
		}
		return t.print(d.Out)
	})
}
