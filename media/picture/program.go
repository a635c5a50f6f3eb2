package picture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// DecodeFunc decodes one HEIC photo to its end, upright, and may be called from any number of goroutines. It ends when ctx does. pixels is the most that
// the image may have by its structure, which was walked before; what decodes to more is an error.
//
// An error is a fault of the photo, unless it is ctx's, ErrNoDecoder or ErrDecoderFailed.
type DecodeFunc func(ctx context.Context, photo []byte, pixels int64) (image.Image, error)

// ErrNoDecoder says that there is nothing here that decodes such a photo, or only something that does not work. The photo is as good as before: it can be
// looked at when there is.
var ErrNoDecoder = errors.New("picture: there is no decoder for HEIC")

// ErrDecoderFailed says that a decoder that worked before ended, hung or talked nonsense over a photo. That may be the photo's doing or the machine's; it is no answer about the photo.
var ErrDecoderFailed = errors.New("picture: the decoder of HEIC failed")

// ProgramConfig says which program decodes HEIC, and how much it may take. Find is needed.
type ProgramConfig struct {
	// Find returns the path of the program; "" where there is none. It is asked whenever a process is to be started, so a program that is installed
	// later is found later. It is trusted: the program runs with the rights of the caller.
	Find func() string
	// Memory is what one process may take, bytes; it is told to the program, which has the system keep it to that. 0: 1 GiB.
	Memory int64
	// Bytes of the largest photo; 0: 32 MiB.
	Bytes int64
	// Timeout of one photo, the start of the process included; 0: 1 minute. A process that takes longer is killed.
	Timeout time.Duration
	// Processes that run beside each other; calls beyond wait. 0: one for each CPU.
	Processes int
	// Photos that one process decodes before it is ended; 0: 50.
	Photos int
	// Idle is how long a process without a photo is kept; 0: 30 seconds. To start one takes most of a second of a CPU.
	Idle time.Duration
}

// Program decodes HEIC by a program beside this one, as command rounds-heic of the module heic describes: so a stranger's bytes are decoded in a process
// that has neither the caller's memory, environment nor folder, and that is killed when it takes too long. A process decodes one photo after the
// other; one that fails in any way is ended, and a later photo gets a new one. It may be used from any number of goroutines.
type Program struct {
	config ProgramConfig
	slots  chan struct{} // holds one for each call that goes on

	mu     sync.Mutex // guards what follows
	idle   []*process
	closed bool
}

var _ DecodeFunc = (*Program)(nil).Decode

// HEICProgram returns a decoder for Config.HEIC: the Program's Decode. No process is started before a photo needs it. Close ends them.
func HEICProgram(c ProgramConfig) *Program {
	set(&c.Memory, 1<<30)
	set(&c.Bytes, 32<<20)
	set(&c.Timeout, time.Minute)
	set(&c.Processes, runtime.NumCPU())
	set(&c.Photos, 50)
	set(&c.Idle, 30*time.Second)
	return &Program{config: c, slots: make(chan struct{}, c.Processes)}
}

// set gives a setting its default.
func set[T int | int64 | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// Decode is a DecodeFunc.
func (p *Program) Decode(ctx context.Context, photo []byte, pixels int64) (image.Image, error) {
	if size := int64(len(photo)); size > p.config.Bytes {
		return nil, fmt.Errorf("%w: it takes photos of %d bytes, not of %d", ErrDecoderFailed, p.config.Bytes, size)
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	patience, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	for {
		one, err := p.take(patience)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		}
		img, fault, err := one.decode(patience, photo, pixels)
		if err == nil {
			p.give(one)
			return img, fault
		}
		said := one.end()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case patience.Err() != nil:
			return nil, fmt.Errorf("%w: it took longer than %v%s", ErrDecoderFailed, p.config.Timeout, said)
		case one.served > 0 && !one.answering:
			continue // it may have ended before it saw this photo
		}
		return nil, fmt.Errorf("%w: %w%s", ErrDecoderFailed, err, said)
	}
}

// Close ends the processes that wait for photos; one that decodes is ended behind its photo. After that Decode answers ErrDecoderFailed.
func (p *Program) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, one := range idle {
		one.rest.Stop()
		one.end()
	}
}

// take returns a process that waits, or a new one.
func (p *Program) take(ctx context.Context) (*process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: it was closed", ErrDecoderFailed)
	}
	if n := len(p.idle); n > 0 {
		defer p.mu.Unlock()
		one := p.idle[n-1]
		p.idle = p.idle[:n-1]
		one.rest.Stop()
		return one, nil
	}
	p.mu.Unlock()
	path := p.config.Find()
	if path == "" {
		return nil, ErrNoDecoder
	}
	one, err := start(path, p.config)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, exec.ErrNotFound) || errors.Is(err, syscall.ENOEXEC):
		return nil, fmt.Errorf("%w: %w", ErrNoDecoder, err)
	default:
		return nil, fmt.Errorf("%w: %w", ErrDecoderFailed, err)
	}
	// A program that cannot even say that nothing is no photo is no decoder, whatever the photo is.
	_, fault, err := one.decode(ctx, nil, 1)
	switch {
	case err == nil && fault != nil && one.sound:
		return one, nil
	case err == nil:
		err = errors.New("it takes nothing for a photo")
	}
	return nil, fmt.Errorf("%w: %s does not work: %w%s", ErrNoDecoder, path, err, one.end())
}

// give takes a process back that has answered.
func (p *Program) give(one *process) {
	one.served++
	p.mu.Lock()
	keep := !p.closed && one.sound && one.served < p.config.Photos
	if keep {
		p.idle = append(p.idle, one)
		one.rest = time.AfterFunc(p.config.Idle, func() { p.dismiss(one) })
	}
	p.mu.Unlock()
	if !keep {
		one.end()
	}
}

// dismiss ends a process that has waited long enough, unless a photo came meanwhile.
func (p *Program) dismiss(one *process) {
	p.mu.Lock()
	at := slices.Index(p.idle, one)
	if at >= 0 {
		p.idle = slices.Delete(p.idle, at, at+1)
	}
	p.mu.Unlock()
	if at >= 0 {
		one.end()
	}
}
