// Package natsd runs a NATS server inside the process, set up as Flagline
// wants it: JetStream on disk, synced on every write, one account that owns
// the environments and one without JetStream that may only read them.
//
// It serves `flagline dev`, `flagline nats` and tests. A production server
// runs by itself, with the same accounts.
package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/flagline/flagline/internal/wire"
)

// A Config says where the server keeps its files and where it listens.
type Config struct {
	// DataDir holds everything the server must not forget: streams and
	// keys. Two servers cannot share one.
	DataDir string

	// Listen is host:port; port 0 takes a free one. Whoever connects there
	// without a credential is a reader of all Environments, so the host has
	// to be a loopback address.
	Listen string

	// Environments are those that readers can see.
	Environments []string

	Logger *slog.Logger // nil is silent
}

// A Server is running until [Server.Close].
type Server struct {
	ns      *server.Server
	unlock  func()
	dataDir string
}

// Start starts a server and waits until it takes connections.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	host, port, err := loopback(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	dir := filepath.Join(cfg.DataDir, "nats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("nats server: data directory %s: %w", cfg.DataDir, err)
	}
	ns, err := start(ctx, cfg, dir, host, port)
	if err != nil {
		unlock()
		return nil, fmt.Errorf("nats server: %w", err)
	}
	return &Server{ns: ns, unlock: unlock, dataDir: cfg.DataDir}, nil
}

func start(ctx context.Context, cfg Config, dir, host string, port int) (*server.Server, error) {
	owner, err := publicKey(filepath.Join(dir, "publisher.nk"))
	if err != nil {
		return nil, err
	}
	reader, err := publicKey(filepath.Join(dir, "reader.nk"))
	if err != nil {
		return nil, err
	}
	conf, err := accounts(owner, reader, cfg.Environments)
	if err != nil {
		return nil, err
	}

	opts := &server.Options{}
	if err := opts.ProcessConfigString(conf); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	opts.Host, opts.Port = host, port
	if port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	opts.ServerName = "flagline"
	opts.JetStream = true
	opts.StoreDir = filepath.Join(dir, "jetstream")
	opts.SyncAlways = true
	opts.NoSigs = true
	opts.MaxPayload = 1 << 20

	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	log := &slogger{logger, make(chan error, 1)}
	ns.SetLoggerV2(log, false, false, false)
	go ns.Start() // it blocks for as long as it cannot listen; Shutdown ends it
	for {
		select {
		case err = <-log.fatal:
		case <-ctx.Done():
			err = ctx.Err()
		default:
			if !ns.ReadyForConnections(20 * time.Millisecond) {
				continue
			}
			return ns, nil
		}
		ns.Shutdown()
		return nil, err
	}
}

// URL is where the server takes connections.
func (s *Server) URL() string { return "nats://" + s.ns.Addr().String() }

// PublisherFile holds the credential of the account that owns the
// environments.
func (s *Server) PublisherFile() string { return filepath.Join(s.dataDir, "nats", "publisher.nk") }

// SyncsAlways says that the server acknowledges nothing before it is on the
// disk, which is not JetStream's default.
func (s *Server) SyncsAlways() bool { return s.ns.JetStreamConfig().SyncAlways }

// Close ends the server, once what it stores is on the disk.
func (s *Server) Close() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	s.unlock()
}

// accounts is the part of the configuration that says who may do what. See
// docs/protocol.md for why readers have an account of their own.
func accounts(owner, reader string, environments []string) (string, error) {
	var exports, imports strings.Builder
	for _, name := range environments {
		e, err := wire.ParseEnvironment(name)
		if err != nil {
			return "", err
		}
		head := "$JS.API.DIRECT.GET." + e.Stream() + "." + e.Subject(wire.HeadKey)
		log := "$JS.API.DIRECT.GET." + e.Stream()
		fmt.Fprintf(&exports, "      {stream: %q}\n      {service: %q}\n      {service: %q, response_type: stream}\n",
			e.Changes(), head, log)
		fmt.Fprintf(&imports, "      {stream: {account: FLAGS, subject: %q}}\n", e.Changes())
		fmt.Fprintf(&imports, "      {service: {account: FLAGS, subject: %q}, to: %q}\n", head, e.GetHead())
		fmt.Fprintf(&imports, "      {service: {account: FLAGS, subject: %q}, to: %q}\n", log, e.GetLog())
	}
	return fmt.Sprintf(`accounts {
  FLAGS {
    jetstream: enabled
    users: [{nkey: %s}]
    exports: [
%s    ]
    imports: [{stream: {account: READERS, subject: "flagline.*.fleet.*"}}]
  }
  READERS {
    users: [{nkey: %s, permissions: {
      publish: {allow: ["flagline.*.get.*", "flagline.*.fleet.*"]}
      subscribe: {allow: ["flagline.*.changes.>", "_INBOX.>"]}
    }}]
    exports: [{stream: "flagline.*.fleet.*"}]
    imports: [
%s    ]
  }
}
no_auth_user: %s
`, owner, exports.String(), reader, imports.String(), reader), nil
}

// publicKey reads the key in file, or makes one.
func publicKey(file string) (string, error) {
	seed, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		pair, err := nkeys.CreateUser()
		if err != nil {
			return "", err
		}
		if seed, err = pair.Seed(); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, append(seed, '\n'), 0o600); err != nil {
			return "", err
		}
	} else if err != nil {
		return "", err
	}
	pair, err := nkeys.ParseDecoratedUserNKey(seed)
	if err != nil {
		return "", fmt.Errorf("key %s: %w; remove the file to get a new one", file, err)
	}
	return pair.PublicKey()
}

func loopback(listen string) (host string, port int, err error) {
	addr, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen on %q: write it as 127.0.0.1:4222: %w", listen, err)
	}
	if !addr.IP.IsLoopback() {
		return "", 0, fmt.Errorf("listen on %q: this server trusts whoever reaches it, so it listens on loopback only; "+
			"run a NATS server of your own for more", listen)
	}
	return addr.IP.String(), addr.Port, nil
}
