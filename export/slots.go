package export

import "github.com/rounds-sync/rounds/sync/engine"

// enter takes a place among the exports under way for a person; leave gives it back.
func (x *Exporter) enter(person engine.PersonID) (leave func(), err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.has[person] >= x.cfg.Each {
		return nil, enough(x.cfg.Each)
	}
	select {
	case x.slots <- struct{}{}:
	default:
		return nil, busy()
	}
	x.has[person]++
	return func() {
		<-x.slots
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.has[person]--; x.has[person] == 0 {
			delete(x.has, person)
		}
	}, nil
}
