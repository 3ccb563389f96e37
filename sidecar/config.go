package sidecar

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/flagline/flagline/source"
)

// A Config says what a sidecar follows and where it listens. Only Sources is
// required.
type Config struct {
	// Sources are where flags come from, in ascending priority: where two
	// have the same flag, the later one answers. Each needs a name of its own.
	Sources []source.Source

	// Evaluation answers flagd's evaluation services, Management health, metrics
	// and status, Sync those who evaluate flags themselves, and OFREP the
	// OpenFeature Remote Evaluation Protocol.
	Evaluation, Management, Sync, OFREP Door

	// Context holds values that replace what requests say about a subject;
	// Headers maps the names of HTTP headers to the keys of the evaluation
	// context that take their values, and these replace both.
	Context map[string]any
	Headers map[string]string

	// CORSOrigins are the origins, as scheme://host[:port], whose web pages
	// may ask. A "*" in one stands for anything. None means every origin.
	CORSOrigins []string

	// MaxRequestBody and MaxRequestHeader are the longest body and header of a
	// request, in bytes. The default of both is 1,000,000; a negative number
	// lifts the limit of the body.
	MaxRequestBody, MaxRequestHeader int

	// Clients of gRPC that send keep-alive pings more often than
	// KeepAliveMinTime, 5 seconds by default, are told to go away. So are those
	// that ping without a call under way, if KeepAliveForbidWithoutStream.
	KeepAliveMinTime             time.Duration
	KeepAliveForbidWithoutStream bool

	// StreamDeadline is how long streams of events and of flags last at most; 0
	// is without limit.
	StreamDeadline time.Duration

	// DisableSyncMetadata refuses GetMetadata, and DisableSyncHTTP the flags over
	// plain HTTP.
	DisableSyncMetadata, DisableSyncHTTP bool

	// DisableSSE does without server-sent events over OFREP. Pages that are not
	// looked at hang up after SSEInactivity, two minutes by default. SSEPublicURL
	// is where pages find the sidecar, as scheme://host[:port], if that is not
	// where they ask.
	DisableSSE    bool
	SSEInactivity time.Duration
	SSEPublicURL  string

	// MetricsExporter "otel" sends metrics to the OpenTelemetry collector at
	// CollectorURI, host:port, where spans are sent in any case. The files, in
	// PEM, are the certificate and key to show it and the authorities to know it
	// by; they are read again each CollectorReload, one hour by default.
	MetricsExporter, CollectorURI                        string
	CollectorCertFile, CollectorKeyFile, CollectorCAFile string
	CollectorReload                                      time.Duration

	// StaleAfter is the age of the flags from which the status says stale.
	// The default is one minute.
	StaleAfter time.Duration

	// Instance tells this sidecar from others; the default is the name of
	// the host. Environment is what it is asked to follow, for the status;
	// what a source delivers takes precedence. Version is the program's.
	Instance, Environment, Version string

	// Ready, unless nil, is called once, by Run, when everything listens.
	// It does not mean that there are flags already.
	Ready func(Addresses)

	// Logger gets what happens to the flags and the sources; nil is silent.
	Logger *slog.Logger
}

// A Door is one address, and who may ask there. Its files are read again when
// they change.
type Door struct {
	// Address is host:port, or unix: and the path of a socket. Port 0 takes a
	// free one, which is also what an empty address means, on 127.0.0.1.
	Address string

	// CertFile and KeyFile, both in PEM, make the door speak TLS.
	CertFile, KeyFile string

	// ClientCAFile, in PEM, holds the authorities by which callers are known,
	// who must show a certificate of theirs. It needs a CertFile.
	ClientCAFile string

	// TokenFile holds tokens, one a line. Callers must name one of them, but for
	// those who only want to know whether the sidecar is healthy.
	TokenFile string
}

// Addresses are where a sidecar really listens, as host:port or unix:PATH.
type Addresses struct {
	Evaluation string `json:"evaluation"`
	Management string `json:"management"`
	Sync       string `json:"sync"`
	OFREP      string `json:"ofrep"`
}

const (
	defaultMaxRequest       = 1_000_000
	defaultStaleAfter       = time.Minute
	defaultSSEInactivity    = 2 * time.Minute
	defaultKeepAliveMinTime = 5 * time.Second

	// eventKeepAlive and sseKeepAlive are how long streams of events are silent
	// at most: what flagd's clients expect, and what proxies bear.
	eventKeepAlive = 20 * time.Second
	sseKeepAlive   = 30 * time.Second
)

// complete returns the configuration with its defaults, or says what is wrong
// with it.
func (c Config) complete() (Config, error) {
	if len(c.Sources) == 0 {
		return c, errors.New("there is no source of flags")
	}
	if c.MaxRequestHeader < 0 {
		return c, errors.New("the longest header of a request is a negative number")
	}
	names := map[string]bool{}
	for _, src := range c.Sources {
		if names[src.Name()] {
			return c, fmt.Errorf("source %s is given twice", src.Name())
		}
		names[src.Name()] = true
	}
	setDefault(&c.MaxRequestBody, defaultMaxRequest)
	c.MaxRequestBody = max(c.MaxRequestBody, 0)
	setDefault(&c.MaxRequestHeader, defaultMaxRequest)
	setDefault(&c.StaleAfter, defaultStaleAfter)
	setDefault(&c.SSEInactivity, defaultSSEInactivity)
	setDefault(&c.KeepAliveMinTime, defaultKeepAliveMinTime)
	if c.Instance == "" {
		// A host without a name is still a host.
		c.Instance, _ = os.Hostname()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
