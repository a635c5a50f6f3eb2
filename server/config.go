package server

import (
	"crypto/rand"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/store"
)

// Config is everything that a server can be told. Default returns the defaults; Load fills it from flags, the environment and a file, under the
// names in the tags: tls.cert is --tls-cert, ROUNDS_TLS_CERT, and cert below tls in the file.
type Config struct {
	// Listen is the address for devices and browsers: host:port; port 0 takes a free one. Default: 127.0.0.1:7480.
	Listen string `koanf:"listen" usage:"address for devices and browsers, host:port; port 0 takes a free one"`
	// URL is the public address of the server, without a slash at its end. Tokens and enrolments are bound to it: a server that is given another
	// one makes all devices enrol anew. Default: the one of the last start, or at the first start the address that it listens on.
	URL string `koanf:"url" usage:"public address (https://rounds.example.com); tokens are bound to it; default: what it was, or where it listens"`
	// Data is the directory that holds everything. Default: data.
	Data string `koanf:"data" usage:"directory that holds everything"`
	// ReadyFile, if not empty, is written when the server answers: one line of JSON with its addresses and process id. Default: none.
	ReadyFile string `koanf:"ready_file" usage:"file to write the addresses to (JSON) once the server answers"`

	Admin    AdminConfig    `koanf:"admin"`
	TLS      TLSConfig      `koanf:"tls"`
	Log      LogConfig      `koanf:"log"`
	CORS     CORSConfig     `koanf:"cors"`
	Limits   LimitConfig    `koanf:"limits"`
	Timeouts TimeoutConfig  `koanf:"timeouts"`
	Auth     AuthConfig     `koanf:"auth"`
	Store    StoreConfig    `koanf:"store"`
	Media    MediaConfig    `koanf:"media"`
	Tags     TagsConfig     `koanf:"tags"`
	Upkeep   UpkeepConfig   `koanf:"upkeep"`
	First    FirstConfig    `koanf:"first"`
	Inject   InjectedConfig `koanf:"-"`
}

// AdminConfig is about the port for operators.
type AdminConfig struct {
	// Listen is the address of metrics, pprof and readiness: not for the public. Empty: none. Default: 127.0.0.1:7481.
	Listen string `koanf:"listen" usage:"address of /metrics, /debug/pprof and /readyz; empty: none"`
}

// TLSConfig is about encryption. Without it the server speaks plain HTTP/1.1 and HTTP/2 (h2c), for loopback or behind a proxy.
type TLSConfig struct {
	// Cert and Key are PEM files; both or none. They are read again when they change. Default: none.
	Cert string `koanf:"cert" usage:"PEM file of the certificate chain"`
	Key  string `koanf:"key" usage:"PEM file of the private key"`
	// SelfSigned makes a certificate in the data directory, for development. Default: false.
	SelfSigned bool `koanf:"self_signed" usage:"make a certificate in the data directory, for development"`
}

// LogConfig is about the log, which goes to the standard error.
type LogConfig struct {
	// Format is text or json. Default: text.
	Format string `koanf:"format" usage:"text or json"`
	// Level is debug, info, warn or error. Default: info.
	Level string `koanf:"level" usage:"debug, info, warn or error"`
}

// CORSConfig is about browsers on other origins.
type CORSConfig struct {
	// Origins that may call, such as https://console.example.com. Default: none.
	Origins []string `koanf:"origins" usage:"browser origins that may call (https://console.example.com); * is all"`
}

// LimitConfig bounds what callers can take.
type LimitConfig struct {
	// MessageBytes of one request, and of what it decompresses to. Default: 5 MiB.
	MessageBytes int `koanf:"message_bytes" usage:"most bytes of one request, also decompressed"`
	// CompressMinBytes: smaller answers are not compressed. Default: 1 KiB.
	CompressMinBytes int `koanf:"compress_min_bytes" usage:"answers smaller than this are not compressed, bytes"`
	// StreamsPerConnection is how many calls one HTTP/2 connection may have open. Default: 250.
	StreamsPerConnection int `koanf:"streams_per_connection" usage:"open calls of one HTTP/2 connection"`
	// DeviceRate is the calls a second of one device in the long run, DeviceBurst how many may come at once. Rate 0: no limit. Default: 50 and 200.
	DeviceRate  float64 `koanf:"device_rate" usage:"calls a second of one device in the long run; 0: no limit"`
	DeviceBurst int     `koanf:"device_burst" usage:"calls of one device at once"`
	// AddressRate is the calls a second without a token of one address (for IPv6, one /64), AddressBurst how many may come at once. Many phones
	// can share an address. Rate 0: no limit. Default: 20 and 200.
	AddressRate  float64 `koanf:"address_rate" usage:"calls a second without a valid token of one address; 0: no limit"`
	AddressBurst int     `koanf:"address_burst" usage:"calls without a valid token of one address at once"`
	// Tracked is how many devices and how many addresses are remembered for these limits. Default: 100,000.
	Tracked int `koanf:"tracked" usage:"devices and addresses remembered for the rate limits"`
	// Proxies are the networks whose X-Forwarded-For is believed, such as 10.0.0.0/8. Default: none.
	Proxies []string `koanf:"proxies" usage:"networks whose X-Forwarded-For is believed (10.0.0.0/8)"`
}

// TimeoutConfig bounds how long things may take.
type TimeoutConfig struct {
	// ReadHeader of a request. Default: 10 s.
	ReadHeader time.Duration `koanf:"read_header" usage:"time to send the headers of a request"`
	// Read is how long a request's body may come to a standstill. Default: 30 s.
	Read time.Duration `koanf:"read" usage:"standstill after which the body of a request is given up"`
	// Write is how long a reader may take nothing of an answer or a stream. Default: 30 s.
	Write time.Duration `koanf:"write" usage:"standstill after which a reader of an answer or a stream is given up"`
	// Idle is how long a connection without a call is kept. Default: 3 min.
	Idle time.Duration `koanf:"idle" usage:"how long a connection without a call is kept"`
	// Heartbeat is the silence after which a watcher hears that the stream lives. Default: 30 s.
	Heartbeat time.Duration `koanf:"heartbeat" usage:"silence on a stream after which a heartbeat is sent"`
	// Export is how long the making of one file may take, with its way to the reader; then it is cut, also where the reader takes nothing. Default: 30 min.
	Export time.Duration `koanf:"export" usage:"longest that one export may run; then it is cut, however slowly it is read"`
	// Drain is how long calls may take to end when the server is told to end. Default: 20 s.
	Drain time.Duration `koanf:"drain" usage:"time for open calls to end when the server is told to end"`
}

// AuthConfig is about tokens and codes.
type AuthConfig struct {
	// AccessLife of an access token. Default: 15 min.
	AccessLife time.Duration `koanf:"access_life" usage:"life of an access token"`
	// RefreshLife is how long a device may stay away. Default: 90 days.
	RefreshLife time.Duration `koanf:"refresh_life" usage:"how long a device may stay away without enrolling anew"`
	// CodeLife of an enrolment code. Default: 24 h.
	CodeLife time.Duration `koanf:"code_life" usage:"life of an enrolment code, at most 720h"`
	// KeyLife is after how long the signing keys are rotated. Default: 30 days.
	KeyLife time.Duration `koanf:"key_life" usage:"time after which signing keys are rotated"`
	// Issuers are the company's own identity providers. In the file only.
	Issuers []IssuerConfig `koanf:"issuers"`
}

// IssuerConfig is one identity provider; see auth.ExternalIssuer for what the fields mean.
type IssuerConfig struct {
	Issuer       string `koanf:"issuer"`
	JWKSURL      string `koanf:"jwks_url"`
	Audience     string `koanf:"audience"`
	Claim        string `koanf:"claim"`
	Prefix       string `koanf:"prefix"`
	AllowUnbound bool   `koanf:"allow_unbound"`
	CreateUnder  string `koanf:"create_under"`
	NameClaim    string `koanf:"name_claim"`
}

// StoreConfig is about the embedded store.
type StoreConfig struct {
	// SyncDelay is added to each sync of the disk, to see how things go on a slower one. Default: 0.
	SyncDelay time.Duration `koanf:"sync_delay" usage:"added to each sync of the disk, to try a slower one"`
	// MinFreeBytes must remain free on the disk for writes to be taken. Default: 0, the store's own choice (256 MiB).
	MinFreeBytes int64 `koanf:"min_free_bytes" usage:"free bytes that must remain on the disk for writes to be taken; 0: 256 MiB"`
	// MemTableBytes gathers writes in memory. Default: 0, the store's own choice (24 MiB).
	MemTableBytes int64 `koanf:"mem_table_bytes" usage:"memory in which writes are gathered, bytes; 0: 24 MiB"`
	// CacheBytes of decompressed blocks. Default: 0, the store's own choice (16 MiB).
	CacheBytes int64 `koanf:"cache_bytes" usage:"cache of blocks read, bytes; 0: 16 MiB"`
}

// MediaConfig is about photos.
type MediaConfig struct {
	// Dir keeps photos in files. Default: media below Data.
	Dir string `koanf:"dir" usage:"directory that holds photos; default: media in the data directory"`
	// S3 keeps photos in an object store instead: s3+https://KEY:SECRET@host:port/bucket/prefix?region=...; see s3blobs.ParseURL. Default: none.
	S3 string `koanf:"s3" usage:"object store that holds photos: s3+https://KEY:SECRET@host:port/bucket/prefix?region=..."`
	// URL is where devices reach photos in files. Default: the public address where that is told, else where the server listens.
	URL string `koanf:"url" usage:"address at which devices reach photos in files; default: the public address"`
	// MaxPhotoBytes is the largest photo that is taken. Default: 32 MiB.
	MaxPhotoBytes int64 `koanf:"max_photo_bytes" usage:"largest photo that is taken, bytes"`
	// Workers look at photos beside each other. Default: 0, one for each CPU.
	Workers int `koanf:"workers" usage:"photos looked at beside each other; 0: one for each CPU"`
	// MemoryBytes is what the photos that are looked at may take together. Default: 1 GiB.
	MemoryBytes int64 `koanf:"memory_bytes" usage:"memory that all photos being decoded may take together, bytes"`
	// Adopt takes photos whose bytes are in storage already for stored: after a restore from a backup older than they are; see evidence.Config.
	// Default: false.
	Adopt bool `koanf:"adopt" usage:"take photos whose bytes are in storage for stored; for the time after a restore from an older backup"`
	// HEIC is the program that decodes HEIC. Default: rounds-heic beside this program, else on the path. Without it such photos wait.
	HEIC string `koanf:"heic" usage:"program that decodes HEIC; default: rounds-heic beside this program, else on the path"`
	// PartLife is how long the address of a part works, LinkLife that of a download. Default: 1 h and 15 min.
	PartLife time.Duration `koanf:"part_life" usage:"how long the address to send a part to works"`
	LinkLife time.Duration `koanf:"link_life" usage:"how long the address to download a photo from works"`
	// UploadLife is how long an upload in which nothing happens is kept. Default: 14 days.
	UploadLife time.Duration `koanf:"upload_life" usage:"how long an upload in which nothing happens is kept"`
	// Grace is how old bytes that no photo has must be to be removed. Default: 7 days.
	Grace time.Duration `koanf:"grace" usage:"age from which on bytes that no photo has are removed"`
}

// TagsConfig is about the tags at checkpoints. Each site's key is derived from one secret, so that nobody can print a tag for a place without the server.
type TagsConfig struct {
	// Key is the file of the secret that tags are issued with, 32 bytes; made at the first start. Default: tags.key in Data.
	Key string `koanf:"key" usage:"file of the secret that tags are issued with, made at the first start; default: tags.key in the data directory"`
	// Previous is the file of the one before, whose tags still count. Default: tags.old.key in Data, where there is one.
	Previous string `koanf:"previous" usage:"file of the secret before, whose tags still count; default: tags.old.key in the data directory, if there"`
}

// UpkeepConfig is about what is done now and then.
type UpkeepConfig struct {
	// Tombstones is how often deletions that all devices have passed are removed. Default: 1 h.
	Tombstones time.Duration `koanf:"tombstones" usage:"how often deletions that all devices have passed are removed"`
	// Garbage is how often the store frees what was overwritten. Default: 10 min.
	Garbage time.Duration `koanf:"garbage" usage:"how often the store frees what was overwritten"`
	// Media is how often photos whose time is over and bytes that no photo has are removed. Default: 6 h.
	Media time.Duration `koanf:"media" usage:"how often old uploads, photos whose time is over and bytes that no photo has are removed"`
}

// FirstConfig is what the first start makes.
type FirstConfig struct {
	// Organisation is the name of the root of the organisation tree. Default: Rounds.
	Organisation string `koanf:"organisation" usage:"first start: name of the organisation"`
	// Administrator is the name of the first administrator. Default: Administrator.
	Administrator string `koanf:"administrator" usage:"first start: name of the first administrator"`
}

// InjectedConfig is what a program hands in rather than a person. Zero values mean the defaults.
type InjectedConfig struct {
	// Now is the wall clock. Default: time.Now.
	Now func() time.Time
	// Rand is the source of secrets and ids. Default: crypto/rand.Reader.
	Rand io.Reader
	// Logger takes the place of what Log describes.
	Logger *slog.Logger
	// Out is where the ready line and the first code go. Default: os.Stdout.
	Out io.Writer
	// Store takes the place of the embedded one in Data. The server does not close it.
	Store store.Store
	// Media takes the place of the storage that the section Media describes. The server does not close it.
	Media media.Driver
	// TombstonesTick, GarbageTick and MediaTick, if not nil, take the place of the intervals in Upkeep.
	TombstonesTick, GarbageTick, MediaTick <-chan time.Time
}

// Default returns the config that a server has when it is told nothing.
func Default() Config {
	const day = 24 * time.Hour
	return Config{
		Listen: "127.0.0.1:7480",
		Data:   "data",
		Admin:  AdminConfig{Listen: "127.0.0.1:7481"},
		Log:    LogConfig{Format: "text", Level: "info"},
		Limits: LimitConfig{MessageBytes: 5 << 20, CompressMinBytes: 1 << 10, StreamsPerConnection: 250, DeviceRate: 50, DeviceBurst: 200,
			AddressRate: 20, AddressBurst: 200, Tracked: 100_000},
		Timeouts: TimeoutConfig{ReadHeader: 10 * time.Second, Read: 30 * time.Second, Write: 30 * time.Second, Idle: 3 * time.Minute,
			Heartbeat: 30 * time.Second, Export: 30 * time.Minute, Drain: 20 * time.Second},
		Auth: AuthConfig{AccessLife: 15 * time.Minute, RefreshLife: 90 * day, CodeLife: day, KeyLife: 30 * day},
		Media: MediaConfig{MaxPhotoBytes: 32 << 20, MemoryBytes: 1 << 30, PartLife: time.Hour, LinkLife: 15 * time.Minute, UploadLife: 14 * day,
			Grace: 7 * day},
		Upkeep: UpkeepConfig{Tombstones: time.Hour, Garbage: 10 * time.Minute, Media: 6 * time.Hour},
		First:  FirstConfig{Organisation: "Rounds", Administrator: "Administrator"},
	}
}

// withInjected returns the config with the defaults of what was not handed in.
func (c Config) withInjected() Config {
	i := &c.Inject
	if i.Now == nil {
		i.Now = time.Now
	}
	if i.Rand == nil {
		i.Rand = rand.Reader
	}
	if i.Out == nil {
		i.Out = os.Stdout
	}
	if i.Logger == nil {
		i.Logger = c.Log.logger(os.Stderr)
	}
	return c
}

// logger returns the logger that the config describes.
func (c LogConfig) logger(to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // Validate has looked at it
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
