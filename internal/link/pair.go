package link

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// segment is how much is sent at once: what a packet holds, so that a slow line delivers little by little.
	segment = 1400
	// inFlight is how many segments may be on their way in one direction of a connection before its sender has to wait.
	inFlight = 48
)

// pair is one connection on both its sides.
type pair struct {
	link           *Link
	device, server net.Conn

	turn  atomic.Int32 // the direction that bytes came in last, plus one
	once  sync.Once
	ended atomic.Bool
	done  chan struct{} // closed with the pair
}

func (p *pair) close() {
	p.once.Do(func() {
		p.ended.Store(true)
		close(p.done)
		_ = p.device.Close()
		_ = p.server.Close()
	})
}

// packet is bytes and when they arrive.
type packet struct {
	bytes []byte
	at    time.Time
}

// pump carries bytes in one direction until the connection ends. The end of a sender's stream arrives after its last byte.
func (p *pair) pump(direction int, from, to net.Conn) {
	line := make(chan packet, inFlight)
	var delivering sync.WaitGroup
	delivering.Go(func() { p.deliver(direction, to, line) })
	buffer := make([]byte, segment)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			lost := p.turn.Swap(int32(direction)+1) != int32(direction)+1 && p.link.fate(direction)
			if lost {
				p.close()
				break
			}
			one := packet{bytes: append([]byte(nil), buffer[:n]...), at: p.link.arrival(direction, n)}
			select {
			case line <- one:
			case <-p.done:
			}
		}
		if err != nil || p.ended.Load() {
			break
		}
	}
	close(line)
	delivering.Wait()
	if half, ok := to.(interface{ CloseWrite() error }); ok && !p.ended.Load() {
		_ = half.CloseWrite()
		return
	}
	p.close()
}

// deliver writes what arrives, when it arrives.
func (p *pair) deliver(direction int, to net.Conn, line <-chan packet) {
	for one := range line {
		if p.ended.Load() || !p.until(one.at) {
			continue
		}
		p.link.arrived(direction, len(one.bytes)) // before the reader can see it, so that its counts hold it
		if _, err := to.Write(one.bytes); err != nil {
			p.close()
		}
	}
}

// until waits for a moment; false when the connection ended first.
func (p *pair) until(at time.Time) bool {
	d := at.Sub(p.link.cfg.Now())
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.done:
		return false
	}
}
