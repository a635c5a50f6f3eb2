package server_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/rounds-sync/rounds/server"
)

func load(t *testing.T, file string, environ []string, args ...string) (server.Loaded, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "rounds.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, "ROUNDS_CONFIG="+path)
	}
	flags := pflag.NewFlagSet("rounds", pflag.ContinueOnError)
	server.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return server.Load(flags, environ)
}

// TestPrecedence: flag over environment over file over default, for every sort of value, and each setting knows its source.
func TestPrecedence(t *testing.T) {
	file := "listen: 127.0.0.1:1001\ndata: from-file\nurl: https://file.example.com\nlimits:\n  device_rate: 1.5\n  proxies: [10.0.0.0/8]\n" +
		"timeouts:\n  drain: 5s\ntls:\n  self_signed: true\nauth:\n  issuers:\n    - {issuer: https://idp.example.com, jwks_url: https://u:p@idp.example.com/keys, audience: app}\n"
	env := []string{"ROUNDS_DATA=from-env", "ROUNDS_URL=https://env.example.com", "ROUNDS_CORS_ORIGINS=https://a.example.com,https://b.example.com",
		"ROUNDS_LIMITS_TRACKED=77", "ROUNDS_NOPE=1", "PATH=/bin"}
	got, err := load(t, file, env, "--url", "https://flag.example.com", "--timeouts-idle", "90s", "--limits-device-burst", "9")
	if err != nil {
		t.Fatal(err)
	}
	want := server.Default()
	want.Listen, want.Data, want.URL = "127.0.0.1:1001", "from-env", "https://flag.example.com"
	want.Limits.DeviceRate, want.Limits.DeviceBurst, want.Limits.Tracked, want.Limits.Proxies = 1.5, 9, 77, []string{"10.0.0.0/8"}
	want.Timeouts.Drain, want.Timeouts.Idle, want.TLS.SelfSigned = 5*time.Second, 90*time.Second, true
	want.CORS.Origins = []string{"https://a.example.com", "https://b.example.com"}
	want.Auth.Issuers = []server.IssuerConfig{{Issuer: "https://idp.example.com", JWKSURL: "https://u:p@idp.example.com/keys", Audience: "app"}}
	if !reflect.DeepEqual(got.Config, want) {
		t.Errorf("config\n%+v\nwant\n%+v", got.Config, want)
	}
	for key, source := range map[string]string{"listen": "file", "data": "environment", "url": "flag", "timeouts.idle": "flag", "limits.tracked": "environment",
		"limits.device_rate": "file", "admin.listen": "default", "auth.issuers": "file"} {
		if got.Sources[key] != source {
			t.Errorf("%s comes from %q, want %q", key, got.Sources[key], source)
		}
	}
	if !reflect.DeepEqual(got.Ignored, []string{"ROUNDS_NOPE"}) {
		t.Errorf("ignored %v", got.Ignored)
	}

	// What it prints is a file that loads to the same, but for the password.
	var printed bytes.Buffer
	if err := got.Print(&printed); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(printed.String(), "u:p@") || !strings.Contains(printed.String(), "u:xxxxx@") {
		t.Errorf("a password is shown:\n%s", printed.String())
	}
	again, err := load(t, printed.String(), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, printed.String())
	}
	again.Config.Auth.Issuers[0].JWKSURL = want.Auth.Issuers[0].JWKSURL
	if again.Config.CORS.Origins == nil || !reflect.DeepEqual(again.Config, want) {
		t.Errorf("printed and loaded again\n%+v\nwant\n%+v", again.Config, want)
	}
}

// TestAllFaultsAtOnce: a config with many faults names all of them; a setting that does not exist is one.
func TestAllFaultsAtOnce(t *testing.T) {
	_, err := load(t, "", nil, "--listen", "nowhere", "--url", "example", "--tls-cert", "x", "--log-level", "loud", "--limits-device-burst", "0",
		"--timeouts-idle", "1ms", "--limits-proxies", "10", "--cors-origins", "console")
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"listen:", "url:", "tls.cert", "log.level:", "limits.device_burst:", "timeouts.idle:", "limits.proxies:", "cors.origins:"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q is not in %v", name, err)
		}
	}
	if _, err := load(t, "lisen: x\ntls:\n  certificate: y\n", nil); err == nil || !strings.Contains(err.Error(), "lisen") ||
		!strings.Contains(err.Error(), "tls.certificate") {
		t.Errorf("settings that do not exist: %v", err)
	}
	if _, err := load(t, "", []string{"ROUNDS_TIMEOUTS_IDLE=soon"}); err == nil {
		t.Error("a duration that is none was taken")
	}
	if err := server.Default().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
