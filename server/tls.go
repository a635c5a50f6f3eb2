package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// keeper holds a certificate from two files, and reads them again when they change, so that a renewal needs no restart.
type keeper struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex // guards what follows
	current *tls.Certificate
	changed time.Time // of the files, as last read
}

func newKeeper(cert, key string, log *slog.Logger) (*keeper, error) {
	k := &keeper{cert: cert, key: key, log: log}
	_, err := k.get(nil)
	return k, err
}

// get is a tls.Config.GetCertificate. Files that cannot be read leave the last certificate in place.
func (k *keeper) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, err := newest(k.cert, k.key)
	if err == nil && k.current != nil && changed.Equal(k.changed) {
		return k.current, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(k.cert, k.key)
	}
	switch {
	case err == nil:
		k.current, k.changed = &pair, changed
	case k.current == nil:
		return nil, err
	case !changed.Equal(k.changed): // once for each change
		k.log.Error("the new certificate cannot be read; the last one stays", "error", err)
		k.changed = changed
	}
	return k.current, nil
}

func newest(paths ...string) (latest time.Time, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return latest, err
		}
		if info.ModTime().After(latest) {
			latest = info.ModTime()
		}
	}
	return latest, nil
}

// SelfSignedCert is where a server with TLSConfig.SelfSigned keeps its certificate, below the data directory, for callers to trust.
const SelfSignedCert = "self-signed.crt"

const selfSignedKey = "self-signed.key"

// selfSigned returns the certificate in the data directory, making one at the first start and when it is about to end.
func selfSigned(data string, now func() time.Time, random io.Reader, addr net.Addr, public string) (tls.Certificate, error) {
	certPath, keyPath := filepath.Join(data, SelfSignedCert), filepath.Join(data, selfSignedKey)
	pair, err := tls.LoadX509KeyPair(certPath, keyPath)
	if err == nil && pair.Leaf != nil && now().Add(24*time.Hour).Before(pair.Leaf.NotAfter) {
		return pair, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial := make([]byte, 16)
	if _, err := io.ReadFull(random, serial); err != nil {
		return tls.Certificate{}, err
	}
	template := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: "Rounds, self-signed"},
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	hosts := []string{}
	if host, _, err := net.SplitHostPort(addr.String()); err == nil {
		hosts = append(hosts, host)
	}
	if u, err := url.Parse(public); err == nil {
		hosts = append(hosts, u.Hostname())
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip == nil {
			template.DNSNames = append(template.DNSNames, host)
		} else if !ip.IsUnspecified() {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	cert, err := x509.CreateCertificate(random, &template, &template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	if err := errors.Join(os.MkdirAll(data, 0o700), writeWhole(keyPath, keyText), writeWhole(certPath, certText)); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certText, keyText)
}
