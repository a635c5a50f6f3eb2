package cli

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/internal/drawn"
)

// photoDraw makes a photo to try things with, where there is no camera.
func (d *deviceCommands) photoDraw() *cobra.Command {
	var of string
	var after bool
	cmd := &cobra.Command{Use: "draw FILE.jpg...", Short: d.in("Draw photos of nothing real, to try things with", "画几张试用的照片，内容都是虚构的"), Args: cobra.MinimumNArgs(1),
		Long: d.in("Draws a place of its own into each file, as if it had been taken just now: no two are alike. With --of photos are of one place that it names; with --after the\n"+
			"work there is done.",
			"在每个文件中画一个地点，如同刚刚拍摄，各不相同。--of 指定同一地点；--after 表示已处理完。"),
		Example: "  rounds device photo draw before.jpg --of \"the pipe in B2\"\n  rounds device photo draw after.jpg --of \"the pipe in B2\" --after"}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		for _, path := range args {
			if ext := strings.ToLower(filepath.Ext(path)); ext != ".jpg" && ext != ".jpeg" {
				return say(Usage, "%s: a photo is drawn into a .jpg file", "%s：照片须画入 .jpg 文件", clean(path))
			}
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if os.IsExist(err) {
				return say(Usage, "%s is there already: name another file", "%s 已存在：请换一个文件名", clean(path))
			} else if err != nil {
				return err
			}
			_, err = file.Write(d.drawnPhoto(of, after))
			if shut := file.Close(); err == nil {
				err = shut
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(d.Out, clean(path))
		}
		return nil
	}
	cmd.Flags().StringVar(&of, "of", "", d.in("the place: photos of one look like it", "地点：同一地点的照片看得出是同一处"))
	cmd.Flags().BoolVar(&after, "after", false, d.in("the work is done", "已处理完"))
	return cmd
}

// drawnPhoto draws a photo that is taken now.
func (d *deviceCommands) drawnPhoto(of string, after bool) []byte {
	place := rand.Uint64()
	if of != "" {
		h := fnv.New64a()
		_, _ = h.Write([]byte(of)) // a hash takes everything
		place = h.Sum64()
	}
	o := drawn.Options{Shot: rand.Uint64(), Exif: drawn.Exif{Taken: d.Now(), Camera: "drawn"}}
	if after {
		o.Stage = drawn.After
	}
	scenes := drawn.Scenes()
	return drawn.Photo(place, scenes[place%uint64(len(scenes))], o)
}
