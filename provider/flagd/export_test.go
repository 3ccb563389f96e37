package flagd

import (
	"log/slog"
	"time"

	"github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/source"
)

// Handler shows tests where records go.
var Handler = handler

// NewCustomSync makes for tests what NewProvider makes of a custom sync.
func NewCustomSync(s sync.ISync, uri string, least, most time.Duration) source.Source {
	return &customSync{sync: s, uri: uri, least: least, most: most, log: slog.New(slog.DiscardHandler)}
}
