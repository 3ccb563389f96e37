package natskv

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// A Source follows one environment. It implements [source.Source].
type Source struct {
	cfg  Config
	env  wire.Environment
	opts []nats.Option
	log  *slog.Logger
}

var _ source.Source = (*Source)(nil)

// New checks cfg. It connects to nothing: that is Watch's to do.
func New(cfg Config) (*Source, error) {
	env, err := wire.ParseEnvironment(cfg.Environment)
	if err != nil {
		return nil, err
	}
	if err := natslog.CheckServers(cfg.Servers); err != nil {
		return nil, err
	}
	if cfg.Instance == "" {
		host, _ := os.Hostname()
		cfg.Instance = strings.ToLower(host + "-" + rand.Text()[:8])
	}
	if cfg.StartupGrace == 0 {
		cfg.StartupGrace = 250 * time.Millisecond
	}
	opts, err := natslog.Options("flagline "+cfg.Instance, cfg.Credentials)
	if err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Source{cfg: cfg, env: env, opts: opts, log: log.With("origin", "nats/"+cfg.Environment)}, nil
}

// Name is the source's URI.
func (s *Source) Name() string {
	first, _, _ := strings.Cut(s.cfg.Servers, ",")
	return strings.TrimSuffix(strings.TrimSpace(first), "/") + "/" + s.cfg.Environment
}

// Instance is the name under which the source reports to the fleet.
func (s *Source) Instance() string { return s.cfg.Instance }

// Watch follows the environment until ctx is done. It never gives up: servers
// that are down or an environment that does not exist yet are waited for.
func (s *Source) Watch(ctx context.Context, sink source.Sink) error {
	f := newFollower(s, sink)
	opts := append([]nats.Option{
		nats.ReconnectHandler(func(*nats.Conn) { f.hint() }),
		nats.ConnectHandler(func(*nats.Conn) { f.hint() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { f.disconnected(err) }),
		// A slow consumer has lost messages; the check finds which.
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { f.hint() }),
	}, s.opts...)
	nc, err := nats.Connect(s.cfg.Servers, opts...)
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	defer nc.Close()
	f.client = natslog.Reader(nc, s.env)

	// Before anything is read, so that nothing falls in between.
	if _, err := nc.Subscribe(s.env.Changes(), f.file); err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.env.Changes(), err)
	}
	return f.run(ctx)
}
