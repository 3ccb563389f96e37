package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
	"github.com/flagline/flagline/source/httppoll"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/syncstream"
)

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
			"--uri https://HOST/PATH, --uri grpc://HOST:PORT, --uri nats://HOST:PORT/ENVIRONMENT, or --nats-url and --environment")
	}
	return all, nil
}

// parseSources reads --sources, in flagd's form.
func (s *settings) parseSources() ([]origin, error) {
	if s.sources == "" {
		return nil, nil
	}
	if !strings.HasPrefix(strings.TrimSpace(s.sources), "[") {
		return nil, errors.New(`write an array: [{"uri":…}]`)
	}
	var listed []json.RawMessage
	if err := json.Unmarshal([]byte(s.sources), &listed); err != nil {
		return nil, fmt.Errorf("not a JSON array of sources: %w", err)
	}
	var all []origin
	for i, text := range listed {
		l, err := readListing(text)
		if err != nil {
			return nil, fmt.Errorf("source %d%s: %w", i, l.place(), err)
		}
		o, err := s.parseListing(l)
		if err != nil {
			return nil, fmt.Errorf("source %d: %w", i, err)
		}
		all = append(all, o)
	}
	return all, nil
}

// open makes the sources of all origins. Two sources may have one URI and
// differ in something else, such as the selector: the later one is then named
// URI#2.
func (s *settings) open(origins []origin, log *slog.Logger) ([]source.Source, error) {
	var all []source.Source
	taken := func(src source.Source) bool {
		return slices.ContainsFunc(all, func(other source.Source) bool { return other.Name() == src.Name() })
	}
	for i, o := range origins {
		src, err := s.openOne(o, log)
		if err != nil {
			return nil, err
		}
		twice := slices.ContainsFunc(origins[:i], func(other origin) bool { return reflect.DeepEqual(o, other) })
		uri := src.Name()
		for n := 2; taken(src); n++ {
			if twice || !o.rename(fmt.Sprintf("%s#%d", uri, n)) {
				bare, _, _ := strings.Cut(uri, "?") // what follows may be a secret
				return nil, fmt.Errorf("source %s is given twice", bare)
			}
			if src, err = s.openOne(o, log); err != nil {
				return nil, err
			}
		}
		if o.incremental {
			log.Warn("ignore a setting of flagd", "origin", src.Name(), "err", "incrementalUpdates has no effect here: each update is all that a source has")
		}
		all = append(all, src)
	}
	return all, nil
}

func (s *settings) openOne(o origin, log *slog.Logger) (source.Source, error) {
	switch {
	case o.path != "":
		return file.New(o.path), nil
	case o.poll != nil:
		return httppoll.New(*o.poll)
	case o.stream != nil:
		return syncstream.New(*o.stream)
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
