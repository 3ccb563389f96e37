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

	bind           string
	port           uint16
	managementPort uint16
	syncPort       uint16
	ofrepPort      uint16
	maxRequestBody int
	corsOrigins    []string

	contextValues     map[string]string
	contextFromHeader map[string]string

	logFormat string
	debug     bool
	config    string
	readyFile string
}

func (s *settings) register(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringArrayVarP(&s.uris, "uri", "f", nil,
		"source of flags: file:PATH or nats://HOST:PORT,HOST:PORT/ENVIRONMENT; repeatable, later ones win")
	flags.StringVarP(&s.sources, "sources", "s", "",
		`sources as a JSON array of {"uri":…,"provider":"file"|"nats"}, above those of --uri`)
	flags.StringVar(&s.natsURL, "nats-url", "", "NATS servers to follow --environment on, above all other sources")
	flags.StringVar(&s.environment, "environment", "", "environment to follow on NATS")
	flags.StringVar(&s.natsCredentials, "nats-creds", "", "file with the credentials for NATS")
	flags.StringVar(&s.trustedKeys, "trusted-keys", "", "file with the keys that changes must be signed with; see \"flagline key\" (default: signatures are not asked for)")
	flags.StringVar(&s.snapshotDir, "snapshot-dir", "", "directory that keeps the newest good flags for the next start")
	flags.DurationVar(&s.startupGrace, "startup-grace", time.Second,
		"how long to wait for NATS before flags from the snapshot count")
	flags.StringVar(&s.instance, "instance", "", "name of this sidecar in its fleet (default: the host's, and a random suffix)")
	flags.StringVar(&s.service, "service", "", "what this sidecar is part of")

	flags.StringVar(&s.bind, "bind", "127.0.0.1", "address to listen at")
	flags.Uint16VarP(&s.port, "port", "p", 8013, "port of flagd's evaluation services; 0 takes a free one, as for all ports")
	flags.Uint16VarP(&s.managementPort, "management-port", "m", 8014, "port of health, metrics and status")
	flags.Uint16VarP(&s.syncPort, "sync-port", "g", 8015, "port of flag sync, where nothing listens yet")
	flags.Uint16VarP(&s.ofrepPort, "ofrep-port", "r", 8016, "port of the OpenFeature Remote Evaluation Protocol")
	flags.IntVarP(&s.maxRequestBody, "max-request-body", "B", 1_000_000, "longest request body in bytes; 0 is without limit")
	flags.StringSliceVarP(&s.corsOrigins, "cors-origin", "C", nil, "origins whose pages may ask (default: every origin)")

	flags.StringToStringVarP(&s.contextValues, "context-value", "X", nil,
		"key=value that joins every evaluation context, above what requests say")
	flags.StringToStringVarP(&s.contextFromHeader, "context-from-header", "H", nil,
		"Header=key: the header's value joins the evaluation context, above everything")
	flags.StringVarP(&s.logFormat, "log-format", "z", "console", "form of the log: console or json")
	flags.BoolVarP(&s.debug, "debug", "x", false, "log more")
	flags.StringVar(&s.config, "config", "", "JSON or YAML file with settings by their long names")
	flags.StringVar(&s.readyFile, "ready-file", "", "file to write the addresses to, as JSON, once everything listens")
	registerIgnored(flags)
}

// An ignored setting is one of flagd's that has no effect here. It is taken,
// with a warning, so that people's manifests go on working, unless doing
// without it would break a promise that its user relies on: then refused says
// what would be broken.
type ignored struct {
	name, short string
	boolean     bool
	refused     string
}

const (
	noTLS     = "TLS is not served yet, and clients that expect it would find plain text; leave it out"
	noSockets = "unix sockets are not served yet, and a TCP port would be open instead; leave it out"
)

func ignoredSettings() []ignored {
	return []ignored{
		{name: "socket-path", short: "d", refused: noSockets},
		{name: "sync-socket-path", short: "e", refused: noSockets},
		{name: "server-cert-path", short: "c", refused: noTLS},
		{name: "server-key-path", short: "k", refused: noTLS},
		{name: "stream-deadline"},
		{name: "disable-sync-metadata", boolean: true},
		{name: "max-request-header", short: "R"},
		{name: "keep-alive-min-time"},
		{name: "keep-alive-permit-without-stream", boolean: true},
		{name: "metrics-exporter", short: "t"},
		{name: "otel-collector-uri", short: "o"},
		{name: "otel-cert-path", short: "D"},
		{name: "otel-key-path", short: "K"},
		{name: "otel-ca-path", short: "A"},
		{name: "otel-reload-interval", short: "I"},
		{name: "sync-provider-args"},
	}
}

func registerIgnored(flags *pflag.FlagSet) {
	const usage = "one of flagd's, without effect here"
	for _, s := range ignoredSettings() {
		if s.boolean {
			flags.BoolP(s.name, s.short, false, usage)
		} else {
			// An array, because some of them may be given more than once.
			flags.StringArrayP(s.name, s.short, nil, usage)
		}
	}
}
