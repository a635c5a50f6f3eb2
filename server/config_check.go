package server

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/rounds-sync/rounds/media/s3blobs"
)

// Validate returns all faults of the config at once, joined, or nil. Each names its setting as in the file.
func (c Config) Validate() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!isAddress(c.Listen), "listen: %q is not host:port", c.Listen)
	fault(c.Admin.Listen != "" && !isAddress(c.Admin.Listen), "admin.listen: %q is not host:port", c.Admin.Listen)
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		fault(err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != u.Path || u.RawQuery != "",
			"url: %q is not an address like https://rounds.example.com", c.URL)
	}
	fault(c.Data == "" && (c.Inject.Store == nil || c.Inject.Media == nil && c.Media.S3 == ""), "data: a directory is needed")
	fault((c.TLS.Cert == "") != (c.TLS.Key == ""), "tls.cert, tls.key: one needs the other")
	fault(c.TLS.SelfSigned && c.TLS.Cert != "", "tls.self_signed: excludes tls.cert")
	fault(c.Log.Format != "text" && c.Log.Format != "json", "log.format: %q is neither text nor json", c.Log.Format)
	var level slog.Level
	fault(level.UnmarshalText([]byte(c.Log.Level)) != nil, "log.level: %q is none of debug, info, warn, error", c.Log.Level)
	for _, origin := range c.CORS.Origins {
		u, err := url.Parse(origin)
		fault(origin != "*" && (err != nil || u.Host == "" || u.Path != ""), "cors.origins: %q is not an origin like https://console.example.com", origin)
	}
	for _, proxy := range c.Limits.Proxies {
		_, err := netip.ParsePrefix(proxy)
		fault(err != nil, "limits.proxies: %q is not a network like 10.0.0.0/8", proxy)
	}
	if c.Media.S3 != "" {
		_, err := s3blobs.ParseURL(c.Media.S3)
		fault(err != nil, "media.s3: %v", err)
		fault(c.Media.Dir != "", "media.s3: excludes media.dir")
	}
	if c.Media.URL != "" {
		u, err := url.Parse(c.Media.URL)
		fault(err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "",
			"media.url: %q is not an address like https://rounds.example.com", c.Media.URL)
	}
	faults = append(faults, c.numbers()...)
	for i, issuer := range c.Auth.Issuers {
		fault(issuer.Issuer == "" || issuer.JWKSURL == "" || issuer.Audience == "", "auth.issuers[%d]: issuer, jwks_url and audience are needed", i)
	}
	return errors.Join(faults...)
}

// numbers returns the faults of what has a least and a greatest value.
func (c Config) numbers() (faults []error) {
	for _, n := range []struct {
		name            string
		value, low, top float64
	}{
		{"limits.message_bytes", float64(c.Limits.MessageBytes), 1 << 10, 64 << 20},
		{"limits.compress_min_bytes", float64(c.Limits.CompressMinBytes), 0, math.MaxInt32},
		{"limits.streams_per_connection", float64(c.Limits.StreamsPerConnection), 1, 100_000},
		{"limits.device_rate", c.Limits.DeviceRate, 0, 1e9},
		{"limits.device_burst", float64(c.Limits.DeviceBurst), 1, 1e9},
		{"limits.address_rate", c.Limits.AddressRate, 0, 1e9},
		{"limits.address_burst", float64(c.Limits.AddressBurst), 1, 1e9},
		{"limits.tracked", float64(c.Limits.Tracked), 1, 1e9},
		{"store.min_free_bytes", float64(c.Store.MinFreeBytes), 0, math.MaxInt64},
		{"store.mem_table_bytes", float64(c.Store.MemTableBytes), 0, 1 << 30},
		{"store.cache_bytes", float64(c.Store.CacheBytes), 0, 1 << 40},
		{"media.max_photo_bytes", float64(c.Media.MaxPhotoBytes), 1 << 10, 1 << 30},
		{"media.workers", float64(c.Media.Workers), 0, 1024},
		{"media.memory_bytes", float64(c.Media.MemoryBytes), 64 << 20, 1 << 40},
	} {
		if math.IsNaN(n.value) || n.value < n.low || n.value > n.top {
			faults = append(faults, fmt.Errorf("%s: %v is not between %v and %v", n.name, n.value, n.low, n.top))
		}
	}
	const year = 366 * 24 * time.Hour
	for _, d := range []struct {
		name            string
		value, low, top time.Duration
	}{
		{"timeouts.read_header", c.Timeouts.ReadHeader, time.Millisecond, time.Hour},
		{"timeouts.read", c.Timeouts.Read, time.Millisecond, time.Hour},
		{"timeouts.write", c.Timeouts.Write, time.Millisecond, time.Hour},
		{"timeouts.idle", c.Timeouts.Idle, time.Second, 24 * time.Hour},
		{"timeouts.heartbeat", c.Timeouts.Heartbeat, time.Second, time.Hour},
		{"timeouts.export", c.Timeouts.Export, time.Second, 24 * time.Hour},
		{"timeouts.drain", c.Timeouts.Drain, 0, time.Hour},
		{"auth.access_life", c.Auth.AccessLife, time.Second, 24 * time.Hour},
		{"auth.refresh_life", c.Auth.RefreshLife, time.Minute, 10 * year},
		{"auth.code_life", c.Auth.CodeLife, time.Minute, 30 * 24 * time.Hour},
		{"auth.key_life", c.Auth.KeyLife, time.Hour, 10 * year},
		{"store.sync_delay", c.Store.SyncDelay, 0, time.Minute},
		{"upkeep.tombstones", c.Upkeep.Tombstones, time.Second, year},
		{"upkeep.garbage", c.Upkeep.Garbage, time.Second, year},
		{"upkeep.media", c.Upkeep.Media, time.Second, year},
		{"media.part_life", c.Media.PartLife, time.Minute, 7 * 24 * time.Hour},
		{"media.link_life", c.Media.LinkLife, time.Second, 7 * 24 * time.Hour},
		{"media.upload_life", c.Media.UploadLife, time.Hour, year},
		{"media.grace", c.Media.Grace, time.Hour, 10 * year},
	} {
		if d.value < d.low || d.value > d.top {
			faults = append(faults, fmt.Errorf("%s: %v is not between %v and %v", d.name, d.value, d.low, d.top))
		}
	}
	return faults
}

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}
