// Package auto makes a provider of what the environment says, so that the same
// program asks a sidecar in one place and follows NATS, a server of flags or a
// file in another:
//
//	p, err := auto.New(provider.WithLogger(log))
//	...
//	err = openfeature.SetProviderWithContextAndWait(ctx, p)
//
// It is package provider with everything linked that flags can come from; who
// knows where they come from links less with provider itself.
//
// # What is followed
//
// An environment on NATS, if FLAGLINE_NATS_URL is set and FLAGLINE_RESOLVER is
// not, or is in-process. Otherwise what package provider reads from FLAGLINE_*
// and FLAGD_*: a file, a server of flagd's sync protocol, a sidecar; and a sidecar
// at localhost:8013 if nothing is set at all. So a resolver that is named counts
// before NATS: FLAGLINE_RESOLVER=rpc turns a program back to its sidecar without
// taking anything away.
//
// # Variables for NATS
//
// They are those of flagline-sidecar. Each may begin with FLAGLINE_,
// FLAGD_FLAGLINE_ or FLAGD_, and the first that is not empty counts.
//
//	FLAGLINE_NATS_URL       servers, as nats://host:port,host:port; may end in
//	                        /ENVIRONMENT
//	FLAGLINE_ENVIRONMENT    the environment to follow
//	FLAGLINE_NATS_CREDS     file with a credential
//	FLAGLINE_TRUSTED_KEYS   file with the keys that changes must be signed with
//	FLAGLINE_SNAPSHOT_DIR   directory that keeps the flags for the next start
//	FLAGLINE_STARTUP_GRACE  how long a start waits for NATS before flags from
//	                        that directory count, such as 1s; default 250ms
//	FLAGLINE_INSTANCE       name of this process in its fleet
//	FLAGLINE_SERVICE        what it is part of
//
// The rest of what package provider reads counts for all of them, such as
// FLAGLINE_STALE_AFTER. With NATS, an initialisation may take two seconds more
// than the grace of the start, unless FLAGLINE_DEADLINE_MS or an option says
// otherwise.
package auto

import (
	"log/slog"
	"os"
	"time"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/internal/environ"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

// reserve is how much longer than the grace of its start an initialisation waits
// for the first flags.
const reserve = 2 * time.Second

// New returns the provider that the environment describes, ready to be set. It
// opens nothing: that is left to the initialisation. An error names every
// variable and option that is wrong, and never repeats what may be a secret.
//
// Options count before the environment: those that say where flags come from, such
// as [provider.WithFile], before everything that it says of that, NATS included.
func New(opts ...provider.Option) (*provider.Provider, error) {
	said, _ := environ.Read(os.LookupEnv) // what is wrong with it, provider.New tells
	if said.Resolver != "" && said.Resolver != environ.ResolverInProcess {
		return provider.New(opts...)
	}
	cfg, err := readNATS(os.LookupEnv)
	if err == nil && cfg.Servers == "" {
		return provider.New(opts...)
	}
	follow := provider.WithDefaultSource(max(cfg.StartupGrace, 0)+reserve, func(log *slog.Logger) (source.Source, error) {
		if err != nil {
			return nil, err
		}
		cfg.Logger = log
		src, err := natskv.New(cfg)
		if err != nil {
			return nil, err // and not a source that is no nil
		}
		return src, nil
	})
	return provider.New(append([]provider.Option{follow}, opts...)...)
}
