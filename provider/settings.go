package provider

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/flagline/flagline/internal/clienttls"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/provider/internal/environ"
	"github.com/flagline/flagline/provider/internal/remote"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/syncstream"
)

// What a provider does unless told otherwise. Times are those of flagd's
// specification for providers of August 2026, which published providers do not
// all follow yet.
const (
	defaultName           = "flagline"
	defaultSidecar        = "localhost:8013"
	defaultCache          = environ.DefaultCacheSize
	defaultDeadline       = 500 * time.Millisecond
	defaultStreamDeadline = 10 * time.Minute
	defaultKeepAlive      = 30 * time.Second
	defaultMinBackoff     = time.Second
	defaultMaxBackoff     = 5 * time.Second
	defaultGrace          = 10 * time.Second
	defaultStaleAfter     = 5 * time.Minute
	defaultPollInterval   = time.Second
)

// Settings are what options and the environment come to.
type settings struct {
	name string

	// Where flags come from: an address, or feeds. They are the environment's
	// until an option chooses.
	sidecar string
	feeds   []feed
	streams bool // one of the feeds selects flags itself
	chosen  bool

	fallback         feed // counts before the environment, and after all options
	fallbackDeadline time.Duration
	hurried          bool // somebody has said what the deadline is

	selector    string
	local       store.Selector // of flags that nobody has selected yet
	providerID  string
	tls         *clienttls.Files
	dialOptions []grpc.DialOption
	cache       int
	fatal       []string
	enrich      func(map[string]any) map[string]any
	logger      *slog.Logger
	hermetic    bool

	deadline, streamDeadline, keepAlive time.Duration
	minBackoff, maxBackoff, grace       time.Duration
	staleAfter, pollInterval            time.Duration

	sources     []source.Source // what feeds made
	enrichments *enrichments
	errs        []error
}

// A feed makes a source once everything else is known.
type feed func(*settings) (source.Source, error)

// newSettings returns what opts and the environment come to. An error names all
// that is wrong.
func newSettings(opts []Option) (settings, error) {
	var said settings
	opts = slices.DeleteFunc(slices.Clone(opts), func(opt Option) bool { return opt == nil }) // left so by an "if"
	for _, opt := range opts {
		opt.apply(&said)
	}
	s := settings{
		name:           defaultName,
		cache:          defaultCache,
		enrich:         func(syncContext map[string]any) map[string]any { return syncContext },
		logger:         slog.New(slog.DiscardHandler),
		deadline:       defaultDeadline,
		streamDeadline: defaultStreamDeadline,
		keepAlive:      defaultKeepAlive,
		minBackoff:     defaultMinBackoff,
		maxBackoff:     defaultMaxBackoff,
		grace:          defaultGrace,
		staleAfter:     defaultStaleAfter,
		pollInterval:   defaultPollInterval,
		enrichments:    new(enrichments),
	}
	if !said.hermetic {
		s.read(os.LookupEnv, said.chosen || said.fallback != nil)
	}
	for _, opt := range opts {
		opt.apply(&s)
	}
	if !s.chosen && s.fallback != nil {
		s.choose()
		s.feeds = []feed{s.fallback}
		if !s.hurried && s.fallbackDeadline > 0 {
			s.deadline = s.fallbackDeadline
		}
	}
	s.check()
	s.makeSources()
	return s, errors.Join(s.errs...)
}

// origin is where flags come from, for people.
func (s *settings) origin() string {
	if len(s.sources) == 0 {
		return "sidecar " + s.sidecar
	}
	names := make([]string, len(s.sources))
	for i, src := range s.sources {
		names[i] = src.Name()
	}
	return strings.Join(names, ", ")
}

// choose makes way for an option that says where flags come from.
func (s *settings) choose() {
	if !s.chosen {
		s.sidecar, s.feeds, s.streams, s.chosen = "", nil, false, true
	}
}

// read takes what the environment says: but for where flags come from, if that is
// chosen already.
func (s *settings) read(lookup func(string) (string, bool), chosen bool) {
	said, err := environ.Read(lookup)
	if err != nil {
		s.errs = append(s.errs, err)
	}
	if !chosen {
		s.readOrigin(said)
	}
	s.selector, s.providerID, s.fatal = said.Selector, said.ProviderID, said.FatalStatusCodes
	if said.Secure() {
		WithTLS(TLS{CAFile: said.CAFile, CertFile: said.CertFile, KeyFile: said.KeyFile, ServerName: said.ServerName}).apply(s)
	}
	if entries, ok := said.CacheEntries(); ok {
		s.cache = entries
	}
	for _, d := range []struct {
		said *time.Duration
		here *time.Duration
	}{
		{said.Deadline, &s.deadline},
		{said.StreamDeadline, &s.streamDeadline},
		{said.GracePeriod, &s.grace},
		{said.StaleAfter, &s.staleAfter},
		{said.PollInterval, &s.pollInterval},
	} {
		if d.said != nil {
			*d.here = *d.said
		}
	}
	s.hurried = said.Deadline != nil
	s.minBackoff, s.maxBackoff = said.Backoff(s.minBackoff, s.maxBackoff)
	if said.KeepAlive != nil {
		WithKeepAlive(*said.KeepAlive).apply(s)
	}
}

func (s *settings) readOrigin(said environ.Settings) {
	from, err := said.Origin()
	if err != nil {
		s.errs = append(s.errs, err)
		return
	}
	switch from.Mode {
	case environ.File:
		WithFile(from.Path).apply(s)
	case environ.SyncStream:
		WithSyncStream(from.Address).apply(s)
	default:
		s.sidecar = from.Address
	}
	s.chosen = false // an option may still do
}

func (s *settings) check() {
	s.refuse(s.sidecar != "" && len(s.feeds) > 0,
		"a provider asks a sidecar or answers in-process: WithSidecar excludes WithSyncStream, WithFile and WithSource")
	if s.sidecar == "" {
		s.sidecar = defaultSidecar
	}
	s.checkOrigin()
	s.refuse(s.name == "", "name: it is empty")
	s.refuse(s.deadline <= 0, "deadline %v: it must be positive", s.deadline)
	s.refuse(s.streamDeadline < 0, "stream deadline %v: it must not be negative", s.streamDeadline)
	s.refuse(s.staleAfter <= 0, "stale after %v: it must be positive", s.staleAfter)
	s.refuse(s.pollInterval <= 0, "poll interval %v: it must be positive", s.pollInterval)
	s.refuse(s.grace < 0, "grace period %v: it must not be negative", s.grace)
	s.refuse(s.minBackoff <= 0, "retry backoff %v: it must be positive", s.minBackoff)
	s.refuse(s.maxBackoff < s.minBackoff,
		"retry backoff from %v to %v: the longest must not be below the shortest", s.minBackoff, s.maxBackoff)
}

// checkOrigin checks what sources do not check themselves.
func (s *settings) checkOrigin() {
	if len(s.feeds) == 0 {
		cfg := s.remote()
		if err := cfg.Check(); err != nil {
			s.errs = append(s.errs, err)
		}
		return
	}
	if s.streams { // the server selects
		s.refuse(s.selector != "" && len(s.feeds) > 1,
			"a selector goes to the server of a sync stream, and would not narrow the other sources: WithSelector and WithSyncStream exclude further sources")
		return
	}
	var err error
	if s.local, err = store.ParseSelector(s.selector); err != nil {
		s.errs = append(s.errs, fmt.Errorf("selector: %w", err))
	}
}

// makeSources makes all sources, so that what is wrong with them is known.
func (s *settings) makeSources() {
	seen := make(map[string]bool)
	for _, feed := range s.feeds {
		src, err := feed(s)
		if err != nil {
			s.errs = append(s.errs, err)
		}
		if err != nil || src == nil {
			continue
		}
		s.refuse(seen[src.Name()], "source %q is given twice", src.Name())
		seen[src.Name()] = true
		s.sources = append(s.sources, src)
	}
}

func (s *settings) syncStream(addr string) (source.Source, error) {
	cfg := syncstream.Config{
		URI: addr, Selector: s.selector, ProviderID: s.providerID,
		KeepAlive: s.keepAlive, MinBackoff: s.minBackoff, MaxBackoff: s.maxBackoff,
		StreamDeadline: s.streamDeadline, FatalCodes: s.fatal, DialOptions: s.dialOptions,
		OnContext: s.enrichments.of(s.enrich),
	}
	if t := s.tls; t != nil {
		cfg.TLS, cfg.CAFile, cfg.CertFile, cfg.KeyFile, cfg.ServerName = true, t.CA, t.Cert, t.Key, t.ServerName
	}
	src, err := syncstream.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("sync stream: %w", err)
	}
	return src, nil
}

func (s *settings) remote() remote.Config {
	return remote.Config{
		Address: s.sidecar, TLS: s.tls, Selector: s.selector,
		KeepAlive: s.keepAlive, Least: s.minBackoff, Most: s.maxBackoff, DialOptions: s.dialOptions,
	}
}

// parseCode reads the name of a gRPC code.
func parseCode(name string) (code codes.Code, err error) {
	if err := code.UnmarshalJSON([]byte(strconv.Quote(strings.ToUpper(name)))); err != nil || code == codes.OK {
		return 0, fmt.Errorf("fatal status code %q: gRPC has no code of that name; UNAUTHENTICATED and PERMISSION_DENIED are two", name)
	}
	return code, nil
}
