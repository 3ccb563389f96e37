package flagd_test

import (
	"testing"

	"github.com/flagline/flagline/provider/flagd"
)

// What options and the environment come to, as the official provider has it.
func TestConfigurationIsTheOfficialOne(t *testing.T) {
	type check func(*flagd.ProviderConfiguration) (got, want any)
	port := func(want uint16) check {
		return func(cfg *flagd.ProviderConfiguration) (any, any) { return cfg.Port, want }
	}
	resolver := func(want flagd.ResolverType) check {
		return func(cfg *flagd.ProviderConfiguration) (any, any) { return cfg.Resolver, want }
	}
	host := func(want string) check {
		return func(cfg *flagd.ProviderConfiguration) (any, any) { return cfg.Host, want }
	}
	deadline := func(want int) check {
		return func(cfg *flagd.ProviderConfiguration) (any, any) { return cfg.DeadlineMs, want }
	}
	tls := func(path string) check {
		return func(cfg *flagd.ProviderConfiguration) (any, any) { return cfg.Tls && cfg.CertPath == path, true }
	}
	type env map[string]string
	for name, row := range map[string]struct {
		env     env
		options []flagd.ProviderOption
		check   check
	}{
		"defaults":                        {nil, nil, port(8013)},
		"default host":                    {nil, nil, host("localhost")},
		"default in-process":              {nil, []flagd.ProviderOption{flagd.WithInProcessResolver()}, port(8015)},
		"port 0 is the default":           {nil, []flagd.ProviderOption{flagd.WithPort(0)}, port(8013)},
		"sync port is not for rpc":        {env{"FLAGD_SYNC_PORT": "9015"}, nil, port(8013)},
		"sync port before port":           {env{"FLAGD_SYNC_PORT": "9015", "FLAGD_PORT": "9013", "FLAGD_RESOLVER": "in-process"}, nil, port(9015)},
		"port in-process":                 {env{"FLAGD_PORT": "9013"}, []flagd.ProviderOption{flagd.WithInProcessResolver()}, port(9013)},
		"option before sync port":         {env{"FLAGD_SYNC_PORT": "9015"}, []flagd.ProviderOption{flagd.WithInProcessResolver(), flagd.WithPort(1)}, port(1)},
		"FromEnv leaves the port":         {env{"FLAGD_PORT": "9013"}, []flagd.ProviderOption{flagd.WithPort(1), flagd.FromEnv()}, port(1)},
		"option before environment":       {env{"FLAGD_HOST": "a"}, []flagd.ProviderOption{flagd.WithHost("b")}, host("b")},
		"FromEnv before what precedes it": {env{"FLAGD_HOST": "a"}, []flagd.ProviderOption{flagd.WithHost("b"), flagd.FromEnv()}, host("a")},
		"FromEnv after what follows it":   {env{"FLAGD_HOST": "a"}, []flagd.ProviderOption{flagd.FromEnv(), flagd.WithHost("b")}, host("b")},
		"FromEnv resets nothing":          {nil, []flagd.ProviderOption{flagd.WithDeadline(7), flagd.FromEnv()}, deadline(7)},
		"environment before default":      {env{"FLAGD_DEADLINE_MS": "7"}, nil, deadline(7)},
		"bad variable":                    {env{"FLAGD_DEADLINE_MS": "x"}, nil, deadline(500)},
		"ours before flagd's":             {env{"FLAGD_DEADLINE_MS": "7", "FLAGLINE_DEADLINE_MS": "8"}, nil, deadline(8)},
		"in-process with a file":          {env{"FLAGD_OFFLINE_FLAG_SOURCE_PATH": "f"}, []flagd.ProviderOption{flagd.WithInProcessResolver()}, resolver("file")},
		"rpc with a file":                 {env{"FLAGD_OFFLINE_FLAG_SOURCE_PATH": "f"}, nil, resolver("rpc")},
		"certificate is TLS":              {env{"FLAGD_SERVER_CERT_PATH": "c"}, nil, tls("c")},
		"TLS without certificate":         {env{"FLAGD_TLS": "TRUE"}, nil, tls("")},
		"option of TLS":                   {nil, []flagd.ProviderOption{flagd.WithTLS("c")}, tls("c")},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range row.env {
				t.Setenv(variable, value)
			}
			cfg, err := flagd.NewProviderConfiguration(row.options)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := row.check(cfg); got != want {
				t.Errorf("it is %v, want %v", got, want)
			}
		})
	}
}

// Whoever sets one wait across the default of the other means what was set, and
// what never was refused is not refused here.
func TestAnyWaitsGoTogether(t *testing.T) {
	for _, options := range [][]flagd.ProviderOption{
		{flagd.WithRetryBackoffMs(60_000)},
		{flagd.WithRetryBackoffMaxMs(1)},
		{flagd.WithRetryBackoffMs(0), flagd.WithRetryBackoffMaxMs(-1)},
		{flagd.WithRetryBackoffMs(60_000), flagd.WithRetryBackoffMaxMs(1)},
		{flagd.WithRetryGracePeriod(-1)},
		{flagd.WithLRUCache(-1)},
	} {
		if _, err := flagd.NewProvider(options...); err != nil {
			t.Errorf("NewProvider: %v", err)
		}
	}
}
