package main

import (
	"time"

	"github.com/spf13/pflag"
)

// A settings value holds everything that an operator can say to start. Names, short
// names and defaults that flagd has as well are flagd's.
type settings struct {
	uris            []string
	sources         string
	natsURL         string
	environment     string
	natsCredentials string
	snapshotDir     string
	startupGrace    time.Duration
	trustedKeys     string
	instance        string
	service         string
	staleAfter      time.Duration

	bind           string
	port           uint16
	managementPort uint16
	syncPort       uint16
	ofrepPort      uint16
	socketPath     string
	syncSocketPath string

	certPath      string
	keyPath       string
	tlsListeners  []string
	clientCAPath  string
	authTokenPath string
	authListeners []string
	corsOrigins   []string

	contextValues     map[string]string
	contextFromHeader map[string]string

	maxRequestBody         int
	maxRequestHeader       int
	keepAliveMinTime       time.Duration
	keepAliveWithoutStream bool
	streamDeadline         time.Duration
	disableSyncMetadata    bool
	syncHTTP               bool
	sse                    bool
	sseInactivity          int
	ssePublicURL           string

	metricsExporter   string
	collectorURI      string
	collectorCertPath string
	collectorKeyPath  string
	collectorCAPath   string
	collectorReload   time.Duration

	logFormat string
	debug     bool
	config    string
	readyFile string
}

// A group is settings that are about one thing, for the documentation.
type group struct {
	title    string
	register func(*pflag.FlagSet)
}

func (s *settings) groups() []group {
	return []group{
		{"Where flags come from", s.registerSources},
		{"Where it listens", s.registerAddresses},
		{"Who may ask", s.registerAccess},
		{"What joins every evaluation context", s.registerContext},
		{"Limits and streams", s.registerStreams},
		{"What it tells of itself", s.registerTelemetry},
	}
}

func (s *settings) register(flags *pflag.FlagSet) {
	flags.SortFlags = false
	for _, g := range s.groups() {
		g.register(flags)
	}
	registerIgnored(flags)
}

func (s *settings) registerSources(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&s.uris, "uri", "f", nil,
		"source of flags, such as file:PATH, https://HOST/PATH, grpc://HOST:PORT or nats://HOST:PORT,HOST:PORT/ENVIRONMENT; repeatable, later ones win")
	flags.StringVarP(&s.sources, "sources", "s", "",
		`sources as a JSON array of {"uri":…,"provider":…}, above those of --uri`)
	flags.StringVar(&s.natsURL, "nats-url", "", "NATS servers to follow --environment on, above all other sources")
	flags.StringVar(&s.environment, "environment", "", "environment to follow on NATS")
	flags.StringVar(&s.natsCredentials, "nats-creds", "", "file with the credentials for NATS")
	flags.StringVar(&s.trustedKeys, "trusted-keys", "", "file with the keys that changes must be signed with; see \"flagline key\" (default: signatures are not asked for)")
	flags.StringVar(&s.snapshotDir, "snapshot-dir", "", "directory that keeps the newest good flags from NATS for the next start")
	flags.DurationVar(&s.startupGrace, "startup-grace", time.Second,
		"how long to wait for NATS before flags from the snapshot count")
	flags.DurationVar(&s.staleAfter, "stale-after", time.Minute, "age of the flags from which the status says stale")
	flags.StringVar(&s.instance, "instance", "", "name of this sidecar in its fleet (default: the host's, and a random suffix)")
	flags.StringVar(&s.service, "service", "", "what this sidecar is part of")
}

func (s *settings) registerAddresses(flags *pflag.FlagSet) {
	flags.StringVar(&s.bind, "bind", "",
		"address to listen at, for all ports (default: 127.0.0.1, and every address for the management port, because a kubelet probes it from outside)")
	flags.VarP(newPort(&s.port, 8013), "port", "p", "port of flagd's evaluation services; 0 takes a free one, as for all ports")
	flags.VarP(newPort(&s.managementPort, 8014), "management-port", "m", "port of health, metrics and status")
	flags.VarP(newPort(&s.syncPort, 8015), "sync-port", "g", "port of flag sync, for in-process providers")
	flags.VarP(newPort(&s.ofrepPort, 8016), "ofrep-port", "r", "port of the OpenFeature Remote Evaluation Protocol")
	flags.StringVarP(&s.socketPath, "socket-path", "d", "", "unix socket of the evaluation services, in place of their port")
	flags.StringVarP(&s.syncSocketPath, "sync-socket-path", "e", "", "unix socket of flag sync, in place of its port")
}

func (s *settings) registerAccess(flags *pflag.FlagSet) {
	flags.StringVarP(&s.certPath, "server-cert-path", "c", "", "file with the certificate to show to clients, in PEM; with it they need TLS")
	flags.StringVarP(&s.keyPath, "server-key-path", "k", "", "file with the certificate's key, in PEM")
	flags.StringSliceVar(&s.tlsListeners, "tls-listeners", []string{evaluationDoor, syncDoor},
		"where clients need TLS if there is a certificate: any of "+listeners)
	flags.StringVar(&s.clientCAPath, "client-ca-path", "", "file with the authorities, in PEM, whose certificates clients must show, wherever they need TLS")
	flags.StringVar(&s.authTokenPath, "auth-token-path", "", "file with tokens, one a line, of which clients must name one")
	flags.StringSliceVar(&s.authListeners, "auth-listeners", []string{evaluationDoor, syncDoor, ofrepDoor},
		"where clients need a token if there is a file with them: any of "+listeners)
	flags.StringSliceVarP(&s.corsOrigins, "cors-origin", "C", nil, "origins whose pages may ask (default: every origin)")
}

func (s *settings) registerContext(flags *pflag.FlagSet) {
	flags.StringToStringVarP(&s.contextValues, "context-value", "X", nil,
		"key=value that joins every evaluation context, above what requests say")
	flags.StringToStringVarP(&s.contextFromHeader, "context-from-header", "H", nil,
		"Header=key: the header's value joins the evaluation context, above everything")
}

func (s *settings) registerStreams(flags *pflag.FlagSet) {
	flags.IntVarP(&s.maxRequestBody, "max-request-body", "B", 1_000_000, "longest request body in bytes; 0 is without limit")
	flags.IntVarP(&s.maxRequestHeader, "max-request-header", "R", 1_000_000, "longest header of a request in bytes")
	flags.DurationVar(&s.keepAliveMinTime, "keep-alive-min-time", 5*time.Second,
		"how often a gRPC client may ping at most; one that goes on pinging more often is told to go")
	flags.BoolVar(&s.keepAliveWithoutStream, "keep-alive-permit-without-stream", true, "whether a gRPC client may ping when it asks nothing")
	flags.DurationVar(&s.streamDeadline, "stream-deadline", 0, "how long a stream of events or flags lasts before its client must ask again (default: for ever)")
	flags.BoolVar(&s.disableSyncMetadata, "disable-sync-metadata", false, "do not answer GetMetadata, which only old providers ask")
	flags.BoolVar(&s.syncHTTP, "sync-http-enabled", true, "whether the sync port also answers GET /v1/flags")
	flags.BoolVar(&s.sse, "ofrep-sse-enabled", true, "whether OFREP clients are offered an event stream")
	flags.IntVar(&s.sseInactivity, "ofrep-sse-inactivity-delay", 120, "seconds after which a client in the background is to leave the event stream")
	flags.StringVar(&s.ssePublicURL, "ofrep-sse-public-url", "", "where clients reach the event stream, as scheme://host:port (default: where they asked)")
}

func (s *settings) registerTelemetry(flags *pflag.FlagSet) {
	flags.StringVarP(&s.metricsExporter, "metrics-exporter", "t", "",
		"otel sends metrics to --otel-collector-uri (default: Prometheus fetches them from the management port)")
	flags.StringVarP(&s.collectorURI, "otel-collector-uri", "o", "", "OpenTelemetry collector, as HOST:PORT, for traces and, if --metrics-exporter says so, metrics")
	flags.StringVarP(&s.collectorCertPath, "otel-cert-path", "D", "", "file with the certificate to show to the collector, in PEM")
	flags.StringVarP(&s.collectorKeyPath, "otel-key-path", "K", "", "file with that certificate's key, in PEM")
	flags.StringVarP(&s.collectorCAPath, "otel-ca-path", "A", "", "file with the authorities of the collector's certificate, in PEM")
	flags.DurationVarP(&s.collectorReload, "otel-reload-interval", "I", time.Hour, "how often the certificates for the collector are read again")
	flags.StringVarP(&s.logFormat, "log-format", "z", "console", "form of the log: console or json")
	flags.BoolVarP(&s.debug, "debug", "x", false, "log more")
	flags.StringVar(&s.config, "config", "", "JSON or YAML file with settings by their long names (default: $HOME/.agent.yaml, if it exists)")
	flags.StringVar(&s.readyFile, "ready-file", "", "file to write the addresses to, as JSON, once everything listens")
}
