package main_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// A mistake is a command that makes no sense, and what has to be said about it.
type mistake struct {
	name string
	env  []string
	args []string
	want string
}

// refused asserts that each command exits with 2 and says what is wrong, and
// repeats no secret.
func refused(t *testing.T, mistakes []mistake) {
	t.Helper()
	for _, test := range mistakes {
		t.Run(test.name, func(t *testing.T) {
			p := run(t, command(t, test.env, test.args...))
			if code := p.end(t); code != 2 {
				t.Errorf("%q exits with %d, want 2", test.args, code)
			}
			if got := p.stderr.String(); !strings.Contains(got, test.want) || strings.Contains(got, "hunter2") {
				t.Errorf("%q says %q, want %q and no secret", test.args, got, test.want)
			}
		})
	}
}

func TestMistakesInTheCommandExitWith2(t *testing.T) {
	t.Parallel()
	refused(t, []mistake{
		{"unknown setting", nil, []string{"start", "--colour"}, "unknown flag"},
		{"unknown command", nil, []string{"begin"}, "unknown command"},
	})
}

func TestMistakesInTheSourcesExitWith2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "path.yaml"), "sources: flags.json\n")
	one := write(t, filepath.Join(dir, "one.yaml"), "sources: {uri: flags.json, provider: file}\n")
	misspelled := write(t, filepath.Join(dir, "misspelled.yaml"), "sources: [{uri: flags.json, provider: file, selektor: a}]\n")
	refused(t, []mistake{
		{"no source", nil, []string{"start"}, "--uri file:PATH"},
		{"bare path", nil, []string{"start", "-f", "flags.json"}, "say file:flags.json"},
		{"other source", nil, []string{"start", "-f", "ftp://h/flags"}, "grpc://"},
		{"no environment", nil, []string{"start", "--nats-url", "nats://h:4222"}, "--environment"},
		{"two environments", nil, []string{"start", "-f", "nats://h/prod", "--environment", "dev"}, `"prod"`},
		{"bad environment", nil, []string{"start", "-f", "nats://h/Prod!"}, "Prod!"},
		{"credentials", nil, []string{"start", "-f", "nats://me:hunter2@h/prod"}, "--nats-creds"},
		{"credentials in the environment", []string{"FLAGD_FLAGLINE_NATS_URL=hunter2@h"}, []string{"start"}, "--nats-creds"},
		{"other provider", nil, []string{"start", "-s", `[{"uri":"x","provider":"ftp"}]`}, `no provider "ftp"`},
		{"sources are not JSON", nil, []string{"start", "-s", `[`}, "JSON array"},
		{"one source and no array", nil, []string{"start", "-s", `{"uri":"a.json"}`}, `--sources: write an array: [{"uri":…}]`},
		{"sources that are a path", nil, []string{"start", "--config", path}, "list of {uri, provider}"},
		{"sources that are one source", nil, []string{"start", "--config", one}, "list of {uri, provider}"},
		{"unknown member in the configuration", nil, []string{"start", "--config", misspelled}, `source 0 (flags.json): there is no member "selektor"; did you mean "selector"?`},
		{"one source twice", nil, []string{"start", "-f", "file:a.json", "-f", "file:a.json"}, "given twice"},
	})
}

func TestMistakesInTheSettingsExitWith2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unknown := write(t, filepath.Join(dir, "unknown.yaml"), "colour: red\n")
	nobody := write(t, filepath.Join(dir, "nobody.yaml"), "tls-listeners: []\n")
	port := write(t, filepath.Join(dir, "port.yaml"), "sync-port: x\n")
	write(t, filepath.Join(dir, ".agent.yaml"), "{")
	mistakes := []mistake{
		{"certificate without key", nil, []string{"-c", "a.crt"}, "--server-key-path"},
		{"key without certificate", nil, []string{"-k", "a.key"}, "--server-cert-path"},
		{"client certificates without TLS", nil, []string{"--client-ca-path", "ca.crt"}, "--client-ca-path needs TLS"},
		{"listeners without TLS", []string{"FLAGD_TLS_LISTENERS=ofrep"}, nil, "--tls-listeners needs TLS"},
		{"unknown listener with TLS", nil, []string{"-c", "a", "-k", "b", "--tls-listeners", "ofrep,metrics"}, `no listener "metrics"; there are evaluation, sync, ofrep, management`},
		{"certificate for nobody", nil, []string{"-c", "a", "-k", "b", "--tls-listeners="}, "no listener that shows it"},
		{"certificate for nobody in the configuration", nil, []string{"-c", "a", "-k", "b", "--config", nobody}, "no listener that shows it"},
		{"listeners without tokens", nil, []string{"--auth-listeners", "sync"}, "--auth-token-path"},
		{"unknown listener with tokens", nil, []string{"--auth-token-path", "a", "--auth-listeners", "all"}, `no listener "all"`},
		{"tokens for nobody", nil, []string{"--auth-token-path", "a", "--auth-listeners="}, "no listener that asks"},
		{"one socket twice", nil, []string{"-d", "/run/a.sock", "-e", "/run/a.sock"}, "each needs one of its own"},
		{"negative size", nil, []string{"-B", "-1"}, "--max-request-body is -1"},
		{"negative time", nil, []string{"--stream-deadline", "-5s"}, "--stream-deadline is -5s"},
		{"address of the event stream", nil, []string{"--ofrep-sse-public-url", "flags.example"}, "https://HOST:PORT"},
		{"metrics exporter", nil, []string{"-t", "statsd"}, `--metrics-exporter: there is no exporter "statsd"; there are prometheus and otel`},
		{"metrics without collector", nil, []string{"-t", "otel"}, "--otel-collector-uri"},
		{"collector's certificate without key", nil, []string{"-D", "a.crt"}, "--otel-key-path"},
		{"collector's key without certificate", nil, []string{"-K", "a.key"}, "--otel-cert-path"},
		{"log format", nil, []string{"-z", "xml"}, `--log-format: there is no format "xml"; there are console and json`},
		{"bad port", nil, []string{"-p", "abc"}, `: --port: "abc" is no port (0 to 65535)`},
		{"port that is too high", nil, []string{"--ofrep-port=65536"}, `--ofrep-port: "65536" is no port`},
		{"bad port in the environment", []string{"FLAGD_PORT=eighty"}, nil, `environment variable FLAGD_PORT: "eighty" is no port`},
		{"bad port in the configuration", nil, []string{"--config", port}, `setting sync-port: "x" is no port`},
		{"origin of no page", nil, []string{"-C", "not an origin"}, `--cors-origin: "not an origin" is no origin, which is scheme://host[:port]`},
		{"no such configuration", nil, []string{"--config", filepath.Join(dir, "gone.yaml")}, "gone.yaml"},
		{"unknown setting in the configuration", nil, []string{"--config", unknown}, `no setting "colour"`},
		{"home that is no YAML", []string{"HOME=" + dir}, nil, ".agent.yaml"},
	}
	for i := range mistakes {
		mistakes[i].args = append([]string{"start", "-f", "file:a.json"}, mistakes[i].args...)
	}
	refused(t, mistakes)
}
