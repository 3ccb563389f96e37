package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flagline/flagline/internal/atomicfile"
	"github.com/flagline/flagline/sidecar"
)

func startCommand(ctx context.Context, stderr io.Writer) *cobra.Command {
	s := new(settings)
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Serve flags until told to end",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := fill(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return err
			}
			return s.start(ctx, cmd.Flags(), found, stderr)
		},
	}
	s.register(cmd.Flags())
	cmd.SetFlagErrorFunc(spelled)
	return cmd
}

// start serves until ctx is done.
func (s *settings) start(ctx context.Context, flags *pflag.FlagSet, found findings, stderr io.Writer) error {
	log, err := s.logger(stderr)
	if err != nil {
		return err
	}
	cfg, err := s.prepare(flags, found, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The ready file of an earlier run must not be mistaken for ours.
	if err := removeReady(s.readyFile); err != nil {
		return err
	}
	var unwritten error
	cfg.Ready = func(at sidecar.Addresses) {
		log.Info("serve evaluation", "addr", at.Evaluation)
		log.Info("serve management", "addr", at.Management)
		log.Info("serve sync", "addr", at.Sync)
		log.Info("serve ofrep", "addr", at.OFREP)
		if unwritten = writeReady(s.readyFile, at); unwritten != nil {
			cancel()
		}
	}
	ended := sidecar.Run(ctx, cfg)
	if err := errors.Join(ended, unwritten, removeReady(s.readyFile)); err != nil {
		return &serveError{err}
	}
	return nil
}

// prepare does all that can be done before anything listens: it refuses what
// makes no sense and warns of what is passed over.
func (s *settings) prepare(flags *pflag.FlagSet, found findings, log *slog.Logger) (cfg sidecar.Config, err error) {
	if err := s.check(flags); err != nil {
		return cfg, err
	}
	origins, err := s.origins()
	if err != nil {
		return cfg, err
	}
	idle, err := checkEffect(flags, found.surrounding, origins)
	if err != nil {
		return cfg, err
	}
	if err := s.checkFiles(origins); err != nil {
		return cfg, err
	}
	if cfg, err = s.sidecar(origins, log); err != nil {
		return cfg, err
	}
	if found.unread != nil {
		log.Warn("pass over a configuration", "err", found.unread)
	}
	for _, text := range slices.Concat(found.unknown, idle) {
		log.Warn("pass over a setting", "err", text)
	}
	for _, setting := range ignoredSettings() {
		if flags.Changed(setting[0]) {
			log.Warn("ignore a setting of flagd", "err", fmt.Sprintf("--%s has no effect here", setting[0]))
		}
	}
	return cfg, nil
}

// sidecar turns the settings, and the origins that they name, into what the
// sidecar wants to know.
func (s *settings) sidecar(origins []origin, log *slog.Logger) (sidecar.Config, error) {
	if s.instance == "" {
		host, _ := os.Hostname() // a host without a name is told by the suffix
		s.instance = strings.ToLower(host + "-" + rand.Text()[:8])
	}
	sources, err := s.open(origins, log)
	if err != nil {
		return sidecar.Config{}, err
	}
	context := make(map[string]any, len(s.contextValues))
	for key, value := range s.contextValues {
		context[key] = value
	}
	return sidecar.Config{
		Sources:                      sources,
		Evaluation:                   s.door(evaluationDoor, s.port, s.socketPath),
		Management:                   s.door(managementDoor, s.managementPort, ""),
		Sync:                         s.door(syncDoor, s.syncPort, s.syncSocketPath),
		OFREP:                        s.door(ofrepDoor, s.ofrepPort, ""),
		Context:                      context,
		Headers:                      s.contextFromHeader,
		CORSOrigins:                  s.corsOrigins,
		MaxRequestBody:               cmp.Or(s.maxRequestBody, -1), // 0 is no limit to us, and a default to it
		MaxRequestHeader:             s.maxRequestHeader,
		KeepAliveMinTime:             s.keepAliveMinTime,
		KeepAliveForbidWithoutStream: !s.keepAliveWithoutStream,
		StreamDeadline:               s.streamDeadline,
		DisableSyncMetadata:          s.disableSyncMetadata,
		DisableSyncHTTP:              !s.syncHTTP,
		DisableSSE:                   !s.sse,
		SSEInactivity:                time.Duration(s.sseInactivity) * time.Second,
		SSEPublicURL:                 s.ssePublicURL,
		MetricsExporter:              s.metricsExporter,
		CollectorURI:                 s.collectorURI,
		CollectorCertFile:            s.collectorCertPath,
		CollectorKeyFile:             s.collectorKeyPath,
		CollectorCAFile:              s.collectorCAPath,
		CollectorReload:              s.collectorReload,
		StaleAfter:                   s.staleAfter,
		Instance:                     s.instance,
		Version:                      version(),
		Environment:                  environmentOf(origins),
		Logger:                       log,
	}, nil
}

// environmentOf returns the environment with the highest priority, if any.
func environmentOf(origins []origin) (environment string) {
	for _, o := range origins {
		environment = cmp.Or(o.environment, environment)
	}
	return environment
}

func (s *settings) logger(w io.Writer) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if s.debug {
		options.Level = slog.LevelDebug
	}
	switch s.logFormat {
	case "console":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("--log-format: there is no format %q; there are console and json", s.logFormat)
}

// writeReady writes the addresses to the file at path, if there is one, in one
// step: whoever sees the file sees all of it, and nobody else on the host does.
func writeReady(path string, at sidecar.Addresses) error {
	if path == "" {
		return nil
	}
	data, err := json.Marshal(at)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, append(data, '\n')); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	return nil
}

// removeReady removes the file at path, if there is one.
func removeReady(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the ready file: %w", err)
	}
	return nil
}
