package objectstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// EnvBinary is the environment variable that names the program; it goes before the one that make builds.
const EnvBinary = "ROUNDS_TEST_MINIO"

// ErrNoBinary says that there is no program to start.
var ErrNoBinary = errors.New("objectstore: no MinIO here: run `make .build/bin/minio` (it takes minutes the first time), or name one in " + EnvBinary)

// Find returns the path of the program: the one that EnvBinary names, or .build/bin/minio in the module that the working directory is in. Otherwise
// ErrNoBinary.
func Find() (string, error) {
	if named := os.Getenv(EnvBinary); named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrNoBinary, EnvBinary, err)
		}
		return named, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("objectstore: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			at := filepath.Join(dir, ".build", "bin", "minio")
			if _, err := os.Stat(at); err != nil {
				return "", ErrNoBinary
			}
			return at, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", ErrNoBinary
		}
		dir = up
	}
}

// TB is what Test needs of a testing.TB.
type TB interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
	Error(args ...any)
	Cleanup(func())
}

// Test starts a store for a test and closes it when the test is over. Where there is no program, the test is skipped; on a machine that says CI=true
// it fails, so that nobody takes a green run for one with an object store.
func Test(t TB) *Server {
	t.Helper()
	s, err := Start(context.Background(), Config{})
	if err != nil {
		Skip(t, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Skip ends a test for which a store could not be started: skipped for ErrNoBinary, unless CI=true; otherwise failed.
func Skip(t TB, err error) {
	t.Helper()
	if errors.Is(err, ErrNoBinary) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	t.Fatal(err)
}
