// Package sloghook makes failed evaluations visible in the log of an
// application.
//
//	openfeature.AddHooks(sloghook.New(logger))
//
// The SDK's evaluations return an error that most callers leave, because the
// default value that comes with it is good enough to go on with. So a flag
// that was deleted too early, or never created, can answer with defaults for
// months. This hook says so: one line for each flag when it begins to fail,
// and one a minute for as long as it goes on, whatever the traffic is.
// Evaluations that succeed are not logged at all; package otelhook counts and
// traces them. The SDK's own LoggingHook, in comparison, is for debugging: it
// writes three lines for each evaluation, with its values.
//
// A line has no evaluation context, no targeting key and no value.
package sloghook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// An Option changes what the hook logs.
type Option interface{ apply(*hook) }

type optionFunc func(*hook)

func (f optionFunc) apply(h *hook) { f(h) }

// WithInterval sets how long a flag that goes on failing is not mentioned
// again. The default is one minute; with 0 or less each failure is logged.
func WithInterval(d time.Duration) Option {
	return optionFunc(func(h *hook) { h.interval = d })
}

// WithLevel sets the level of the lines. The default is WARN: the application
// goes on, with its default.
func WithLevel(l slog.Level) Option {
	return optionFunc(func(h *hook) { h.level = l })
}

// most is how many failing flags are remembered: more than a program has, but
// keys that are made up must not take all the memory.
const most = 1000

// crowd stands for all flags that are not remembered.
const crowd = ""

type hook struct {
	openfeature.UnimplementedHook

	logger   *slog.Logger
	interval time.Duration
	level    slog.Level

	mu   sync.Mutex
	said map[string]time.Time // when a flag was mentioned last
}

// New returns a hook that logs failed evaluations to logger, of any provider:
// the message "answer with the default value", with the keys flag and err.
// It may be added to the API, to a client or to one evaluation. A nil logger
// logs nothing.
func New(logger *slog.Logger, opts ...Option) openfeature.Hook {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	h := &hook{logger: logger, interval: time.Minute, level: slog.LevelWarn, said: make(map[string]time.Time)}
	for _, opt := range opts {
		opt.apply(h)
	}
	return h
}

// Error logs the failure, unless the flag was mentioned a moment ago.
func (h *hook) Error(ctx context.Context, hc openfeature.HookContext, err error, _ openfeature.HookHints) {
	if h.logger.Enabled(ctx, h.level) && h.due(hc.FlagKey()) {
		h.logger.LogAttrs(ctx, h.level, "answer with the default value", slog.String("flag", hc.FlagKey()), slog.Any("err", err))
	}
}

// due reports whether flag may be mentioned now, and notes that it is.
func (h *hook) due(flag string) bool {
	if h.interval <= 0 {
		return true
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.said[flag]; !known && len(h.said) >= most {
		h.forget(now)
		if len(h.said) >= most {
			flag = crowd
		}
	}
	if last, known := h.said[flag]; known && now.Sub(last) < h.interval {
		return false
	}
	h.said[flag] = now
	return true
}

// forget lets go of the flags that may be mentioned anyway.
func (h *hook) forget(now time.Time) {
	for flag, last := range h.said {
		if now.Sub(last) >= h.interval {
			delete(h.said, flag)
		}
	}
}
