package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/flagline/flagline/internal/clienttls"
	"github.com/flagline/flagline/internal/reuse"
)

// connecting is how long one attempt to reach an address may take.
const connecting = 5 * time.Second

// A Config says which server to ask, and how. Only Address is required.
type Config struct {
	// Address is host:port, unix:PATH, or a target as gRPC has it.
	Address string

	// TLS is used if it is not nil.
	TLS *clienttls.Files

	// Selector narrows which flags are asked about, as the server understands
	// it.
	Selector string

	// KeepAlive is how long the connection may be silent before the server is
	// asked for a sign of life, which it has a third of that time to give.
	KeepAlive time.Duration

	// Least and Most are the first and the longest wait between attempts to
	// reach the server.
	Least, Most time.Duration

	// DialOptions are applied after ours.
	DialOptions []grpc.DialOption
}

// A Client asks one server. Its methods may be called at once from any number of
// goroutines.
type Client struct {
	conn     *grpc.ClientConn
	metadata metadata.MD

	// mark is that of the event stream: see package reuse.
	mark atomic.Pointer[string]

	// asked is the version of the service that questions go to.
	asked atomic.Pointer[version]

	lane *lane // nil if all questions go by gRPC
}

// Check says what of cfg makes no sense.
func (cfg *Config) Check() error {
	_, err := parseTarget(cfg.Address)
	if strings.ContainsFunc(cfg.Selector, func(r rune) bool { return r < ' ' || r > '~' }) {
		err = errors.Join(err, fmt.Errorf("selector %q: it travels in a header, which holds printable ASCII alone", cfg.Selector))
	}
	if cfg.TLS != nil {
		err = errors.Join(err, cfg.TLS.Check())
	}
	return err
}

// Dial prepares a client. It connects to nothing: that happens with the first
// question, or the event stream.
func Dial(cfg Config) (*Client, error) {
	at, err := parseTarget(cfg.Address)
	if err != nil {
		return nil, err
	}
	creds := insecure.NewCredentials()
	if cfg.TLS != nil {
		creds = cfg.TLS.Credentials()
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithUserAgent("flagline"),
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0), // the event stream holds the connection anyway
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: cfg.Least, Multiplier: 2, Jitter: 0.2, MaxDelay: cfg.Most},
			MinConnectTimeout: connecting,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: cfg.KeepAlive, Timeout: cfg.KeepAlive / 3}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{})),
	}
	if at.authority != "" {
		options = append(options, grpc.WithAuthority(at.authority))
	}
	conn, err := grpc.NewClient(at.dial, append(options, cfg.DialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("sidecar address %q: %w", cfg.Address, err)
	}
	c := &Client{conn: conn, metadata: metadata.MD{}, lane: newLane(cfg, at)}
	c.asked.Store(second)
	if cfg.Selector != "" {
		c.metadata.Set("flagd-selector", cfg.Selector)
	}
	return c, nil
}

// Close ends the connections and whatever goes on over them.
func (c *Client) Close() {
	_ = c.conn.Close()
	if c.lane != nil {
		c.lane.close()
	}
}

// outgoing adds what every call says of itself. The caller's own metadata go along.
func (c *Client) outgoing(ctx context.Context, mark *string) context.Context {
	if len(c.metadata) == 0 && mark == nil {
		return ctx
	}
	md, _ := metadata.FromOutgoingContext(ctx) // a copy
	if md == nil {
		md = make(metadata.MD, 2)
	}
	maps.Copy(md, c.metadata)
	if mark != nil {
		md[reuse.Header] = []string{*mark}
	}
	return metadata.NewOutgoingContext(ctx, md)
}
