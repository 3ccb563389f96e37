package gate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// tlsConfig returns how the gate shakes hands, with what the files say at that
// moment.
func (g *Gate) tlsConfig() *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return g.pair.load(), nil
		},
	}
	if g.authorities == nil {
		return cfg
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	outer := cfg.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		inner := cfg.Clone()
		inner.ClientCAs = g.authorities.load()
		return inner, nil
	}
	return outer
}

// parsePair reads a certificate, with those that lead to its authority behind
// it, and its key.
func parsePair(contents [][]byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// parseAuthorities reads all certificates of a file. One that is broken is not
// passed over: its clients would be turned away and nobody would know why.
func parseAuthorities(contents [][]byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	count := 0
	for rest := contents[0]; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		count++
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", count, err)
		}
		pool.AddCert(certificate)
	}
	if count == 0 {
		return nil, errors.New("there is no certificate in it")
	}
	return pool, nil
}
