package cli

import (
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"golang.org/x/term"
)

// bars begins bars on the terminal of the standard error; nil where there is none.
func (p *program) bars() *mpb.Progress {
	file, ok := p.Err.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return mpb.New(mpb.WithOutput(file), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
}

// endBar ends the last bar that is drawn, however far it came, and leaves it there. It is aborted also where its work is done: a bar is drawn, and waited for, until it
// is full or aborted, whatever else it is told.
func endBar(of *mpb.Progress, last *mpb.Bar) {
	last.Abort(false)
	of.Wait()
}
