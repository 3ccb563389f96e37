package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/pflag"
)

// onNATS are the settings that say something to sources on NATS only.
func onNATS() []string {
	return []string{"environment", "nats-creds", "trusted-keys", "snapshot-dir", "startup-grace"}
}

// checkEffect refuses settings that nothing in this sidecar heeds: whoever asks
// for signatures must not believe that they are looked at. Those that surround
// the sidecar, and may be meant for others beside it, are returned for a warning.
func checkEffect(flags *pflag.FlagSet, surrounding map[string]string, origins []origin) (idle []string, err error) {
	if slices.ContainsFunc(origins, func(o origin) bool { return o.servers != "" }) {
		return nil, nil
	}
	for _, name := range onNATS() {
		flag := flags.Lookup(name)
		if !flag.Changed || flag.Value.String() == "" {
			continue
		}
		text := "--" + name + " has no effect: no source is on NATS"
		place, ok := surrounding[name]
		if !ok {
			return nil, errors.New(text + "; add --uri nats://HOST:PORT/ENVIRONMENT")
		}
		idle = append(idle, place+": "+text)
	}
	return idle, nil
}

// checkFiles looks at the files that have to be there from the start, because
// here it is still known which setting names them. What they say is for those
// to judge who use them.
func (s *settings) checkFiles(origins []origin) error {
	named := [][2]string{
		{"server-cert-path", s.certPath},
		{"server-key-path", s.keyPath},
		{"client-ca-path", s.clientCAPath},
		{"auth-token-path", s.authTokenPath},
	}
	if s.collectorURI != "" {
		named = append(named, [][2]string{
			{"otel-cert-path", s.collectorCertPath},
			{"otel-key-path", s.collectorKeyPath},
			{"otel-ca-path", s.collectorCAPath},
		}...)
	}
	if slices.ContainsFunc(origins, func(o origin) bool { return o.servers != "" }) {
		named = append(named, [][2]string{
			{"nats-creds", s.natsCredentials},
			{"trusted-keys", s.trustedKeys},
		}...)
	}
	for _, file := range named {
		if err := checkFile(file[1]); err != nil {
			return fmt.Errorf("--%s: %w", file[0], err)
		}
	}
	return nil
}

// checkFile says why nothing can be read from the file at path, if there is one.
func checkFile(path string) (err error) {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory, not a file", path)
	case !info.Mode().IsRegular():
		return nil // what is read from a pipe here would be missing later
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(file, make([]byte, 1))
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s is empty", path)
	}
	return cmp.Or(err, file.Close())
}
