package door

import "sync"

// partsAtOnce is how many parts one owner may have on their way: many times what a good link is worth, and connections that died may not be known to.
const partsAtOnce = 32

// crowd counts what each owner has on its way: each part takes a connection, a file and a buffer for as long as it takes. The zero value is ready.
type crowd struct {
	mu sync.Mutex // guards in
	in map[party]int
}

// enter is false where an owner has enough on its way. Whoever got true leaves.
func (c *crowd) enter(p party) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.in[p] >= partsAtOnce {
		return nil, false
	}
	if c.in == nil {
		c.in = map[party]int{}
	}
	c.in[p]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.in[p]--; c.in[p] == 0 {
			delete(c.in, p)
		}
	}, true
}
