package auto

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/flagline/flagline/provider/internal/environ"
	"github.com/flagline/flagline/source/natskv"
)

const defaultGrace = 250 * time.Millisecond

// readNATS returns what the environment says of NATS. Without servers it says
// nothing that counts. The error joins all that is wrong.
func readNATS(lookup func(string) (string, bool)) (natskv.Config, error) {
	url, name := find(lookup, "NATS_URL")
	if url == "" {
		return natskv.Config{}, nil
	}
	cfg := natskv.Config{StartupGrace: defaultGrace}
	for x, field := range map[string]*string{
		"ENVIRONMENT": &cfg.Environment, "NATS_CREDS": &cfg.Credentials, "TRUSTED_KEYS": &cfg.TrustedKeys,
		"SNAPSHOT_DIR": &cfg.SnapshotDir, "INSTANCE": &cfg.Instance, "SERVICE": &cfg.Service,
	} {
		*field, _ = find(lookup, x)
	}
	var errs []error
	if err := addServers(&cfg, url); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	if grace, name := find(lookup, "STARTUP_GRACE"); grace != "" {
		d, err := time.ParseDuration(strings.TrimSpace(grace))
		switch {
		case err != nil || d < 0:
			errs = append(errs, fmt.Errorf("%s: write a duration with its unit, such as 250ms or 1s, or 0s for none", name))
		case d == 0:
			d = -1 // 0 would be the source's default
		}
		cfg.StartupGrace = d
	}
	return cfg, errors.Join(errs...)
}

// addServers reads nats://host:port,host:port, whose last server may be followed
// by an environment if that is not another than the one that is set.
func addServers(cfg *natskv.Config, url string) error {
	servers, environment, err := natskv.ParseURI(url)
	switch {
	case errors.Is(err, natskv.ErrCredentials):
		return fmt.Errorf("%w and name it in FLAGLINE_NATS_CREDS", err)
	case err != nil:
		return err
	case environment == "" && cfg.Environment == "":
		return errors.New("there is no environment: set FLAGLINE_ENVIRONMENT, or append it, as in nats://host:4222/prod")
	case environment != "" && cfg.Environment != "" && environment != cfg.Environment:
		return fmt.Errorf("it says environment %q, and FLAGLINE_ENVIRONMENT %q", environment, cfg.Environment)
	}
	cfg.Environment = cmp.Or(environment, cfg.Environment)
	cfg.Servers = servers
	return nil
}

// find returns what is said of the setting x, and which variable says it. Its
// names are those that the sidecar knows it by: an operator may set one
// environment for both.
func find(lookup func(string) (string, bool), x string) (value, name string) {
	if value, name = environ.Lookup(lookup, x); name != "" {
		return value, name
	}
	name = "FLAGD_" + x
	if value, _ = lookup(name); value != "" {
		return value, name
	}
	return "", ""
}
