package picture_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rounds-sync/rounds/media/picture"
)

// program is the decoder of HEIC: what make built, without the race detector; "" where it did not. heic runs it.
var program, heic = built(), picture.HEICProgram(picture.ProgramConfig{Find: func() string { return program }})

func TestMain(m *testing.M) {
	if pretend(filepath.Base(os.Args[0])) {
		return
	}
	code := m.Run()
	heic.Close()
	os.Exit(code)
}

// built looks for .build/bin/rounds-heic at the root of the module.
func built() string {
	name := "rounds-heic"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(dir, ".build", "bin", name)
			if _, err := os.Stat(path); err == nil {
				return path
			}
			return ""
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// needsHEIC skips a test where the decoder was not built.
func needsHEIC(t testing.TB) {
	t.Helper()
	switch {
	case program != "":
	case os.Getenv("CI") == "true":
		t.Fatal("the decoder of HEIC was not built: make .build/bin/rounds-heic")
	default:
		t.Skip("the decoder of HEIC was not built: make .build/bin/rounds-heic")
	}
}

func inspector() *picture.Inspector { return picture.NewInspector(picture.Config{HEIC: heic.Decode}) }
