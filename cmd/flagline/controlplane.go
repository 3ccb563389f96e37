package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/admin/rest"
	"github.com/flagline/flagline/internal/handover"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/wire"
)

// A controlPlane is what `flagline serve` runs: the only writer of its
// environments, and the REST API in front of it.
type controlPlane struct {
	natsURL      string
	credentials  string // a file; "" looks for one that a server of ours left
	listen       string
	dataDir      string
	environments []string // made if they do not exist; none means those there are
	replicas     int      // of environments that are made
	signingKeys  []string // files; none signs nothing
	signExisting bool
	logger       *slog.Logger

	// ready is called once, when the API answers.
	ready func(api string, token string, ledgers map[string]*ledger.Ledger) error
}

// run works until ctx is done. The API answers from the beginning: until NATS
// does, it says that it is not ready.
func (c *controlPlane) run(ctx context.Context) error {
	if err := natslog.CheckServers(c.natsURL); err != nil {
		return usage("%v", err)
	}
	token, err := secret(filepath.Join(c.dataDir, "admin.token"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("listen for the API: %w", err)
	}
	addr := listener.Addr().(*net.TCPAddr)
	if addr.IP.IsLoopback() {
		forget, err := handover.Leave("token", addr.String(), token)
		if err != nil {
			c.logger.Warn("leave no token for the command line", "err", err)
		} else {
			defer forget()
		}
	}

	var api swap
	base := rest.Config{Token: token, Loopback: addr.IP.IsLoopback()}
	waiting := base
	waiting.Ready = func() error { return errors.New("waiting for NATS") }
	api.set(rest.Handler(waiting))

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serveHTTP(ctx, listener, &api, c.logger) })
	g.Go(func() error {
		nc, err := c.connect(ctx)
		if err != nil || nc == nil {
			return err
		}
		defer nc.Close()
		return c.work(ctx, nc, func(environments map[string]rest.Environment, ledgers map[string]*ledger.Ledger) error {
			open := base
			open.Environments, open.Ready = environments, connected(nc)
			api.set(rest.Handler(open))
			return c.ready("http://"+addr.String(), string(token), ledgers)
		})
	})
	return g.Wait()
}

// work opens the environments, says so, and keeps them up to date.
func (c *controlPlane) work(ctx context.Context, nc *nats.Conn,
	opened func(map[string]rest.Environment, map[string]*ledger.Ledger) error,
) error {
	ledgers, err := c.open(ctx, nc)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to end while it waited
		}
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	environments := make(map[string]rest.Environment)
	for name, l := range ledgers {
		fleet := admin.NewFleet()
		environments[name] = rest.Environment{Ledger: l, Fleet: fleet}
		g.Go(func() error { return l.Run(ctx) })
		g.Go(func() error { keepJournal(ctx, nc, journalDir(c.dataDir), name, c.logger); return nil })
		g.Go(func() error {
			return ledger.WatchFleet(ctx, nc, name, func(r wire.Report) { fleet.Note(r, time.Now()) })
		})
	}
	g.Go(func() error { return opened(environments, ledgers) })
	g.Go(func() error { return untilClosed(ctx, nc) })
	return g.Wait()
}

// connect connects as the owner of the environments. Without a credential it
// looks, until JetStream lets it in, for one that a server of ours on this
// machine leaves when it starts. It returns nil if ctx ends first.
func (c *controlPlane) connect(ctx context.Context) (*nats.Conn, error) {
	credentials := c.credentials
	if own := filepath.Join(c.dataDir, "nats", "publisher.nk"); credentials == "" && exists(own) {
		credentials = own
	}
	base, err := natslog.Options("flagline control plane", credentials)
	if err != nil {
		return nil, usage("%v", err)
	}
	for warned := false; ; {
		opts := base
		seed, found := handover.Find("nats", hostPort(c.natsURL))
		if credentials == "" && found {
			opt, err := nkeyFromSeed(seed)
			if err != nil {
				return nil, fmt.Errorf("credential that the NATS server left: %w", err)
			}
			opts = append(slices.Clone(base), opt)
		}
		nc, err := nats.Connect(c.natsURL, opts...)
		if err != nil {
			return nil, fmt.Errorf("connect to NATS: %w", err)
		}
		if credentials != "" || found || ownsJetStream(ctx, nc) {
			return nc, nil
		}
		nc.Close()
		if !warned {
			warned = true
			c.logger.Warn("wait for NATS, or for a credential that owns the environments; see --nats-creds", "addr", c.natsURL)
		}
		if !pause(ctx, 250*time.Millisecond) {
			return nil, nil
		}
	}
}

// untilClosed is an error if the connection ends for good before ctx is done:
// nothing can be changed any more, and whoever supervises us starts us anew.
func untilClosed(ctx context.Context, nc *nats.Conn) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if nc.IsClosed() {
				return fmt.Errorf("NATS closed the connection for good: %w", nc.LastError())
			}
		}
	}
}

func ownsJetStream(ctx context.Context, nc *nats.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := ledger.Environments(ctx, nc)
	return err == nil
}

// open opens the environments, and waits for NATS if it has to.
func (c *controlPlane) open(ctx context.Context, nc *nats.Conn) (map[string]*ledger.Ledger, error) {
	names := c.environments
	for len(names) == 0 {
		found, err := ledger.Environments(ctx, nc)
		if err == nil {
			if names = found; len(names) == 0 {
				names = []string{defaultEnvironment}
			}
			break
		}
		c.logger.Warn("wait for JetStream; does the credential own the environments?", "err", err)
		if !pause(ctx, time.Second) {
			return nil, ctx.Err()
		}
	}
	ledgers := make(map[string]*ledger.Ledger)
	for _, name := range names {
		if err := c.lostEnvironment(ctx, nc, name); err != nil {
			return nil, err
		}
		l, err := ledger.Open(ctx, nc, ledger.Config{
			Environment: name, Replicas: c.replicas, SigningKeys: c.signingKeys, SignExisting: c.signExisting, Logger: c.logger,
		})
		if err != nil {
			return nil, err
		}
		if err := c.olderCopy(l, name); err != nil {
			return nil, err
		}
		ledgers[name] = l
	}
	return ledgers, nil
}

// A swap is a handler that can be exchanged while it serves.
type swap struct{ now atomic.Pointer[http.Handler] }

func (s *swap) set(h http.Handler) { s.now.Store(&h) }

func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*s.now.Load()).ServeHTTP(w, r) }

// serveHTTP serves until ctx is done, then lets requests under way finish.
func serveHTTP(ctx context.Context, listener net.Listener, h http.Handler, logger *slog.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second,
		// Requests that only wait, for a fleet say, end with us.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the API: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return srv.Shutdown(drain)
	})
	return g.Wait()
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func connected(nc *nats.Conn) func() error {
	return func() error {
		if !nc.IsConnected() {
			return errors.New("no connection to NATS")
		}
		return nil
	}
}

// secret reads the secret in file, or makes one.
func secret(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err == nil {
		if s := strings.TrimSpace(string(data)); s != "" {
			return []byte(s), nil
		}
		return nil, fmt.Errorf("token file %s is empty: remove it to get a new token", file)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("token: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	token := strings.ToLower(rand.Text())
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return []byte(token), nil
}

// hostPort is the address of the first server of a list.
func hostPort(servers string) string {
	first, _, _ := strings.Cut(servers, ",")
	u, err := url.Parse(strings.TrimSpace(first))
	if err != nil {
		return ""
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "4222")
	}
	return u.Host
}
