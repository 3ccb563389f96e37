package flagd

import (
	"context"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
)

// The levels at which the official provider logs, errors aside.
const (
	warning = 0
	info    = 1
	debug   = 2
)

// handler returns where a provider logs to.
func handler(log *logr.Logger) slog.Handler {
	if log == nil {
		return slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})
	}
	return logrHandler{log: *log}
}

// A logrHandler passes records on to a logr.Logger. The one that logr has puts
// warnings and news on one level, where the official provider has two.
type logrHandler struct {
	log    logr.Logger
	prefix string // of keys
}

func (h logrHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError || h.log.V(verbosity(level)).Enabled()
}

func (h logrHandler) Handle(_ context.Context, r slog.Record) error {
	var err error
	var pairs []any
	r.Attrs(func(a slog.Attr) bool {
		if e, ok := a.Value.Any().(error); ok && err == nil && r.Level >= slog.LevelError {
			err = e
		} else {
			pairs = append(pairs, h.prefix+a.Key, a.Value.Resolve().Any())
		}
		return true
	})
	if r.Level >= slog.LevelError {
		h.log.Error(err, r.Message, pairs...)
	} else {
		h.log.V(verbosity(r.Level)).Info(r.Message, pairs...)
	}
	return nil
}

func (h logrHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.log = h.log.WithValues(h.prefix+a.Key, a.Value.Resolve().Any())
	}
	return h
}

func (h logrHandler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.prefix += name + "."
	}
	return h
}

func verbosity(level slog.Level) int {
	switch {
	case level >= slog.LevelWarn:
		return warning
	case level >= slog.LevelInfo:
		return info
	}
	return debug
}
