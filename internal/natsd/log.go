package natsd

import (
	"fmt"
	"log/slog"
)

// A slogger passes what the server has to say to slog: troubles as they are,
// everything else as debugging.
type slogger struct {
	to *slog.Logger

	// fatal gets the first thing that keeps the server from running: it
	// says so, and would go on waiting.
	fatal chan error
}

func (l *slogger) log(level func(string, ...any), format string, args []any) {
	level("nats server", "text", fmt.Sprintf(format, args...))
}

func (l *slogger) Noticef(format string, args ...any) { l.log(l.to.Debug, format, args) }
func (l *slogger) Warnf(format string, args ...any)   { l.log(l.to.Warn, format, args) }
func (l *slogger) Errorf(format string, args ...any)  { l.log(l.to.Error, format, args) }

func (l *slogger) Fatalf(format string, args ...any) {
	select {
	case l.fatal <- fmt.Errorf(format, args...):
	default:
	}
}
func (l *slogger) Debugf(format string, args ...any) { l.log(l.to.Debug, format, args) }
func (l *slogger) Tracef(format string, args ...any) { l.log(l.to.Debug, format, args) }
