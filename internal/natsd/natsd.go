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
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/flagline/flagline/internal/filelock"
	"github.com/flagline/flagline/internal/natsconf"
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
	unlock, err := filelock.Take(filepath.Join(dir, "lock"))
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

// Run starts a server with a configuration of its own, as nats-server reads it
// from a file, and waits until it takes connections. It is for nodes of
// clusters and leaf nodes in tests: nothing keeps two of them from sharing a
// directory, and there is no [Server.PublisherFile].
func Run(ctx context.Context, configuration string, logger *slog.Logger) (*Server, error) {
	ns, err := boot(ctx, configuration, logger, func(*server.Options) {})
	if err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	return &Server{ns: ns, unlock: func() {}}, nil
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
	described := natsconf.Server{
		Name:      "flagline",
		StoreDir:  filepath.Join(dir, "jetstream"),
		Operators: []natsconf.User{{Name: "owner", Key: owner}},
		Anyone:    &natsconf.User{Name: "anyone", Key: reader},
	}
	for _, name := range cfg.Environments {
		described.Environments = append(described.Environments, natsconf.Environment{Name: name})
	}
	conf, err := described.Text()
	if err != nil {
		return nil, err
	}
	return boot(ctx, conf, cfg.Logger, func(opts *server.Options) {
		opts.Host, opts.Port = host, port
		if port == 0 {
			opts.Port = server.RANDOM_PORT
		}
	})
}

// boot starts a server with the configuration conf, after edit, and waits until
// it takes connections.
func boot(ctx context.Context, conf string, logger *slog.Logger, edit func(*server.Options)) (*server.Server, error) {
	opts := &server.Options{}
	if err := opts.ProcessConfigString(conf); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	opts.NoSigs = true
	edit(opts)
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
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
// disk, which is not JetStream's default. A server without JetStream does not.
func (s *Server) SyncsAlways() bool {
	cfg := s.ns.JetStreamConfig()
	return cfg != nil && cfg.SyncAlways
}

// Close ends the server, once what it stores is on the disk.
func (s *Server) Close() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	s.unlock()
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
