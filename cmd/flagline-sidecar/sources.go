package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
	"github.com/flagline/flagline/source/natskv"
)

// An origin is one place that flags come from: a file, or an environment on
// NATS servers.
type origin struct {
	path                 string
	servers, environment string
}

var errCredentials = errors.New("an address holds credentials; put them into a file and name it with --nats-creds")

// origins returns all places that the settings name, in ascending priority.
func (s *settings) origins() ([]origin, error) {
	var all []origin
	for _, uri := range s.uris {
		o, err := s.parseURI(uri)
		if err != nil {
			return nil, fmt.Errorf("--uri: %w", err)
		}
		all = append(all, o)
	}
	listed, err := s.parseSources()
	if err != nil {
		return nil, fmt.Errorf("--sources: %w", err)
	}
	all = append(all, listed...)
	if s.natsURL != "" {
		o, err := s.parseNATS(s.natsURL)
		if err != nil {
			return nil, fmt.Errorf("--nats-url: %w", err)
		}
		all = append(all, o)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no source of flags; give one with --uri file:PATH, " +
			"--uri nats://HOST:PORT/ENVIRONMENT, or --nats-url and --environment")
	}
	return all, nil
}

// parseURI reads one source in flagd's spelling. Its errors never repeat what
// may be a secret.
func (s *settings) parseURI(uri string) (origin, error) {
	scheme, rest, ok := strings.Cut(uri, ":")
	switch {
	case ok && scheme == "file" && rest != "":
		return origin{path: rest}, nil
	case ok && (scheme == "nats" || scheme == "tls"):
		return s.parseNATS(uri)
	case slices.Contains([]string{".json", ".yaml", ".yml"}, filepath.Ext(uri)) && !strings.Contains(uri, "://"):
		return origin{}, fmt.Errorf("%s does not say what it is; for a file, say file:%s", uri, uri)
	case ok:
		return origin{}, fmt.Errorf("there is no source for %s: addresses; file: and nats: are taken", scheme)
	default:
		return origin{}, errors.New("a source begins with file: or nats://, which this one does not")
	}
}

// parseSources reads --sources, in flagd's form. Members that our sources have
// no use for are passed over, as flagd does for each of its own.
func (s *settings) parseSources() ([]origin, error) {
	if s.sources == "" {
		return nil, nil
	}
	var listed []struct {
		URI      string `json:"uri"`
		Provider string `json:"provider"`
	}
	if err := json.Unmarshal([]byte(s.sources), &listed); err != nil {
		return nil, fmt.Errorf("not a JSON array of sources: %w", err)
	}
	var all []origin
	for i, src := range listed {
		o, err := s.parseSource(src.Provider, src.URI)
		if err != nil {
			return nil, fmt.Errorf("source %d: %w", i, err)
		}
		all = append(all, o)
	}
	return all, nil
}

func (s *settings) parseSource(provider, uri string) (origin, error) {
	switch {
	case uri == "":
		return origin{}, errors.New("there is no uri")
	case provider == "file":
		return origin{path: strings.TrimPrefix(uri, "file:")}, nil
	case provider == "nats":
		return s.parseNATS(uri)
	default:
		return origin{}, fmt.Errorf(`there is no provider %q; there are "file" and "nats"`, provider)
	}
}

// parseNATS reads nats://host:port,host:port/environment. The environment may
// come from its own setting instead, but the two must not differ.
func (s *settings) parseNATS(uri string) (origin, error) {
	if strings.Contains(uri, "@") {
		return origin{}, errCredentials
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		scheme, rest = "nats", uri
	}
	hosts, environment, _ := strings.Cut(rest, "/")
	if environment != "" && s.environment != "" && environment != s.environment {
		return origin{}, fmt.Errorf("the address says environment %q, and --environment %q", environment, s.environment)
	}
	environment = cmp.Or(environment, s.environment)
	if environment == "" {
		return origin{}, errors.New("there is no environment; append it, as in nats://HOST:PORT/prod, or give --environment")
	}
	var servers []string
	for host := range strings.SplitSeq(hosts, ",") {
		_, after, ok := strings.Cut(host, "://")
		if !ok {
			after = host
		}
		servers = append(servers, scheme+"://"+strings.TrimSpace(after))
	}
	return origin{servers: strings.Join(servers, ","), environment: environment}, nil
}

// open makes the sources of all origins.
func (s *settings) open(origins []origin, log *slog.Logger) ([]source.Source, error) {
	var all []source.Source
	for _, o := range origins {
		src, err := s.openOne(o, log)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other source.Source) bool { return other.Name() == src.Name() }) {
			return nil, fmt.Errorf("source %s is given twice", src.Name())
		}
		all = append(all, src)
	}
	return all, nil
}

func (s *settings) openOne(o origin, log *slog.Logger) (source.Source, error) {
	if o.path != "" {
		return file.New(o.path), nil
	}
	src, err := natskv.New(natskv.Config{
		Servers:      o.servers,
		Environment:  o.environment,
		Credentials:  s.natsCredentials,
		TrustedKeys:  s.trustedKeys,
		SnapshotDir:  s.snapshotDir,
		Instance:     s.instance,
		Service:      s.service,
		Version:      version(),
		StartupGrace: cmp.Or(s.startupGrace, -1), // 0 is no grace to us, and a default to it
		Logger:       log,
	})
	if err != nil {
		return nil, fmt.Errorf("follow environment %q: %w", o.environment, err)
	}
	return src, nil
}
