// Package environ reads what the environment says to a provider.
//
// A setting X of flagd's providers is FLAGLINE_X, or else FLAGD_FLAGLINE_X, or
// else FLAGD_X: ours first, then ours as flagd's operator spells it, which puts
// FLAGD_ before every variable, then flagd's own. A setting that flagd does not
// have is FLAGLINE_X or FLAGD_FLAGLINE_X. The first of them that is not empty
// counts, right or wrong: a mistake is reported, and not passed over for what
// stands behind it.
//
// [Read] tells what is said, and only that. What holds where nothing is said is
// decided by the provider.
package environ

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are what an environment says. A field that is zero, or nil where
// zero means something, says nothing.
type Settings struct {
	Resolver Resolver

	Host     string
	Port     uint16
	SyncPort uint16 // for in-process evaluation, before Port

	// TargetURI is a gRPC target, which counts before SocketPath, which counts
	// before Host and the ports.
	TargetURI  string
	SocketPath string

	TLS        *bool
	CAFile     string
	CertFile   string
	KeyFile    string
	ServerName string

	Deadline       *time.Duration // positive
	StreamDeadline *time.Duration // 0 is none
	KeepAlive      *time.Duration // 0 is the default

	RetryBackoff     *time.Duration // positive
	RetryBackoffMax  *time.Duration // positive
	GracePeriod      *time.Duration
	FatalStatusCodes []string // upper-case names of gRPC, such as "UNAUTHENTICATED"

	Cache        Cache
	MaxCacheSize *int // 0 is none

	// MaxEventStreamRetries has no effect: a provider never gives up.
	MaxEventStreamRetries *int

	Selector   string
	ProviderID string

	OfflinePath  string
	PollInterval *time.Duration // positive
	StaleAfter   *time.Duration // positive
}

// A Resolver is flagd's word for where flags are evaluated.
type Resolver string

// The resolvers, as flagd spells them.
const (
	ResolverRPC       Resolver = "rpc"
	ResolverInProcess Resolver = "in-process"
	ResolverFile      Resolver = "file"
)

// A Cache is flagd's word for how answers are kept.
type Cache string

// The caches, as flagd spells them.
const (
	CacheLRU      Cache = "lru"
	CacheMem      Cache = "mem"
	CacheDisabled Cache = "disabled"
)

// What caches hold, in answers.
const (
	// DefaultCacheSize is the bound where none is given.
	DefaultCacheSize = 1000

	// MemCacheSize is the bound of [CacheMem], which has none in flagd's
	// providers. There it cannot hold more than the static answers of all flags;
	// here answers by context are kept as well, and they have no natural end.
	MemCacheSize = 100_000
)

// CacheEntries returns how many answers may be kept, and whether anything is
// said of it.
func (s Settings) CacheEntries() (entries int, said bool) {
	switch {
	case s.Cache == CacheDisabled:
		return 0, true
	case s.Cache == CacheMem:
		return MemCacheSize, true
	case s.MaxCacheSize != nil:
		return *s.MaxCacheSize, true
	}
	return DefaultCacheSize, s.Cache == CacheLRU
}

// Backoff returns the first and the longest wait before another attempt, given
// what they are where nothing is said of them. Of two that do not go together,
// what is said counts before what is not; if both are said, that is a mistake
// of who said them, and they are returned as they are.
func (s Settings) Backoff(least, most time.Duration) (time.Duration, time.Duration) {
	if s.RetryBackoff != nil {
		least = *s.RetryBackoff
	}
	if s.RetryBackoffMax != nil {
		most = *s.RetryBackoffMax
	}
	switch {
	case s.RetryBackoffMax == nil:
		most = max(least, most)
	case s.RetryBackoff == nil:
		least = min(least, most)
	}
	return least, most
}

// Secure says whether the server is to be reached by TLS: who names a
// certificate, a key or the name in one has asked for it, as in flagd.
func (s Settings) Secure() bool {
	return s.TLS != nil && *s.TLS || s.CAFile != "" || s.CertFile != "" || s.KeyFile != "" || s.ServerName != ""
}

// Read reads all settings with lookup, which is [os.LookupEnv] or does what it
// does. Its error joins one for each variable that makes no sense, which names
// the variable and what it should be; what the others say is returned all the
// same.
func Read(lookup func(name string) (value string, ok bool)) (Settings, error) {
	var s Settings
	var errs []error
	for _, v := range variables {
		value, name := v.lookup(lookup)
		if name == "" {
			continue
		}
		if err := v.set(&s, value); err != nil {
			errs = append(errs, fmt.Errorf("%s%s: %w", name, shown(value), err))
		}
	}
	return s, errors.Join(errs...)
}

// Lookup returns what is said of the setting x, "NATS_URL" for example, and
// which variable says it; both are empty if none does. It is for settings that
// flagd does not have.
func Lookup(lookup func(name string) (value string, ok bool), x string) (value, name string) {
	return Variable{Name: x, Ours: true}.lookup(lookup)
}

// Spellings returns the names of v, the one that counts first in front.
func (v Variable) Spellings() []string {
	prefixes := []string{"FLAGLINE_", "FLAGD_FLAGLINE_", "FLAGD_"}
	if v.Ours {
		prefixes = prefixes[:2]
	}
	var all []string
	for _, prefix := range prefixes {
		all = append(all, prefix+v.Name)
		if v.Also != "" {
			all = append(all, prefix+v.Also)
		}
	}
	return all
}

func (v Variable) lookup(lookup func(name string) (value string, ok bool)) (value, name string) {
	for _, name := range v.Spellings() {
		value, ok := lookup(name)
		if ok && value != "" && !(v.port && serviceLink(value)) {
			return value, name
		}
	}
	return "", ""
}

// serviceLink says that value is not a person's but Kubernetes': a pod finds
// FLAGD_PORT=tcp://10.0.0.1:8013 in its environment if there is a Service called
// flagd in its namespace, and FLAGD_SYNC_PORT, FLAGLINE_PORT and
// FLAGLINE_SYNC_PORT if there are Services called flagd-sync, flagline and
// flagline-sync.
func serviceLink(value string) bool {
	protocol, _, ok := strings.Cut(value, "://")
	return ok && slices.Contains([]string{"tcp", "udp", "sctp"}, protocol)
}

// shown repeats a value for people, unless it may be a secret: an address can
// hold a password before its "@", and nobody means something long.
func shown(value string) string {
	if strings.Contains(value, "@") || len(value) > 64 {
		return ""
	}
	return "=" + strconv.Quote(value)
}
