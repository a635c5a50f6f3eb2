package s3blobs

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseURL reads a configuration from one line:
//
//	s3+https://KEY:SECRET@host:port/bucket/prefix?region=eu-central-1&encryption=sse-kms:key&policy=private
//
// The scheme is s3+http, s3+https or s3, which is s3+https. Further settings: create=true (make the bucket), path-style=true, public=https://host:port
// (where devices reach the store), incomplete-days=30, timeout=10s, retries=3. Errors never hold the line itself: there is a secret in it.
func ParseURL(text string) (Config, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Config{}, errors.New("s3blobs: not a URL") // its error would repeat the secret
	}
	c := Config{Endpoint: u.Host}
	switch u.Scheme {
	case "s3", "s3+https":
		c.TLS = true
	case "s3+http":
	default:
		return Config{}, errors.New("s3blobs: the URL of an object store begins with s3+http://, s3+https:// or s3://")
	}
	if u.Fragment != "" || u.Opaque != "" {
		return Config{}, errors.New("s3blobs: a URL with more in it than an object store has (a # in a secret is written %23)")
	}
	c.AccessKey = u.User.Username()
	secret, _ := u.User.Password()
	c.SecretKey = Secret(secret)
	c.Bucket, c.Prefix, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if c.Prefix != "" && !strings.HasSuffix(c.Prefix, "/") {
		c.Prefix += "/"
	}
	settings, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, errors.New("s3blobs: the settings behind the ? cannot be read")
	}
	var wrong []error
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if values := settings[name]; len(values) != 1 {
			wrong = append(wrong, fmt.Errorf("s3blobs: setting %q stands there %d times", name, len(values)))
		} else if err := c.set(name, values[0]); err != nil {
			wrong = append(wrong, fmt.Errorf("s3blobs: setting %q: %w", name, err))
		}
	}
	return c, errors.Join(append(wrong, c.Validate())...)
}

func (c *Config) set(name, value string) (err error) {
	switch name {
	case "region":
		c.Region = value
	case "create":
		c.CreateBucket, err = strconv.ParseBool(value)
	case "path-style":
		c.PathStyle, err = strconv.ParseBool(value)
	case "policy":
		c.Policy = Policy(value)
	case "encryption":
		kind, key, _ := strings.Cut(value, ":")
		c.Encryption, c.KMSKey = Encryption(kind), key
	case "public":
		var public *url.URL
		if public, err = url.Parse(value); err != nil || public.Scheme != "http" && public.Scheme != "https" || public.User != nil ||
			public.Path != "" && public.Path != "/" || public.RawQuery != "" {
			return errors.New("want http://host:port or https://host:port")
		}
		if c.TLS && public.Scheme == "http" {
			return errors.New("a store that is reached by TLS is not given to devices without")
		}
		c.PublicEndpoint, c.PublicTLS = public.Host, public.Scheme == "https"
	case "incomplete-days":
		c.IncompleteDays, err = strconv.Atoi(value)
	case "timeout":
		c.Timeout, err = time.ParseDuration(value)
	case "retries":
		c.Retries, err = strconv.Atoi(value)
		if err == nil && c.Retries <= 0 {
			c.Retries = -1
		}
	default:
		return errors.New("there is no such setting")
	}
	return err
}
