package s3blobs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rounds-sync/rounds/media"
)

// BenchmarkPhotos measures 200 photos of 1.5 MB, 8 at a time, against plain PUTs of the same bytes to the same store, whose SHA-256 is signed:
//
//	go test -run '^$' -bench Photos -benchtime 3x ./media/s3blobs
//
// The kinds take turns of 40 photos, so that what else the machine does hits them alike. The ratios are of ours to the plain PUT; "write twice" is
// a plain PUT, a GET and a second PUT: what any way costs in which bytes are read again before they stand under their address.
func BenchmarkPhotos(b *testing.B) {
	const photos, bytesEach, atOnce, turn = 200, 1_500_000, 8, 40
	cfg := config(b)
	d := open(b, cfg)
	api := minio.Core{Client: rawClient(b, cfg)}
	contents := make([][]byte, photos)
	round := 0
	fresh := func() { // other photos each time: what is stored already is not written again
		round++
		for i := range contents {
			if contents[i] == nil {
				contents[i] = photo(byte(i), bytesEach)
			}
			copy(contents[i], fmt.Sprintf("round %8d photo %8d", round, i))
		}
	}
	some := func(from int, each func(i int) error) time.Duration {
		next := make(chan int)
		var busy sync.WaitGroup
		began := time.Now()
		for range atOnce {
			busy.Go(func() {
				for i := range next {
					if err := each(i); err != nil {
						b.Error(err)
					}
				}
			})
		}
		for i := range turn {
			next <- from + i
		}
		close(next)
		busy.Wait()
		return time.Since(began)
	}
	plain := func(i int) error {
		sum := sha256.Sum256(contents[i])
		_, err := api.PutObject(ctx, cfg.Bucket, fmt.Sprintf("plain/%d/%d", round, i), bytes.NewReader(contents[i]), bytesEach, "", hex.EncodeToString(sum[:]),
			minio.PutObjectOptions{DisableContentSha256: true})
		return err
	}
	twice := func(i int) error {
		if err := plain(i); err != nil {
			return err
		}
		body, _, _, err := api.GetObject(ctx, cfg.Bucket, fmt.Sprintf("plain/%d/%d", round, i), minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		sum := sha256.New()
		var content bytes.Buffer
		if _, err := content.ReadFrom(body); err != nil {
			return err
		}
		sum.Write(content.Bytes())
		_, err = api.PutObject(ctx, cfg.Bucket, fmt.Sprintf("again/%d/%d", round, i), bytes.NewReader(content.Bytes()), bytesEach, "", hex.EncodeToString(sum.Sum(nil)),
			minio.PutObjectOptions{DisableContentSha256: true})
		return err
	}
	ours := func(partBytes int64) func(i int) error {
		return func(i int) error {
			u := uploadOf(contents[i])
			p, err := d.Plan(ctx, u, want(partBytes))
			if err != nil {
				return err
			}
			for _, part := range p.Parts {
				if status := send(part, contents[i]); status != http.StatusOK {
					return fmt.Errorf("status %d", status)
				}
			}
			return media.Receive(ctx, d, u)
		}
	}
	var took [4]time.Duration
	for b.Loop() {
		for from := 0; from < photos; from += turn {
			for kind, each := range []func(int) error{plain, ours(2 * mib), ours(512 * kib), twice} {
				fresh()
				took[kind] += some(from, each)
			}
		}
	}
	speed := func(d time.Duration) float64 { return float64(b.N) * photos * bytesEach / 1e6 / d.Seconds() }
	for kind, name := range []string{"plain", "one-part", "three-parts", "twice"} {
		b.ReportMetric(speed(took[kind]), name+"-MB/s")
		if kind > 0 {
			b.ReportMetric(100*took[0].Seconds()/took[kind].Seconds(), name+"-%")
		}
	}
	b.ReportMetric(0, "ns/op")
}
