// Package gate decides who may ask at a door: it listens at an address, and
// knows the callers by certificate, by token, or lets in whoever comes.
//
// The files that say so are read again while the gate is open. What they say
// next holds for the next connection, or for the next request if they hold
// tokens; connections that are there already live on. A file that is missing
// or makes no sense changes nothing but the log: the last good one stays in
// force. So files may be replaced in any way and in any order, by a person or
// by a kubelet.
package gate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// lookEvery is how often the files are read: once in a while for a program, at
// once for a person.
const lookEvery = time.Second

// A Config says where a gate stands and whom it lets in.
type Config struct {
	// Address is host:port, or unix:PATH. An empty one is a free port of
	// 127.0.0.1.
	Address string

	// CertFile and KeyFile, in PEM, are what the gate shows to its callers;
	// both or neither. Without them it speaks plain text.
	CertFile, KeyFile string

	// ClientCAFile, in PEM, holds the authorities whose certificates callers
	// must show in turn. It needs CertFile.
	ClientCAFile string

	// TokenFile holds tokens, one a line; empty lines and those that begin
	// with # are passed over. Callers must name one of them.
	TokenFile string
}

// A Gate is open until Close. All its methods may be called at once.
type Gate struct {
	name     string
	log      *slog.Logger
	listener net.Listener

	pair        *kept[tls.Certificate] // nil without TLS
	authorities *kept[x509.CertPool]   // nil if clients need no certificate
	tokens      *kept[tokens]          // nil if clients need no token

	closed   chan struct{}
	ending   sync.Once
	watching sync.WaitGroup
}

// Open listens where c says. The name is the door's, for errors and the log. It
// fails if it cannot listen there, and if there is anything wrong with a file.
func Open(ctx context.Context, name string, c Config, log *slog.Logger) (*Gate, error) {
	g := &Gate{name: name, log: log.With("door", name), closed: make(chan struct{})}
	if err := g.read(c); err != nil {
		return nil, fmt.Errorf("guard %s: %w", name, err)
	}
	listener, err := listen(ctx, c.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", name, err)
	}
	g.listener = listener
	if g.pair != nil {
		g.listener = tls.NewListener(listener, g.tlsConfig())
	}
	if files := g.files(); len(files) > 0 {
		g.watching.Go(func() { g.watch(files) })
	}
	return g, nil
}

// read reads all files for the first time.
func (g *Gate) read(c Config) (err error) {
	switch {
	case c.CertFile == "" && c.KeyFile != "":
		return fmt.Errorf("key %s has no certificate; name one, or no key", c.KeyFile)
	case c.CertFile != "" && c.KeyFile == "":
		return fmt.Errorf("certificate %s has no key; name one, or no certificate", c.CertFile)
	case c.CertFile == "" && c.ClientCAFile != "":
		return fmt.Errorf("clients are to show certificates of %s, but there is none to show them; name a certificate and its key", c.ClientCAFile)
	}
	if c.CertFile != "" {
		if g.pair, err = keep(parsePair, c.CertFile, c.KeyFile); err != nil {
			return err
		}
	}
	if c.ClientCAFile != "" {
		if g.authorities, err = keep(parseAuthorities, c.ClientCAFile); err != nil {
			return err
		}
	}
	if c.TokenFile != "" {
		if g.tokens, err = keep(parseTokens, c.TokenFile); err != nil {
			return err
		}
	}
	return nil
}

// files returns what has to be read again.
func (g *Gate) files() (all []rereader) {
	if g.pair != nil {
		all = append(all, g.pair)
	}
	if g.authorities != nil {
		all = append(all, g.authorities)
	}
	if g.tokens != nil {
		all = append(all, g.tokens)
	}
	return all
}

// watch reads the files again and again until the gate is closed.
func (g *Gate) watch(files []rereader) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-g.closed:
			return
		}
		for _, file := range files {
			file.reread(g.log)
		}
	}
}

// Listener returns what to serve from. With TLS its connections are of the type
// *tls.Conn, offer HTTP/2 and HTTP/1.1, and shake hands when they are first
// read or written, so that a slow caller does not keep others waiting.
func (g *Gate) Listener() net.Listener { return g.listener }

// Address returns where the gate stands, as host:port or unix:PATH.
func (g *Gate) Address() string {
	at := g.listener.Addr()
	if at.Network() == "unix" {
		return unixPrefix + at.String()
	}
	return at.String()
}

// Close ends listening and removes the socket's file. Connections that were
// accepted live on. Closing again, or after the listener, does nothing.
func (g *Gate) Close() (err error) {
	g.ending.Do(func() {
		close(g.closed)
		g.watching.Wait()
		err = g.listener.Close()
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
