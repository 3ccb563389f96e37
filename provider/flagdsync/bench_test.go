package flagdsync_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	flagd "github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/provider/flagdsync"
	"github.com/flagline/flagline/source"
)

// What one change among 10,000 flags costs here, and what it costs flagd to
// take the document.
func BenchmarkChange(b *testing.B) {
	for _, taken := range []bool{false, true} {
		b.Run(map[bool]string{false: "document", true: "document and flagd"}[taken], func(b *testing.B) {
			src, updates := make(script), make(chan flagd.DataSync)
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error)
			go func() { ended <- flagdsync.New(src).Sync(ctx, updates) }()
			log := logger.NewLogger(nil, false)
			flags, err := store.NewStore(log, []string{flagdsync.DefaultURI})
			if err != nil {
				b.Fatal(err)
			}
			engine := evaluator.NewJSON(log, flags)
			apply := func(records ...source.Record) {
				src <- func(sink source.Sink) error { sink.Apply(source.Update{Records: records}); return nil }
				u := <-updates
				if !taken {
					return
				}
				if err := engine.SetState(u); err != nil {
					b.Fatal(err)
				}
			}
			var all []source.Record
			for i := range 10_000 {
				all = append(all, source.Record{Key: fmt.Sprint("flag-", i), Body: []byte(colors("red"))})
			}
			apply(all...)
			variants := []string{"blue", "red"}
			for i := 0; b.Loop(); i++ {
				apply(source.Record{Key: "flag-7", Body: []byte(colors(variants[i%2]))})
			}
			b.StopTimer()
			cancel()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}
