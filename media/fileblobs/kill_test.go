package fileblobs_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
)

// killDir names the folder for the child process of TestKill, without it the test binary runs its tests; killFrom the number that each lane begins with.
const (
	killDir  = "ROUNDS_FILEBLOBS_KILL_DIR"
	killFrom = "ROUNDS_FILEBLOBS_KILL_FROM"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(killDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	b, err := fileblobs.Open(killConfig(dir))
	if err == nil {
		err = storeUntilKilled(b, os.Getenv(killFrom))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}

func killConfig(dir string) fileblobs.Config {
	return fileblobs.Config{
		Dir: dir, URL: "http://media.invalid", Key: make([]byte, fileblobs.KeyBytes), MinFreeBytes: -1,
		Now: func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) },
	}
}

const killLanes = 3

// killContent is the n-th photo of a lane; sizes go from one part to many.
func killContent(lane, n int) []byte {
	size := 1 + (n*77_777)%200_000
	content := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, lane, " ", n))).Read(content)
	return content
}

func killUpload(lane, n int) (media.Upload, []byte) {
	content := killContent(lane, n)
	return media.Upload{Owner: media.Owner(fmt.Sprint(lane)), Hash: sha256.Sum256(content), Size: int64(len(content))}, content
}

// kept is how many photos of a lane are kept; older ones are deleted.
const kept = 6

// storeUntilKilled says each number when its photo is stored, and the one before it deleted.
func storeUntilKilled(b *fileblobs.Blobs, from string) error {
	var first [killLanes]int
	if _, err := fmt.Sscan(from, &first[0], &first[1], &first[2]); err != nil {
		return err
	}
	var out sync.Mutex // a lane goes on only when its line was said
	failed := make(chan error)
	for lane := range killLanes {
		go func() {
			var err error
			for n := first[lane]; err == nil; n++ {
				if err = storeOne(b, lane, n); err == nil {
					out.Lock()
					_, err = fmt.Printf("%d %d.\n", lane, n)
					out.Unlock()
				}
			}
			failed <- fmt.Errorf("lane %d: %w", lane, err)
		}()
	}
	return <-failed
}

func storeOne(b *fileblobs.Blobs, lane, n int) error {
	ctx := context.Background()
	u, content := killUpload(lane, n)
	if err := sendMissing(b, u, content); err != nil {
		return err
	}
	if err := media.Receive(ctx, b, u); err != nil {
		return err
	}
	if err := b.Put(ctx, media.At(media.Small, u.Hash), "image/jpeg", content[:1+len(content)/10]); err != nil {
		return err
	}
	if n < kept {
		return nil
	}
	old, _ := killUpload(lane, n-kept)
	return errors.Join(b.Delete(ctx, media.At(media.Small, old.Hash)), b.Delete(ctx, media.At(media.Original, old.Hash)))
}

func sendMissing(b *fileblobs.Blobs, u media.Upload, content []byte) error {
	want := media.Want{PartBytes: media.MinPartBytes << (u.Size % 3), MaxParts: 100, Until: killConfig("").Now().Add(24 * time.Hour)}
	plan, err := b.Plan(context.Background(), u, want)
	if err != nil {
		return err
	}
	for _, part := range plan.Parts {
		body := content[part.Offset : part.Offset+part.Size]
		req, err := http.NewRequest(http.MethodPut, part.URL, bytes.NewReader(body))
		if err != nil {
			return err
		}
		sum := md5.Sum(body)
		req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
		answer, err := inProcess{b.Handler()}.RoundTrip(req)
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return statusError(answer.StatusCode)
		}
	}
	return nil
}

// statusError is the answer to a PUT that is not 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("PUT: status %d", int(e)) }

// TestKill kills a process that stores and deletes photos, at many moments, and looks at what it left: whole objects and whole parts, all that were said to
// be stored, and nothing in tmp once the folder was opened.
func TestKill(t *testing.T) {
	const seed, rounds = 7, 6
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	var said [killLanes]int
	for i := range said {
		said[i] = -1
	}
	for round := range rounds {
		killChild(t, dir, time.Duration(random.IntN(20_000))*time.Microsecond, random.IntN(30), &said)
		checkKilled(t, dir, &said)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	t.Logf("reached %v", said)
}

// killChild runs the child until it has said so many lines, and a little longer, kills it, and hears it out.
func killChild(t *testing.T, dir string, after time.Duration, lines int, said *[killLanes]int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killDir+"="+dir, fmt.Sprintf("%s=%d %d %d", killFrom, said[0]+1, said[1]+1, said[2]+1))
	child.Stderr = new(bytes.Buffer)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	kill := func() { time.AfterFunc(after, func() { _ = child.Process.Kill() }) }
	if lines == 0 {
		kill() // while it opens what the kill before has left
	}
	in := bufio.NewScanner(out)
	for line := 1; in.Scan(); line++ {
		var lane, n int
		if _, err := fmt.Sscanf(in.Text(), "%d %d.", &lane, &n); err != nil || !strings.HasSuffix(in.Text(), ".") {
			break // the kill cut the line
		}
		said[lane] = max(said[lane], n)
		if line == lines {
			kill()
		}
	}
	if err := child.Wait(); child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v\n%s", err, child.Stderr)
	}
}

func checkKilled(t *testing.T, dir string, said *[killLanes]int) {
	t.Helper()
	ctx := context.Background()
	b, err := fileblobs.Open(killConfig(dir))
	must(t, err)
	defer func() { must(t, b.Close()) }()
	left, err := os.ReadDir(dir + "/tmp")
	must(t, err)
	if len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
	var want []media.Hash
	for lane, n := range said {
		for i := max(0, n-kept+1); i <= n; i++ {
			u, _ := killUpload(lane, i)
			want = append(want, u.Hash)
		}
	}
	for fault, err := range media.Audit(ctx, b, media.AuditConfig{Want: func(yield func(media.Hash, error) bool) {
		for _, h := range want {
			if !yield(h, nil) {
				return
			}
		}
	}}) {
		must(t, err)
		if fault.Kind == media.FaultMissing { // the next one may have been stored, and so this one deleted, before it was said
			if next := nextStored(b, fault.Address, said); next {
				continue
			}
		}
		if fault.Kind != media.FaultOrphaned { // stored and not said
			t.Errorf("found: %s %s", fault.Kind, fault.Address)
		}
	}
	for lane, n := range said { // what was under way comes to its end from the parts that are here
		u, content := killUpload(lane, n+1)
		must(t, sendMissing(b, u, content))
		must(t, media.Receive(ctx, b, u))
		said[lane] = n + 1
	}
	if n, err := b.Sweep(ctx, killConfig("").Now().Add(time.Hour)); err != nil || n > killLanes {
		t.Errorf("Sweep = %d, %v", n, err)
	}
}

// nextStored tells whether a missing photo is the oldest of its lane, and the one stored after the last that was said is there.
func nextStored(b *fileblobs.Blobs, at media.Address, said *[killLanes]int) bool {
	for lane, n := range said {
		oldest, _ := killUpload(lane, n-kept+1)
		next, _ := killUpload(lane, n+1)
		if n >= kept-1 && media.At(media.Original, oldest.Hash) == at {
			object, err := b.Open(context.Background(), media.At(media.Original, next.Hash))
			if err != nil {
				return false
			}
			return object.Close() == nil
		}
	}
	return false
}
