package auto

import "testing"

func TestServersAreReadInEachSpelling(t *testing.T) {
	for url, want := range map[string]string{
		"nats://a:4222":                    "nats://a:4222 prod",
		"a:4222":                           "nats://a:4222 prod",
		"tls://a:4222, b:4222":             "tls://a:4222,tls://b:4222 prod",
		"nats://a:4222,nats://b:4222/prod": "nats://a:4222,nats://b:4222 prod",
		"a:4222,tls://b:4222/":             "nats://a:4222,tls://b:4222 prod",
	} {
		cfg, err := readNATS(func(name string) (string, bool) {
			value, ok := map[string]string{"FLAGLINE_NATS_URL": url, "FLAGLINE_ENVIRONMENT": "prod"}[name]
			return value, ok
		})
		if got := cfg.Servers + " " + cfg.Environment; err != nil || got != want {
			t.Errorf("%s is read as %q (%v), want %q", url, got, err, want)
		}
	}
}

func TestNoGraceIsNotTheDefaultGrace(t *testing.T) {
	for grace, want := range map[string]bool{"0s": false, "": true, "1s": true} {
		cfg, err := readNATS(func(name string) (string, bool) {
			value, ok := map[string]string{"FLAGLINE_NATS_URL": "h/prod", "FLAGLINE_STARTUP_GRACE": grace}[name]
			return value, ok
		})
		if got := cfg.StartupGrace > 0; err != nil || got != want || cfg.StartupGrace == 0 {
			t.Errorf("a grace of %q is read as %v (%v)", grace, cfg.StartupGrace, err)
		}
	}
}
