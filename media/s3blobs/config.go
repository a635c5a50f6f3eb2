// Package s3blobs is a media.Driver on an object store that speaks the S3 protocol: MinIO, Amazon S3 and compatible ones.
//
// Devices send parts straight to the store, by signed URLs. A part of a small upload, or one under SlotBytes, is an object of its own below uploads/; a
// large upload over a good link uses the store's multipart upload. Finish reads what rests in the store, shows it to the check, and only then writes it
// to its content address, in a way in which nobody who holds a URL can slip other bytes in between (docs/decisions/0010).
//
// There is no state but in the bucket, so that several servers can work with one bucket, and a server that restarts goes on where it was.
package s3blobs

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// Secret is text that must not be seen: it prints and logs as "[secret]".
type Secret string

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// Encryption is how the store encrypts what it keeps.
type Encryption string

// The ways of encryption.
const (
	// EncryptNot leaves it to the bucket's own settings.
	EncryptNot Encryption = ""
	// EncryptS3 has the store encrypt with keys of its own (SSE-S3).
	EncryptS3 Encryption = "sse-s3"
	// EncryptKMS has the store encrypt with the key that Config.KMSKey names in its key service (SSE-KMS).
	EncryptKMS Encryption = "sse-kms"
)

// Policy is what Open does about the bucket's policy: who may do what with it besides whoever holds its keys.
type Policy string

// The policies.
const (
	// PolicyKeep leaves the bucket's policy as it is.
	PolicyKeep Policy = ""
	// PolicyPrivate takes any policy off: nobody but its owner, and whoever has a signed URL, can reach anything.
	PolicyPrivate Policy = "private"
	// PolicyTLS is PolicyPrivate, and besides refuses all requests that do not come over TLS, signed ones too.
	PolicyTLS Policy = "tls"
)

// Config is what a Store is made of. Endpoint, Bucket, AccessKey and SecretKey are needed.
type Config struct {
	// Endpoint is where the server reaches the store, host:port or host.
	Endpoint string
	// TLS: the endpoint, and PublicEndpoint, speak it.
	TLS bool
	// PublicEndpoint is where devices reach the store, host:port or host, for the URLs that are given out. Default: Endpoint.
	PublicEndpoint string
	// PublicTLS: the PublicEndpoint speaks TLS though the Endpoint does not. It goes with PublicEndpoint.
	PublicTLS bool
	// Region of the bucket. Default: us-east-1.
	Region string
	// Bucket to keep everything in.
	Bucket string
	// Prefix of all keys, so that a bucket can be shared. "" or one that ends in "/".
	Prefix string
	// PathStyle puts the bucket into the path of URLs. Default: into the host's name at Amazon, into the path elsewhere.
	PathStyle bool
	// AccessKey names the user of the store.
	AccessKey string
	// SecretKey is that user's.
	SecretKey Secret

	// CreateBucket makes the bucket if it is not there. Otherwise Open fails then.
	CreateBucket bool
	// Encryption of all that is written. Default: as the bucket is set up.
	Encryption Encryption
	// KMSKey names the key for EncryptKMS.
	KMSKey string
	// Policy that Open gives the bucket. Default: left as it is.
	Policy Policy
	// IncompleteDays has the store itself remove what has rested below uploads/ for so many days, should Sweep not do it; 0: it does not. Other rules
	// of the bucket's lifecycle stay.
	IncompleteDays int

	// Timeout is how long the store may be silent in one request. A call ends after twice that at most, plus what its bytes take at 256 KiB/s.
	// Default: 10 s.
	Timeout time.Duration
	// Retries is how often a request that failed in passing is sent again, after a random time of at most a second. Default: 3; less than 0: never.
	Retries int
	// MemoryBytes bounds what all calls of Finish at once hold of photos in memory. Default, and least: 32 MiB.
	MemoryBytes int64
	// TempDir is where objects of more than 1 MiB are kept while they are read. Default: the system's.
	TempDir string
	// Now is the clock. It must tell the true time, for the store compares. Default: time.Now.
	Now func() time.Time
	// Logger. Default: nothing is logged.
	Logger *slog.Logger
	// Transport carries the requests to Endpoint. Default: one of its own, whose connections are closed by Close.
	Transport http.RoundTripper
}

// Validate reports all that is wrong with the configuration.
func (c Config) Validate() error {
	var wrong []error
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf("s3blobs: "+format, args...)) }
	for name, endpoint := range map[string]string{"endpoint": c.Endpoint, "public endpoint": c.PublicEndpoint} {
		switch {
		case endpoint == "" && name == "endpoint":
			bad("an endpoint is needed")
		case endpoint != "" && !isHost(endpoint):
			bad("the %s must be host or host:port", name)
		}
	}
	if err := s3utils.CheckValidBucketNameStrict(c.Bucket); err != nil {
		bad("bucket: %w", err)
	}
	if c.Prefix != "" && (!strings.HasSuffix(c.Prefix, "/") || strings.HasPrefix(c.Prefix, "/") || s3utils.CheckValidObjectNamePrefix(c.Prefix) != nil ||
		strings.Contains("/"+c.Prefix, "/../") || strings.Contains("/"+c.Prefix, "/./") || strings.Contains(c.Prefix, "//")) {
		bad("the prefix %q must be folders that end in a slash", c.Prefix)
	}
	if c.AccessKey == "" || c.SecretKey == "" {
		bad("an access key and its secret are needed")
	}
	switch c.Encryption {
	case EncryptNot, EncryptS3, EncryptKMS:
	default:
		bad("no encryption is called %q: %s or %s", c.Encryption, EncryptS3, EncryptKMS)
	}
	if (c.Encryption == EncryptKMS) != (c.KMSKey != "") {
		bad("encryption %s and the name of a key go together", EncryptKMS)
	}
	switch c.Policy {
	case PolicyKeep, PolicyPrivate, PolicyTLS:
	default:
		bad("no policy is called %q: %s or %s", c.Policy, PolicyPrivate, PolicyTLS)
	}
	if c.IncompleteDays < 0 || c.IncompleteDays > 3650 {
		bad("incomplete uploads cannot be removed after %d days", c.IncompleteDays)
	}
	if c.Timeout < 0 {
		bad("a timeout of %s", c.Timeout)
	}
	return errors.Join(wrong...)
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if c.PublicEndpoint == "" {
		c.PublicEndpoint, c.PublicTLS = c.Endpoint, c.TLS
	}
	c.PublicTLS = c.PublicTLS || c.TLS
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	if c.Retries == 0 {
		c.Retries = 3
	}
	c.MemoryBytes = max(c.MemoryBytes, 32<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func isHost(endpoint string) bool {
	host := endpoint
	if h, port, err := net.SplitHostPort(endpoint); err == nil {
		if port == "" {
			return false
		}
		host = h
	}
	return host != "" && !strings.ContainsAny(host, "/@?# \t")
}
