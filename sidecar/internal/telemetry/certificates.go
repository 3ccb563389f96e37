package telemetry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// certificates are TLS credentials of a client whose files are read again when
// a connection is made and what was read is too old. Files that have become
// unusable are no reason to drop what was read before.
type certificates struct {
	certFile, keyFile, caFile string
	reload                    time.Duration
	log                       *slog.Logger

	mu      sync.Mutex
	read    time.Time
	current credentials.TransportCredentials
}

func newCertificates(cfg Config, log *slog.Logger) (*certificates, error) {
	c := &certificates{
		certFile: cfg.CertFile, keyFile: cfg.KeyFile, caFile: cfg.CAFile,
		reload: cfg.Reload, log: log,
	}
	if c.reload <= 0 {
		c.reload = defaultReload
	}
	var err error
	if c.current, err = c.load(); err != nil {
		return nil, err
	}
	c.read = time.Now()
	return c, nil
}

func (c *certificates) load() (credentials.TransportCredentials, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.certFile != "" {
		pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
		if err != nil {
			return nil, fmt.Errorf("read the certificate for the collector: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	if c.caFile != "" {
		pem, err := os.ReadFile(c.caFile)
		if err != nil {
			return nil, fmt.Errorf("read the authorities of the collector: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the authorities of the collector: %s has no certificate in PEM", c.caFile)
		}
	}
	return credentials.NewTLS(settings), nil
}

// newest returns credentials that are not too old.
func (c *certificates) newest() credentials.TransportCredentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.read) < c.reload {
		return c.current
	}
	c.read = time.Now()
	next, err := c.load()
	if err != nil {
		c.log.Warn("keep last good certificates", "err", err)
		return c.current
	}
	c.current = next
	return next
}

// ClientHandshake makes conn a TLS connection to authority.
func (c *certificates) ClientHandshake(
	ctx context.Context, authority string, conn net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	return c.newest().ClientHandshake(ctx, authority, conn)
}

// ServerHandshake is of no use to a client.
func (c *certificates) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c.newest().ServerHandshake(conn)
}

// Info says that this is TLS.
func (c *certificates) Info() credentials.ProtocolInfo { return c.newest().Info() }

// Clone returns c itself, which has nothing that a connection could change.
func (c *certificates) Clone() credentials.TransportCredentials { return c }

// OverrideServerName does nothing: a collector's name is in its address.
func (c *certificates) OverrideServerName(string) error { return nil }
