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

	// Evaluation, Management and OFREP are the addresses, as host:port, of
	// flagd's evaluation services, of health, metrics and status, and of the
	// OpenFeature Remote Evaluation Protocol. Port 0 takes a free one, which
	// is also what an empty address means, on 127.0.0.1.
	Evaluation, Management, OFREP string

	// Sync is the address at which flags will be handed on to in-process
	// providers. Nothing listens there yet.
	Sync string

	// Context holds values that replace what requests say about a subject;
	// Headers maps the names of HTTP headers to the keys of the evaluation
	// context that take their values, and these replace both.
	Context map[string]any
	Headers map[string]string

	// CORSOrigins are the origins, as scheme://host[:port], whose web pages
	// may ask. A "*" in one stands for anything. None means every origin.
	CORSOrigins []string

	// MaxRequestBody is the longest body of a request, in bytes. The default
	// is 1,000,000; a negative number lifts the limit.
	MaxRequestBody int

	// StaleAfter is the age of the flags from which the status says stale.
	// The default is one minute.
	StaleAfter time.Duration

	// Instance tells this sidecar from others; the default is the name of
	// the host. Environment is what it is asked to follow, for the status;
	// what a source delivers takes precedence.
	Instance, Environment string

	// Ready, unless nil, is called once, by Run, when everything listens.
	// It does not mean that there are flags already.
	Ready func(Addresses)

	// Logger gets what happens to the flags and the sources; nil is silent.
	Logger *slog.Logger
}

// Addresses are where a sidecar really listens, as host:port.
type Addresses struct {
	Evaluation string `json:"evaluation"`
	Management string `json:"management"`
	OFREP      string `json:"ofrep"`
}

const (
	defaultAddress        = "127.0.0.1:0"
	defaultMaxRequestBody = 1_000_000
	defaultStaleAfter     = time.Minute

	// keepAlive is how long an event stream is silent at most.
	keepAlive = 20 * time.Second
)

// complete returns the configuration with its defaults, or says what is wrong
// with it.
func (c Config) complete() (Config, error) {
	if len(c.Sources) == 0 {
		return c, errors.New("there is no source of flags")
	}
	names := map[string]bool{}
	for _, src := range c.Sources {
		if names[src.Name()] {
			return c, fmt.Errorf("source %s is given twice", src.Name())
		}
		names[src.Name()] = true
	}
	for _, address := range []*string{&c.Evaluation, &c.Management, &c.OFREP} {
		if *address == "" {
			*address = defaultAddress
		}
	}
	if c.MaxRequestBody == 0 {
		c.MaxRequestBody = defaultMaxRequestBody
	}
	c.MaxRequestBody = max(c.MaxRequestBody, 0)
	if c.StaleAfter == 0 {
		c.StaleAfter = defaultStaleAfter
	}
	if c.Instance == "" {
		// A host without a name is still a host.
		c.Instance, _ = os.Hostname()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
