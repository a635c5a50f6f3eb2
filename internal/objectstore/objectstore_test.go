package objectstore_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/rounds-sync/rounds/internal/objectstore"
)

// answers tells whether a store takes requests.
func answers(s *objectstore.Server) bool {
	resp, err := http.Get("http://" + s.Endpoint() + "/minio/health/ready")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func TestServer(t *testing.T) {
	ctx := context.Background()
	s := objectstore.Test(t)
	endpoint := s.Endpoint()
	if !answers(s) {
		t.Error("started, and it does not answer")
	}
	for name, end := range map[string]func() error{"stopped": s.Stop, "killed": s.Kill} {
		if err := errors.Join(end(), end()); err != nil {
			t.Fatal(err)
		}
		if answers(s) {
			t.Errorf("%s, and it answers", name)
		}
		if err := s.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		if !answers(s) || s.Endpoint() != endpoint {
			t.Error("started again, and it does not answer where it did")
		}
	}
	u, err := url.Parse(s.URL("photos"))
	if secret, _ := u.User.Password(); err != nil || u.Host != endpoint || u.Path != "/photos" || secret != s.SecretKey() {
		t.Errorf("URL %s: %v", u.Redacted(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) || answers(s) {
		t.Errorf("closed, and it or its folder is there: %v", err)
	}
}

func TestNoBinary(t *testing.T) {
	t.Setenv(objectstore.EnvBinary, filepath.Join(t.TempDir(), "nothing"))
	if _, err := objectstore.Start(context.Background(), objectstore.Config{}); !errors.Is(err, objectstore.ErrNoBinary) {
		t.Errorf("without a program: %v", err)
	}
	for ci, want := range map[string]string{"true": "failed", "": "skipped"} {
		t.Setenv("CI", ci)
		if got := outcome(objectstore.ErrNoBinary); got != want {
			t.Errorf("CI=%q: %s, want %s", ci, got, want)
		}
		if got := outcome(errors.New("it ended at once")); got != "failed" {
			t.Errorf("CI=%q, a store that does not start: %s", ci, got)
		}
	}
}

// outcome is what Skip makes of a test.
func outcome(err error) (how string) {
	defer func() { how = recover().(string) }()
	objectstore.Skip(recorder{}, err)
	return "passed"
}

// recorder is a test that only says how it ends.
type recorder struct{}

func (recorder) Helper()        {}
func (recorder) Skip(...any)    { panic("skipped") }
func (recorder) Fatal(...any)   { panic("failed") }
func (recorder) Error(...any)   {}
func (recorder) Cleanup(func()) {}
