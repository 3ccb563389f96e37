package environ

import (
	"iter"
	"slices"
)

// A Variable is one setting as the environment spells it.
type Variable struct {
	Name string // without its prefix
	Also string // another name of the same, which counts after Name
	Ours bool   // flagd does not have it

	Means   string // what it settles, for people
	Default string // for people, "" is nothing
	Modes   Modes  // where it has an effect

	port bool
	set  func(s *Settings, value string) error
}

// Modes is a set of ways in which a provider comes by its answers.
type Modes uint8

// The elements of [Modes].
const (
	InSidecar Modes = 1 << iota
	InSyncStream
	InFile

	remote     = InSidecar | InSyncStream
	everywhere = remote | InFile
)

// Variables yields all settings that [Read] reads, in the order in which one
// would explain them.
func Variables() iter.Seq[Variable] { return slices.Values(variables) }

var variables = []Variable{
	{
		Name: "RESOLVER", Modes: everywhere, Default: "rpc",
		Means: "where flags are evaluated: `rpc` (also `sidecar`), `in-process` or `file`",
		set: word(func(s *Settings) *Resolver { return &s.Resolver }, map[string]Resolver{
			"rpc": ResolverRPC, "sidecar": ResolverRPC, "in-process": ResolverInProcess, "file": ResolverFile,
		}, "rpc, in-process or file"),
	},
	{
		Name: "HOST", Modes: remote, Default: "localhost",
		Means: "host of the server",
		set:   setHost,
	},
	{
		Name: "PORT", Modes: remote, Default: "8013, in-process 8015", port: true,
		Means: "port of the server",
		set:   port(func(s *Settings) *uint16 { return &s.Port }),
	},
	{
		Name: "SYNC_PORT", Modes: InSyncStream, Default: "8015", port: true,
		Means: "port of the server, before `PORT`",
		set:   port(func(s *Settings) *uint16 { return &s.SyncPort }),
	},
	{
		Name: "SOCKET_PATH", Modes: remote,
		Means: "unix socket of the server, before host and port",
		set:   text(func(s *Settings) *string { return &s.SocketPath }),
	},
	{
		Name: "TARGET_URI", Modes: remote,
		Means: "gRPC target of the server, before everything else: `dns:///host:port`, `envoy://host:port/service`",
		set:   text(func(s *Settings) *string { return &s.TargetURI }),
	},
	{
		Name: "TLS", Modes: remote, Default: "false",
		Means: "whether to use TLS; any of the four settings below turns it on, too",
		set:   setTLS,
	},
	{
		Name: "SERVER_CERT_PATH", Modes: remote, Default: "the system's",
		Means: "file with the certificates of the authorities that vouch for the server",
		set:   text(func(s *Settings) *string { return &s.CAFile }),
	},
	{
		Name: "CLIENT_CERT_PATH", Ours: true, Modes: remote,
		Means: "file with the certificate that the provider shows the server",
		set:   text(func(s *Settings) *string { return &s.CertFile }),
	},
	{
		Name: "CLIENT_KEY_PATH", Ours: true, Modes: remote,
		Means: "file with the key of that certificate",
		set:   text(func(s *Settings) *string { return &s.KeyFile }),
	},
	{
		Name: "TLS_SERVER_NAME", Ours: true, Modes: remote, Default: "the host",
		Means: "name that the server's certificate has to bear",
		set:   text(func(s *Settings) *string { return &s.ServerName }),
	},
	{
		Name: "DEADLINE_MS", Modes: everywhere, Default: "500",
		Means: "how long an initialisation waits and, in sidecar mode, an evaluation",
		set:   milliseconds(func(s *Settings) **duration { return &s.Deadline }, 1),
	},
	{
		Name: "STREAM_DEADLINE_MS", Modes: remote, Default: "600000",
		Means: "how long a stream may last before it is opened anew; 0 is for ever",
		set:   milliseconds(func(s *Settings) **duration { return &s.StreamDeadline }, 0),
	},
	{
		Name: "KEEP_ALIVE_TIME_MS", Modes: remote, Default: "30000",
		Means: "how long a connection is silent before the server is asked for a sign of life; 0 is the default",
		set:   milliseconds(func(s *Settings) **duration { return &s.KeepAlive }, 0),
	},
	{
		Name: "RETRY_BACKOFF_MS", Modes: remote, Default: "1000",
		Means: "first wait before a lost stream is opened again",
		set:   milliseconds(func(s *Settings) **duration { return &s.RetryBackoff }, 1),
	},
	{
		Name: "RETRY_BACKOFF_MAX_MS", Modes: remote, Default: "5000",
		Means: "longest such wait",
		set:   milliseconds(func(s *Settings) **duration { return &s.RetryBackoffMax }, 1),
	},
	{
		Name: "RETRY_GRACE_PERIOD", Modes: everywhere, Default: "10",
		Means: "how many seconds a provider is STALE before it is in ERROR",
		set:   seconds(func(s *Settings) **duration { return &s.GracePeriod }),
	},
	{
		Name: "FATAL_STATUS_CODES", Modes: remote,
		Means: "gRPC status codes, such as `UNAUTHENTICATED,PERMISSION_DENIED`, with which a first attempt fails for good",
		set:   setFatalStatusCodes,
	},
	{
		Name: "CACHE", Modes: InSidecar, Default: "lru",
		Means: "how answers are kept: `lru`, `mem` for many (100,000), `disabled` for none",
		set: word(func(s *Settings) *Cache { return &s.Cache }, map[string]Cache{
			"lru": CacheLRU, "mem": CacheMem, "disabled": CacheDisabled,
		}, "lru, mem or disabled"),
	},
	{
		Name: "MAX_CACHE_SIZE", Modes: InSidecar, Default: "1000",
		Means: "how many answers `lru` keeps",
		set:   count(func(s *Settings) **int { return &s.MaxCacheSize }),
	},
	{
		Name:  "MAX_EVENT_STREAM_RETRIES",
		Means: "nothing: a provider never gives up",
		set:   count(func(s *Settings) **int { return &s.MaxEventStreamRetries }),
	},
	{
		Name: "SOURCE_SELECTOR", Modes: everywhere,
		Means: "which part of the flags to use, such as `flagSetId=shop`",
		set:   text(func(s *Settings) *string { return &s.Selector }),
	},
	{
		Name: "PROVIDER_ID", Also: "SOURCE_PROVIDER_ID", Modes: InSyncStream,
		Means: "what the server is told of who asks",
		set:   text(func(s *Settings) *string { return &s.ProviderID }),
	},
	{
		Name: "OFFLINE_FLAG_SOURCE_PATH", Modes: InFile,
		Means: "file of flags; with it, `in-process` is `file`",
		set:   text(func(s *Settings) *string { return &s.OfflinePath }),
	},
	{
		Name: "OFFLINE_POLL_MS", Modes: InFile, Default: "1000",
		Means: "how often the file is looked at, beside the news of the file system",
		set:   milliseconds(func(s *Settings) **duration { return &s.PollInterval }, 1),
	},
	{
		Name: "STALE_AFTER", Ours: true, Modes: InSyncStream | InFile, Default: "5m",
		Means: "how long flags count as fresh after they were last confirmed, as in `90s` or `1h30m`",
		set:   span(func(s *Settings) **duration { return &s.StaleAfter }),
	},
}
