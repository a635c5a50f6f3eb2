package storetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/sync/store"
)

// killDir names the directory for the child process of RunKill; without it a test binary runs its tests.
const killDir = "ROUNDS_STORETEST_KILL_DIR"

// Main is to be called from TestMain, and its result given to os.Exit: it lets the test binary be the process that RunKill kills.
func Main(m *testing.M, open func(dir string) (store.Store, error)) int {
	dir := os.Getenv(killDir)
	if dir == "" {
		return m.Run()
	}
	st, err := open(dir)
	if err == nil {
		err = writeUntilKilled(st)
	}
	fmt.Fprintln(os.Stderr, err)
	return 3
}

const killScopes = 3

// RunKill writes from a child process that is killed (SIGKILL) at rounds random moments drawn from seed, and checks after each
// that everything is there whose Update had returned, and that no transaction is there in part.
func RunKill(t *testing.T, open Open, seed uint64, rounds int) {
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	var said [killScopes]int // by scope, the greatest number whose Update had returned
	for round := range rounds {
		if round%4 == 3 { // while it opens what the kill before has left
			killSoon(t, dir, time.Duration(random.IntN(100_000))*time.Microsecond, &said)
		} else {
			killAfter(t, dir, 20+random.IntN(200), &said)
		}
		st := open(t, dir)
		for i := range said {
			found := checkKillScope(t, st, i)
			if found < said[i] {
				t.Errorf("round %d, scope %d: %d was said to be durable, found is %d", round, i, said[i], found)
			}
			said[i] = found
		}
		must(t, st.Close())
		if t.Failed() {
			return
		}
	}
	t.Logf("reached %v", said)
}

// killAfter runs the child until it has said so many numbers, kills it, and hears it out.
func killAfter(t *testing.T, dir string, lines int, said *[killScopes]int) {
	t.Helper()
	runChild(t, dir, said, func(child *os.Process, line int) {
		if line == lines {
			must(t, child.Kill())
		}
	})
}

// killSoon kills the child some time after its start, whatever it is doing then.
func killSoon(t *testing.T, dir string, after time.Duration, said *[killScopes]int) {
	t.Helper()
	runChild(t, dir, said, func(child *os.Process, line int) {
		if line == 0 {
			time.AfterFunc(after, func() { _ = child.Kill() })
		}
	})
}

// runChild starts the child and calls heard at its start (line 0) and for each line that it says. It returns when it is dead.
func runChild(t *testing.T, dir string, said *[killScopes]int, heard func(child *os.Process, line int)) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killDir+"="+dir)
	child.Stderr = new(bytes.Buffer)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	heard(child.Process, 0)
	in := bufio.NewScanner(out)
	for line := 1; in.Scan(); line++ {
		var scope, number int
		if _, err := fmt.Sscanf(in.Text(), "%d %d.", &scope, &number); err != nil || !strings.HasSuffix(in.Text(), ".") {
			break // the kill cut the line
		}
		said[scope] = max(said[scope], number)
		heard(child.Process, line)
	}
	if err := child.Wait(); child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v\n%s", err, child.Stderr)
	}
}

func killScope(i int) store.Scope { return store.Scope(fmt.Sprintf("scope/%d", i)) }

// killKeys says what the transaction of one number writes: some are large, so that a kill meets them half written.
func killKeys(number int) (count, size int) {
	switch {
	case number%61 == 0:
		return 500, 5000
	case number%23 == 0:
		return 2, 5 << 18
	}
	return 1 + number%7, number * 37 % 3000
}

func killKey(number, i int) []byte { return fmt.Appendf(nil, "%09d/%05d", number, i) }

// killValue is the same for all keys of a number, but for its first bytes.
func killValue(number, i int, body []byte) []byte {
	return append(fmt.Appendf(nil, "%d/%d %08x ", number, i, crc32.ChecksumIEEE(body)), body...)
}

func writeUntilKilled(st store.Store) error {
	var out sync.Mutex
	failed := make(chan error)
	for scope := range killScopes {
		go func() {
			last, err := lastNumber(st, scope)
			for number := last + 1; err == nil; number++ {
				err = st.Update(context.Background(), killScope(scope), func(w store.Writer) error {
					return writeNumber(w, number)
				})
				if err == nil {
					out.Lock()
					_, err = fmt.Printf("%d %d.\n", scope, number)
					out.Unlock()
				}
			}
			failed <- err
		}()
	}
	return <-failed
}

// writeNumber writes the keys of a number, and takes those of the one but eight before it away, which keeps the store small.
func writeNumber(w store.Writer, number int) error {
	count, size := killKeys(number)
	body := filler(uint64(number), size)
	for i := range count {
		if err := w.Set(killKey(number, i), killValue(number, i, body)); err != nil {
			return err
		}
	}
	if old := number - 8; old > 0 {
		count, _ := killKeys(old)
		for i := range count {
			if err := w.Delete(killKey(old, i)); err != nil {
				return err
			}
		}
	}
	return w.Set([]byte("last"), fmt.Append(nil, number))
}

func lastNumber(st store.Store, scope int) (last int, err error) {
	err = st.View(context.Background(), killScope(scope), func(r store.Reader) error {
		value, err := r.Get([]byte("last"))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			_, err = fmt.Sscan(string(value), &last)
		}
		return err
	})
	return last, err
}

// checkKillScope returns the last number of a scope, whose content must be exactly what its transactions left.
func checkKillScope(t *testing.T, st store.Store, scope int) int {
	t.Helper()
	last, err := lastNumber(st, scope)
	must(t, err)
	if last == 0 {
		wantList(t, "a scope without a number", content(t, st, killScope(scope)))
		return 0
	}
	number, i := max(1, last-7), 0
	count, size := killKeys(number)
	body := filler(uint64(number), size)
	view(t, st, killScope(scope), func(r store.Reader) {
		for e, err := range r.Scan(store.Span{To: []byte("last")}) {
			must(t, err)
			if !bytes.Equal(e.Key, killKey(number, i)) || !bytes.Equal(e.Value, killValue(number, i, body)) {
				t.Fatalf("scope %d of last number %d: want key %s whole, got %s with %d bytes",
					scope, last, killKey(number, i), e.Key, len(e.Value))
			}
			if i++; i == count {
				number, i = number+1, 0
				count, size = killKeys(number)
				body = filler(uint64(number), size)
			}
		}
	})
	if number != last+1 || i != 0 {
		t.Errorf("scope %d of last number %d: the keys end before number %d, key %d", scope, last, number, i)
	}
	return last
}
