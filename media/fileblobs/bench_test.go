//go:build unix

package fileblobs_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
)

const photoBytes = 3 << 19 // 1.5 MB

// photos makes different photos quickly: noise with a number in front.
func photos(size int) func() []byte {
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	var n atomic.Uint64
	return func() []byte {
		content := bytes.Clone(noise)
		copy(content, fmt.Sprintf("%020d", n.Add(1)))
		return content
	}
}

// cpu returns the processor time of this process.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs one from eight goroutines at a time and reports the processor time a GB, of client and server together.
func measure(b *testing.B, size int, one func()) {
	b.SetBytes(int64(size))
	b.SetParallelism(4) // times two cores
	before := cpu(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			one()
		}
	})
	b.ReportMetric((cpu(b)-before).Seconds()/(float64(b.N)*float64(size)/1e9), "cpu-s/GB")
}

// BenchmarkUpload is a photo from Plan to Finish, by HTTP over loopback: client and server share the cores.
func BenchmarkUpload(b *testing.B) {
	for _, c := range []struct {
		name      string
		partBytes int64
		delay     time.Duration
	}{{"whole", media.MaxPartBytes, 0}, {"parts of 256 KiB", 256 << 10, 0}, {"whole, slow disk", media.MaxPartBytes, 5 * time.Millisecond}} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b, func(cfg *fileblobs.Config) { cfg.SyncDelay = c.delay })
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, WriteBufferSize: 128 << 10}}
			next := photos(photoBytes)
			measure(b, photoBytes, func() { uploadOne(b, w.now.Load(), client, next(), c.partBytes) })
		})
	}
}

func uploadOne(b *testing.B, d media.Driver, client *http.Client, content []byte, partBytes int64) {
	u := media.Upload{Owner: "device", Hash: sha256.Sum256(content), Size: int64(len(content))}
	plan, err := d.Plan(context.Background(), u, media.Want{PartBytes: partBytes, MaxParts: 1000, Until: time.Now().Add(time.Hour)})
	if err != nil {
		b.Fatal(err)
	}
	for _, part := range plan.Parts {
		putOne(b, client, part, content[part.Offset:part.Offset+part.Size])
	}
	if err := media.Receive(context.Background(), d, u); err != nil {
		b.Fatal(err)
	}
}

func putOne(b *testing.B, client *http.Client, part media.Part, body []byte) {
	req, err := http.NewRequest(http.MethodPut, part.URL, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	sum := md5.Sum(body)
	req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	answer, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		b.Fatal(answer.Status)
	}
}

// BenchmarkServer is the same without HTTP and without the device's own hashing: what the driver does with bytes that are there.
func BenchmarkServer(b *testing.B) {
	for _, partBytes := range []int64{media.MaxPartBytes, 256 << 10} {
		b.Run(fmt.Sprintf("parts of %d KiB", partBytes>>10), func(b *testing.B) {
			w := newWorld(b, nil)
			var uploads []media.Upload
			var contents [][]byte
			next := photos(photoBytes)
			for range 16 {
				content := next()
				contents = append(contents, content)
				uploads = append(uploads, media.Upload{Hash: sha256.Sum256(content), Size: photoBytes})
			}
			var n atomic.Int64
			client := &http.Client{Transport: inProcess{w.now.Load().Handler()}}
			sums := map[string]string{}
			for _, content := range contents {
				for at := int64(0); at < photoBytes; at += partBytes {
					body := content[at:min(at+partBytes, photoBytes)]
					sum := md5.Sum(body)
					sums[string(body[:64])+fmt.Sprint(at)] = base64.StdEncoding.EncodeToString(sum[:])
				}
			}
			measure(b, photoBytes, func() {
				i := n.Add(1)
				u, content := uploads[i%16], contents[i%16]
				u.Owner = media.Owner(fmt.Sprint("device ", i))
				plan, err := w.now.Load().Plan(context.Background(), u, media.Want{PartBytes: partBytes, MaxParts: 1000, Until: time.Now().Add(time.Hour)})
				if err != nil {
					b.Fatal(err)
				}
				for _, part := range plan.Parts {
					body := content[part.Offset : part.Offset+part.Size]
					req, _ := http.NewRequest(http.MethodPut, part.URL, bytes.NewReader(body))
					req.Header.Set("Content-MD5", sums[string(body[:64])+fmt.Sprint(part.Offset)])
					if answer, err := client.Do(req); err != nil || answer.StatusCode != http.StatusOK {
						b.Fatal(answer, err)
					}
				}
				if err := media.Receive(context.Background(), w.now.Load(), u); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkPlain is what the machine can do: the same files written, synced with their folder, and hashed from what is stored. With MD5 it does also what
// guards each part on its way.
func BenchmarkPlain(b *testing.B) {
	for _, withMD5 := range []bool{false, true} {
		b.Run(fmt.Sprintf("md5=%t", withMD5), func(b *testing.B) {
			dir := b.TempDir()
			next := photos(photoBytes)
			var n atomic.Int64
			measure(b, photoBytes, func() {
				content := next()
				if withMD5 {
					_ = md5.Sum(content)
				}
				path := filepath.Join(dir, fmt.Sprint(n.Add(1)))
				if err := plain(path, content); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func plain(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(sha256.New(), f)
	return err
}
