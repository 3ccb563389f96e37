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
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// A Source follows one environment. It implements [source.Source].
type Source struct {
	cfg   Config
	env   wire.Environment
	trust *signing.Trust
	opts  []nats.Option
	pace  pace
	log   *slog.Logger
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
	if cfg.InboxPrefix == "" && cfg.Credentials != "" && cfg.Instance != "" {
		cfg.InboxPrefix = wire.Inbox(cfg.Instance)
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
	inbox := nats.CustomInboxPrefix(cfg.InboxPrefix)
	if cfg.InboxPrefix != "" {
		if err := inbox(new(nats.Options)); err != nil {
			return nil, fmt.Errorf("inbox prefix %q: %w", cfg.InboxPrefix, err)
		}
		opts = append(opts, inbox)
	}
	trust, err := signing.ReadTrust(cfg.TrustedKeys)
	if err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Source{
		cfg: cfg, env: env, trust: trust, opts: opts, pace: pace{heard: checkEvery, alone: aloneEvery},
		log: log.With("origin", "nats/"+cfg.Environment),
	}, nil
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
	if err := f.dial(ctx); err != nil {
		return err
	}
	defer func() { f.client.Conn.Close() }()
	return f.run(ctx)
}
