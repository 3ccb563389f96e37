package main_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestSettingsWithoutEffectAreRefusedWhereTheyAreGivenToOneSidecar(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := write(t, filepath.Join(dir, "config.yaml"), "trusted-keys: keys\n")
	var mistakes []mistake
	for _, setting := range []string{"--environment=prod", "--nats-creds=a", "--trusted-keys=a", "--snapshot-dir=a", "--startup-grace=2s"} {
		name, _, _ := strings.Cut(setting, "=")
		mistakes = append(mistakes, mistake{
			name, nil,
			[]string{"start", "-f", "file:a.json", setting},
			name + " has no effect: no source is on NATS; add --uri nats://HOST:PORT/ENVIRONMENT",
		})
	}
	refused(t, append(mistakes, mistake{
		"in the configuration", nil, []string{"start", "-f", "file:a.json", "--config", config}, "--trusted-keys has no effect",
	}))
}

func TestSettingsWithoutEffectAreToldWhereTheySurroundManySidecars(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".agent.yaml"), "startup-grace: 2s\n")
	p := launch(t, []string{"HOME=" + dir, "FLAGD_FLAGLINE_TRUSTED_KEYS=" + filepath.Join(dir, "gone"), "FLAGD_ENVIRONMENT=prod"}, "-f", "file:a.json")
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Fatalf("it exits with %d: %s", code, p.stderr)
	}
	for _, want := range []string{
		"environment variable FLAGD_FLAGLINE_TRUSTED_KEYS: --trusted-keys has no effect: no source is on NATS",
		"environment variable FLAGD_ENVIRONMENT: --environment has no effect",
		".agent.yaml: --startup-grace has no effect",
	} {
		if got := strings.Count(p.stderr.String(), want); got != 1 {
			t.Errorf("the log says %d times %q: %s", got, want, p.stderr)
		}
	}
}

func TestFilesThatCannotBeReadAreRefusedWithTheirSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, _ := certificate(t)
	gone := filepath.Join(dir, "gone")
	empty := write(t, filepath.Join(dir, "empty"), "")
	refused(t, []mistake{
		{"certificate", nil, []string{"start", "-f", "file:a.json", "-c", gone, "-k", key}, "--server-cert-path: "},
		{"key", nil, []string{"start", "-f", "file:a.json", "-c", cert, "-k", dir}, "--server-key-path: " + dir + " is a directory"},
		{"authorities", nil, []string{"start", "-f", "file:a.json", "-c", cert, "-k", key, "--client-ca-path", empty}, "--client-ca-path: " + empty + " is empty"},
		{"tokens", []string{"FLAGD_AUTH_TOKEN_PATH=" + gone}, []string{"start", "-f", "file:a.json"}, "--auth-token-path: "},
		{"collector's certificate", nil, []string{"start", "-f", "file:a.json", "-o", "h:1", "-D", gone, "-K", key}, "--otel-cert-path: "},
		{"collector's key", nil, []string{"start", "-f", "file:a.json", "-o", "h:1", "-D", cert, "-K", gone}, "--otel-key-path: "},
		{"collector's authorities", nil, []string{"start", "-f", "file:a.json", "-o", "h:1", "-A", gone}, "--otel-ca-path: "},
		{"credentials", nil, []string{"start", "-f", "nats://h/prod", "--nats-creds", gone}, "--nats-creds: "},
		{"keys", nil, []string{"start", "-f", "nats://h/prod", "--trusted-keys", gone}, "--trusted-keys: "},
	})
}
