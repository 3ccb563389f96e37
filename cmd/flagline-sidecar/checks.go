package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/pflag"
)

// check says what makes no sense in the settings.
func (s *settings) check(flags *pflag.FlagSet) error {
	return cmp.Or(s.checkAccess(flags), s.checkLimits(flags), s.checkTelemetry())
}

func (s *settings) checkLimits(flags *pflag.FlagSet) error {
	for _, name := range []string{
		"stale-after", "startup-grace", "max-request-body", "max-request-header",
		"keep-alive-min-time", "stream-deadline", "ofrep-sse-inactivity-delay", "otel-reload-interval",
	} {
		if value := flags.Lookup(name).Value.String(); value[0] == '-' {
			return fmt.Errorf("--%s is %s; it cannot be less than 0", name, value)
		}
	}
	if s.ssePublicURL != "" {
		u, err := url.Parse(s.ssePublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return errors.New("--ofrep-sse-public-url is not like https://HOST:PORT")
		}
	}
	return nil
}

func (s *settings) checkTelemetry() error {
	switch {
	case s.metricsExporter != "" && s.metricsExporter != "prometheus" && s.metricsExporter != "otel":
		return fmt.Errorf("--metrics-exporter: there is no exporter %q; there are prometheus and otel", s.metricsExporter)
	case s.metricsExporter == "otel" && s.collectorURI == "":
		return errors.New("--metrics-exporter otel needs a collector; name it with --otel-collector-uri HOST:PORT")
	case s.collectorCertPath == "" && s.collectorKeyPath != "":
		return errors.New("--otel-key-path needs the certificate of that key; name it with --otel-cert-path")
	case s.collectorCertPath != "" && s.collectorKeyPath == "":
		return errors.New("--otel-cert-path needs the key of that certificate; name it with --otel-key-path")
	}
	return nil
}
