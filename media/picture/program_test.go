package picture_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media/picture"
)

// pretend is what this test's own binary does under another name: it takes the place of the decoder. False: it is the test.
func pretend(name string) bool {
	mode, ok := strings.CutPrefix(name, "pretend-")
	if !ok {
		return false
	}
	var number uint32
	head := func(word string, rest ...uint32) []byte {
		b := binary.BigEndian.AppendUint32([]byte(word), number)
		for _, n := range rest {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		return b
	}
	for served := 0; ; served++ {
		var request [12]byte
		if _, err := io.ReadFull(os.Stdin, request[:]); err != nil {
			return true
		}
		photo := make([]byte, binary.BigEndian.Uint32(request[8:]))
		if _, err := io.ReadFull(os.Stdin, photo); err != nil || string(request[:4]) != "HEIC" {
			return true
		}
		number = binary.BigEndian.Uint32(request[4:])
		if len(photo) == 0 && !strings.HasPrefix(mode, "no-") {
			served = -1
			os.Stdout.Write(join(head("FAIL", 0, 0, 0), []byte("DONE")))
			continue
		}
		var b []byte
		gray := join(head("PIXL", 1, 2, 2), []byte{1, 2, 3, 4}, []byte("DONE"))
		switch mode {
		case "other": // the answer to another photo
			number++
			b = join(head("PIXL", 1, 2, 2), []byte{1, 2, 3, 4}, []byte("DONE"))
		case "number": // tells how many it has answered, and whether it knows or sees anything of ours
			b = join(head("PIXL", 1, 2, 1), []byte{byte(served), byte(len(os.Environ()))}, []byte("DONE"))
			if dir, err := os.Getwd(); err != nil || filepath.Dir(dir) != dir {
				b[20] = 255
			}
		case "fail":
			b = join(head("FAIL", 0, 0, 5), []byte("no\x1b!!"), []byte("DONE"))
		case "leave": // without an answer, saying why
			os.Stderr.WriteString("out of memory\nand more")
			os.Exit(3)
		case "once": // one answer, then none
			os.Stdout.Write(gray)
			return true
		case "twice": // a second answer that nobody asked for
			b = join(gray, gray)
		case "no-use": // cannot be started well
			os.Stderr.WriteString("a library is missing")
			os.Exit(127)
		case "no-sense": // takes everything for a photo
			b = gray
		case "no-end":
			_, _ = io.Copy(io.Discard, os.Stdin)
		case "hang":
			_, _ = io.Copy(io.Discard, os.Stdin)
		case "half":
			os.Stdout.Write(gray[:22])
			_, _ = io.Copy(io.Discard, os.Stdin)
		case "cut":
			os.Stdout.Write(gray[:22])
			return true
		case "huge":
			b = head("PIXL", 5, 60000, 60000)
		case "absurd":
			b = head("PIXL", 5, 1<<32-1, 1<<32-1)
		case "empty":
			b = join(head("PIXL", 1, 0, 0), []byte("DONE"))
		case "layout":
			b = join(head("PIXL", 9, 1, 1), []byte{1}, []byte("DONE"))
		case "long":
			b = head("FAIL", 0, 0, 1<<31)
		case "text":
			b = []byte("I am not a decoder at all.\n")
		case "unended":
			b = join(gray[:24], []byte("NOTH"))
		}
		os.Stdout.Write(b)
	}
}

// pretender returns the path of one.
func pretender(t *testing.T, mode string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs symbolic links")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pretend-"+mode)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// pretending returns a decoder that is one of the pretenders.
func pretending(t *testing.T, mode string, c picture.ProgramConfig) *picture.Program {
	t.Helper()
	path := pretender(t, mode)
	c.Find = func() string { return path }
	p := picture.HEICProgram(c)
	t.Cleanup(p.Close)
	return p
}

// A program that ends, or says what is no answer, has said nothing of the photo.
func TestProgramFails(t *testing.T) {
	for _, mode := range []string{"leave", "cut", "absurd", "empty", "layout", "long", "text", "unended", "other"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := pretending(t, mode, picture.ProgramConfig{})
			b := asHEIC(scene(1, 32, 32), heicOptions{})
			_, err := picture.NewInspector(picture.Config{HEIC: p.Decode}).Inspect(t.Context(), bytes.NewReader(b), int64(len(b)), "")
			if refused := (*picture.Refused)(nil); !errors.Is(err, picture.ErrDecoderFailed) || errors.As(err, &refused) {
				t.Fatalf("%v", err)
			}
			if mode == "leave" && (!strings.Contains(err.Error(), `"out of memory"`) || !strings.Contains(err.Error(), "exit status 3")) {
				t.Fatalf("it does not tell why: %v", err)
			}
		})
	}
}

// What the program says of the photo is the photo's fault.
func TestProgramRefuses(t *testing.T) {
	for _, mode := range []string{"fail", "huge"} {
		p := pretending(t, mode, picture.ProgramConfig{})
		look := picture.NewInspector(picture.Config{HEIC: p.Decode})
		b := asHEIC(scene(1, 32, 32), heicOptions{})
		for range 2 {
			_, err := look.Inspect(t.Context(), bytes.NewReader(b), int64(len(b)), "")
			if refused := (*picture.Refused)(nil); !errors.As(err, &refused) || refused.Code != isBroken || strings.ContainsRune(err.Error(), 0x1b) {
				t.Fatalf("%s: %v", mode, err)
			}
		}
	}
}

// A program that hangs, before or within its answer, is killed when its time is over, and when the caller's is.
func TestProgramHangs(t *testing.T) {
	for _, mode := range []string{"hang", "half"} {
		slow := func(timeout time.Duration) error {
			_, err := pretending(t, mode, picture.ProgramConfig{Timeout: timeout}).Decode(t.Context(), []byte("photo"), 100)
			return err
		}
		timeout := 300 * time.Millisecond
		err := slow(timeout)
		for errors.Is(err, picture.ErrNoDecoder) && timeout < time.Minute { // a machine with much else to do does not even start it in this time
			timeout *= 2
			err = slow(timeout)
		}
		if !errors.Is(err, picture.ErrDecoderFailed) || !strings.Contains(err.Error(), "longer") {
			t.Fatalf("%s: %v", mode, err)
		}
		p := pretending(t, mode, picture.ProgramConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, err := p.Decode(ctx, []byte("photo"), 100); err == nil || !errors.Is(err, ctx.Err()) || errors.Is(err, picture.ErrDecoderFailed) {
			t.Fatalf("%s: %v", mode, err)
		}
		cancel()
	}
}

// One process serves one photo after the other, knows nothing of ours, and is ended after some photos, after a while, and by Close.
func TestProgramServesMany(t *testing.T) {
	first := func(p *picture.Program) int {
		t.Helper()
		m, err := p.Decode(t.Context(), []byte("photo"), 2)
		if err != nil {
			t.Fatal(err)
		}
		pix := m.(*image.Gray).Pix
		if pix[1] != 1 || pix[0] == 255 {
			t.Fatalf("it has an environment of %d variables, or a folder of ours", pix[1])
		}
		return int(pix[0])
	}
	p := pretending(t, "number", picture.ProgramConfig{Photos: 3})
	for n := range 7 {
		if got := first(p); got != n%3 {
			t.Fatalf("photo %d is number %d of its process", n, got)
		}
	}
	p.Close()
	if _, err := p.Decode(t.Context(), nil, 1); !errors.Is(err, picture.ErrDecoderFailed) {
		t.Fatalf("closed: %v", err)
	}
	brief := pretending(t, "number", picture.ProgramConfig{Idle: time.Millisecond})
	for tries := 0; first(brief) != 0 || tries == 0; tries++ {
		if tries > 1000 {
			t.Fatal("a process that waits is never ended")
		}
		<-time.After(time.Millisecond)
	}
	// One that ended while it waited is not taken for one that failed.
	once := pretending(t, "once", picture.ProgramConfig{})
	for range 3 {
		if _, err := once.Decode(t.Context(), []byte("photo"), 4); err != nil {
			t.Fatal(err)
		}
	}
	// What one says too much is not taken for the next answer.
	twice := pretending(t, "twice", picture.ProgramConfig{})
	if _, err := twice.Decode(t.Context(), []byte("photo"), 4); err != nil {
		t.Fatal(err)
	}
	if m, err := twice.Decode(t.Context(), []byte("photo"), 4); !errors.Is(err, picture.ErrDecoderFailed) {
		t.Fatalf("the answer to another photo was taken: %v, %v", m, err)
	}
}

// Without a decoder a good photo waits, and is looked at when there is one.
func TestProgramIsMissing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "decoder")
	found := ""
	p := picture.HEICProgram(picture.ProgramConfig{Find: func() string { return found }})
	defer p.Close()
	b := asHEIC(scene(1, 32, 32), heicOptions{})
	look := picture.NewInspector(picture.Config{HEIC: p.Decode})
	missing := func(what string, look *picture.Inspector) {
		t.Helper()
		_, err := look.Inspect(t.Context(), bytes.NewReader(b), int64(len(b)), "")
		if refused := (*picture.Refused)(nil); !errors.Is(err, picture.ErrNoDecoder) || errors.As(err, &refused) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	missing("no decoder at all", picture.NewInspector(picture.Config{}))
	missing("none found", look)
	found = path
	missing("not there", look)
	if err := os.WriteFile(path, []byte("photos"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing("not a program", look)
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	missing("not a program of this machine", look)
	for _, mode := range []string{"no-use", "no-sense", "no-end"} {
		useless := pretending(t, mode, picture.ProgramConfig{Timeout: time.Second})
		missing(mode, picture.NewInspector(picture.Config{HEIC: useless.Decode}))
	}
	// What cannot count is refused also without a decoder.
	_, err := look.Inspect(t.Context(), bytes.NewReader(b[:len(b)-1]), int64(len(b)-1), "")
	if refused := (*picture.Refused)(nil); !errors.As(err, &refused) {
		t.Fatalf("a photo that is cut off: %v", err)
	}
	found = pretender(t, "number")
	if _, err := p.Decode(t.Context(), b, 1024); err != nil {
		t.Fatalf("when it is there: %v", err)
	}
}

// The real program, beside itself: each gets its own photo.
func TestProgramInParallel(t *testing.T) {
	needsHEIC(t)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			w, h := 48+16*n, 48
			m := image.NewRGBA(image.Rect(0, 0, w, h))
			for i := range m.Pix {
				m.Pix[i] = byte(20 * (n + 1))
			}
			got, err := heic.Decode(t.Context(), asHEIC(m, heicOptions{}), int64(w*h))
			if err != nil || got.Bounds().Dx() != w {
				t.Errorf("photo %d: %v, %v", n, err, got)
				return
			}
			if y := got.(*image.YCbCr).Y[w*h/2]; apart(y, byte(20*(n+1))) > 1 {
				t.Errorf("photo %d has the colour of another: %d", n, y)
			}
		})
	}
	group.Wait()
}

// The real program refuses what is none of its business, and a photo that it cannot decode, and goes on.
func TestProgramRefusesNonsense(t *testing.T) {
	needsHEIC(t)
	for range 2 {
		if m, err := heic.Decode(t.Context(), []byte("not a photo"), 100); err == nil || errors.Is(err, picture.ErrDecoderFailed) {
			t.Fatalf("%v, %v", m, err)
		}
	}
	// It keeps to the memory that it is told, if it gets that far.
	little := picture.HEICProgram(picture.ProgramConfig{Find: func() string { return program }, Memory: 16 << 20})
	defer little.Close()
	if _, err := little.Decode(t.Context(), []byte("not a photo"), 100); runtime.GOOS == "linux" && !errors.Is(err, picture.ErrNoDecoder) {
		t.Fatalf("in a memory of 16 MiB: %v", err)
	}
}
