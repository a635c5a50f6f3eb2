package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is one run of the program. It is used by one goroutine at a time, but for kill.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  io.ReadCloser
	said *firstLine
	rest *time.Timer // ends it when it has waited long enough; set while it waits

	number    uint32 // of the last photo; its answer names it, so that one photo never gets what belongs to another
	served    int    // photos that it answered
	answering bool   // it has begun to answer the last one
	sound     bool   // it has answered the last one, and was not killed
}

// start runs the program, with an environment of nothing and in no folder of ours.
func start(path string, c ProgramConfig) (*process, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	p := &process{said: &firstLine{}}
	p.cmd = exec.Command(path, "-memory", strconv.FormatInt(c.Memory, 10), "-bytes", strconv.FormatInt(c.Bytes, 10))
	p.cmd.Env = []string{"GOTRACEBACK=none"} // not nil, which is all of ours
	p.cmd.Dir = filepath.VolumeName(path) + string(os.PathSeparator)
	p.cmd.Stderr = p.said
	p.cmd.WaitDelay = time.Second // for what it may have started itself
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		_ = p.in.Close()
		return nil, err
	}
	if err := p.cmd.Start(); err != nil { // which closes both
		return nil, err
	}
	return p, nil
}

// decode has a photo decoded. fault is the photo's; err means that the process is of no more use.
func (p *process) decode(ctx context.Context, photo []byte, pixels int64) (img image.Image, fault, err error) {
	p.answering, p.sound = false, false
	p.said.forget()
	stop := context.AfterFunc(ctx, p.kill)
	defer func() { p.sound = stop() && p.sound }()
	p.number++
	request := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("HEIC"), p.number), uint32(len(photo)))
	for _, part := range [][]byte{request, photo} {
		if _, err := p.in.Write(part); err != nil {
			return nil, nil, err
		}
	}
	return p.answer(pixels)
}

// The layouts of samples that a program may answer with.
const (
	layoutGray = iota + 1
	layout420
	layout422
	layout444
	layoutNRGBA
	layoutRGBA
)

// answer reads an answer. Whatever is not exactly one is an error, and no more room is made than pixels need.
func (p *process) answer(pixels int64) (img image.Image, fault, err error) {
	var head [20]byte
	n, err := io.ReadFull(p.out, head[:])
	p.answering = n > 0
	if err != nil {
		return nil, nil, fmt.Errorf("reading its answer: %w", err)
	}
	layout, width, height := be32(head[8:]), be32(head[12:]), be32(head[16:])
	switch word := string(head[:4]); {
	case be32(head[4:]) != p.number:
		return nil, nil, errors.New("its answer is none to what was asked")
	case word == "FAIL" && layout == 0 && width == 0 && height <= 200:
		reason := make([]byte, height)
		if err := p.fill(reason); err != nil {
			return nil, nil, err
		}
		return nil, fmt.Errorf("the decoder says %q", reason), p.done()
	case word != "PIXL" || layout < layoutGray || layout > layoutRGBA || width == 0 || height == 0 || width > 1<<16 || height > 1<<16:
		return nil, nil, errors.New("its answer is none")
	case int64(width)*int64(height) > pixels:
		// What comes is not read: the process is not used again.
		return nil, fmt.Errorf("it decodes to %d by %d pixels, more than its structure says", width, height), nil
	}
	img, planes := room(layout, int(width), int(height))
	for _, plane := range planes {
		if err := p.fill(plane); err != nil {
			return nil, nil, err
		}
	}
	return img, nil, p.done()
}

func (p *process) fill(b []byte) error {
	if _, err := io.ReadFull(p.out, b); err != nil {
		return fmt.Errorf("its answer is cut off: %w", err)
	}
	return nil
}

// done reads the end of an answer.
func (p *process) done() error {
	var word [4]byte
	if err := p.fill(word[:]); err != nil {
		return err
	}
	if string(word[:]) != "DONE" {
		return errors.New("its answer has no end")
	}
	p.sound = true
	return nil
}

// room returns an image of a layout and the planes to fill, in their order.
func room(layout uint32, width, height int) (image.Image, [][]byte) {
	all := image.Rect(0, 0, width, height)
	switch layout {
	case layoutGray:
		m := image.NewGray(all)
		return m, [][]byte{m.Pix}
	case layoutNRGBA:
		m := image.NewNRGBA(all)
		return m, [][]byte{m.Pix}
	case layoutRGBA:
		m := image.NewRGBA(all)
		return m, [][]byte{m.Pix}
	}
	m := image.NewYCbCr(all, map[uint32]image.YCbCrSubsampleRatio{layout420: image.YCbCrSubsampleRatio420, layout422: image.YCbCrSubsampleRatio422,
		layout444: image.YCbCrSubsampleRatio444}[layout])
	return m, [][]byte{m.Y, m.Cb, m.Cr}
}

// kill ends the process at once, and whoever reads from it or writes to it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.in.Close()
	_ = p.out.Close()
}

// end ends the process and waits for that. It returns what the process said last, to stand behind an error.
func (p *process) end() string {
	p.kill()
	err := p.cmd.Wait()
	var said strings.Builder
	if err != nil {
		fmt.Fprintf(&said, " (%v)", err)
	}
	if line := p.said.line(); line != "" {
		fmt.Fprintf(&said, ": %q", line)
	}
	return said.String()
}

// firstLine keeps the beginning of the first line that is written to it.
type firstLine struct {
	mu sync.Mutex // guards b
	b  []byte
}

// Write takes everything, and keeps little.
func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const most = 200
	f.b = append(f.b, p[:min(len(p), most-len(f.b))]...)
	return len(p), nil
}

func (f *firstLine) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.b = f.b[:0]
}

func (f *firstLine) line() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	line, _, _ := bytes.Cut(bytes.TrimSpace(f.b), []byte("\n"))
	return string(line)
}
