// Package clienttls speaks TLS to servers with certificates from files, which are
// read for each connection, so that they can be replaced while a program runs.
package clienttls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
)

// Files say what to speak TLS with. The zero Files trust whom the system trusts,
// and show nothing.
type Files struct {
	CA         string // PEM: authorities, one of which must vouch for the server
	Cert, Key  string // PEM: what a server is shown that asks
	ServerName string // what the server's certificate must say; "" is the host's name
}

// Check reads the files, and says what is wrong with them.
func (f Files) Check() error {
	_, err := f.Config()
	return err
}

// Config reads the files. Without a ServerName, that of the address is still to be
// said.
func (f Files) Config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("a client certificate needs its key, and the key its certificate; one of the files is not given")
	}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate %s: %w", f.Cert, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("read the certificates of authorities: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: there is no certificate in this file", f.CA)
		}
	}
	return cfg, nil
}

// Credentials are for gRPC connections. What is wrong with the files by then is
// why there is no connection.
func (f Files) Credentials() credentials.TransportCredentials {
	return fresh{credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12}), f}
}

// fresh credentials are made anew for each handshake.
type fresh struct {
	credentials.TransportCredentials // what is constant

	files Files
}

// ClientHandshake implements [credentials.TransportCredentials].
func (c fresh) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	cfg, err := c.files.Config()
	if err != nil {
		return nil, nil, err
	}
	if c.files.ServerName != "" {
		// It decides what certificate is taken, and not whom requests are said to
		// be for, which may be a service behind a proxy.
		authority = c.files.ServerName
	}
	return credentials.NewTLS(cfg).ClientHandshake(ctx, authority, raw)
}

// Clone implements [credentials.TransportCredentials].
func (c fresh) Clone() credentials.TransportCredentials {
	return fresh{c.TransportCredentials.Clone(), c.files}
}
