package syncstream

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

const (
	defaultMaxMessage = 64 << 20
	defaultKeepAlive  = 40 * time.Second
	minKeepAlive      = 10 * time.Second // gRPC raises what is less
	defaultMinBackoff = 2 * time.Second
	defaultMaxBackoff = 30 * time.Second
)

// A Config says which server to follow, and how. Only URI is required.
type Config struct {
	// URI is the server as flagd spells it: grpc://HOST:PORT,
	// grpcs://HOST:PORT for TLS, or HOST:PORT alone; dns:HOST:PORT or
	// dns://RESOLVER/HOST:PORT; unix:PATH, uds:PATH;
	// envoy://HOST:PORT/SERVICE for a service behind a proxy. Without a port
	// it is 443.
	URI string

	// Name replaces the name of the source, for programs that have several
	// sources of one server.
	Name string

	// Selector narrows what the server sends, as it understands it.
	// ProviderID tells the server who asks.
	Selector, ProviderID string

	// TLS asks for TLS where the URI does not. CAFile is a file with the
	// certificates, in PEM, of the authorities that the server must be vouched
	// for by; the default is the system's. CertFile and KeyFile are the
	// client's own certificate and its key, in PEM, for servers that want one;
	// either needs the other. All are read for each connection. ServerName is
	// whose certificate the server must have, if not that of its address.
	TLS                       bool
	CAFile, CertFile, KeyFile string
	ServerName                string

	// AuthHeader is the value of the metadata "authorization"; Headers are
	// further metadata.
	AuthHeader string
	Headers    map[string]string

	// MaxMessage is how many bytes of flags are taken. The default is 64 MiB.
	MaxMessage int

	// KeepAlive is how long the server may be silent before it is asked for a
	// sign of life, which it has a third of that time to give. The default is
	// 40 seconds, and no less than 10 are taken. A server that says that it is
	// asked too often is asked half as often.
	KeepAlive time.Duration

	// MinBackoff and MaxBackoff bound how long to wait after a stream that
	// brought nothing: at most MinBackoff at first, then twice as long each
	// time, up to MaxBackoff, and never less than half of that. The defaults
	// are 2 and 30 seconds; a bound that is given moves the other one along.
	MinBackoff, MaxBackoff time.Duration

	// StreamDeadline is how long a stream may live before the next one is
	// opened in its place, which is no trouble and not reported; 0 is for ever.
	StreamDeadline time.Duration

	// FatalCodes are the gRPC codes, by name as in "UNAUTHENTICATED", that end
	// [Source.Watch] with an error if a stream ends with one. They count until
	// the source has delivered flags for the first time; then none does.
	FatalCodes []string

	// OnContext is called with the context that the server wants added to
	// those of evaluations, nil being none: with the first flags of a watch,
	// and whenever it is another than before. The call comes right before the
	// flags of the same message are delivered, from the goroutine that
	// delivers them. What it gets belongs to it.
	OnContext func(syncContext map[string]any)

	// DialOptions are added to those that the rest of Config makes, so that
	// they win. They are gRPC's own because whoever needs one needs what no
	// word of ours foresees: an interceptor, a balancer, a dialer.
	DialOptions []grpc.DialOption
}

func (c Config) complete(at target) Config {
	if c.Name == "" {
		c.Name = at.name
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = defaultMaxMessage
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = defaultKeepAlive
	}
	c.KeepAlive = max(c.KeepAlive, minKeepAlive)
	least, most := c.MinBackoff, c.MaxBackoff
	if least == 0 {
		c.MinBackoff = defaultMinBackoff
		if most > 0 {
			c.MinBackoff = min(most, defaultMinBackoff)
		}
	}
	if most == 0 {
		c.MaxBackoff = max(least, defaultMaxBackoff)
	}
	return c
}

func (s *Source) check() error {
	c := s.cfg
	switch {
	case c.MaxMessage < 0:
		return fmt.Errorf("the longest message has %d bytes; it is more than nothing", c.MaxMessage)
	case c.MinBackoff < 0, c.MaxBackoff < c.MinBackoff:
		return fmt.Errorf("the waits after failures go from %v to %v; they are positive, and the longest is not below the shortest",
			c.MinBackoff, c.MaxBackoff)
	case c.StreamDeadline < 0:
		return fmt.Errorf("streams live for %v; it is more than nothing, or 0 for ever", c.StreamDeadline)
	}
	if err := s.checkTLS(); err != nil {
		return err
	}
	return checkMetadata(s.metadata)
}

func checkMetadata(md metadata.MD) error {
	for _, name := range slices.Sorted(maps.Keys(md)) {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || name == "" || strings.HasPrefix(name, "grpc-") {
			return fmt.Errorf("%q is not a name of gRPC metadata", name)
		}
		if !strings.HasSuffix(name, "-bin") && slices.ContainsFunc(md[name], func(v string) bool { return !printable(v) }) {
			return fmt.Errorf("the metadata %q are not printable ASCII", name)
		}
	}
	return nil
}

// parseCodes reads codes as gRPC spells them.
func parseCodes(names []string) ([]codes.Code, error) {
	read := make([]codes.Code, 0, len(names))
	for _, name := range names {
		var code codes.Code
		if err := code.UnmarshalJSON([]byte(strconv.Quote(strings.ToUpper(name)))); err != nil {
			return nil, fmt.Errorf("%q is not the name of a gRPC code, such as UNAUTHENTICATED", name)
		}
		if code == codes.OK {
			return nil, errors.New("the gRPC code OK is no failure, so that it cannot be fatal")
		}
		read = append(read, code)
	}
	return read, nil
}

// outgoing returns the metadata of every call. A selector that metadata cannot
// carry is in the request alone.
func outgoing(cfg Config) metadata.MD {
	md := metadata.MD{}
	if cfg.AuthHeader != "" {
		md.Set("authorization", cfg.AuthHeader)
	}
	if cfg.Selector != "" && printable(cfg.Selector) {
		md.Set("flagd-selector", cfg.Selector)
	}
	for name, value := range cfg.Headers {
		md.Set(name, value)
	}
	return md
}

func printable(text string) bool {
	return !slices.ContainsFunc([]byte(text), func(b byte) bool { return b < ' ' || b > '~' })
}
