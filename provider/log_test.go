package provider_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

func TestLogTellsOfStatesAndBrokenFlagsOnce(t *testing.T) {
	var log lines
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.put(t, "greeting", `{"state": "ENABLED", "variants": {"short": "hi"}, "defaultVariant": "none"}`)
		for range 10 {
			greet(t, p)
			p.BooleanEvaluation(t.Context(), "greeting", true, nil)
		}
		src.disconnect(t)
		next(t, p, openfeature.ProviderStale)
		next(t, p, openfeature.ProviderError)
		synctest.Wait()
		p.Shutdown()
	}, provider.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))

	var told []string
	for line := range strings.Lines(log.String()) {
		told = append(told, regexp.MustCompile(`level=(\w+) msg="([^"]*)"`).FindString(line))
	}
	want := strings.Join([]string{
		`level=INFO msg="report ready"`,
		`level=WARN msg="keep last good flag"`,
		`level=WARN msg="report stale"`,
		`level=ERROR msg="report error"`,
	}, "\n")
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
}

func TestProviderIsSilentByDefault(t *testing.T) {
	stderr := os.Stderr
	path := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = f
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.put(t, "broken", `{"variants": {}, "defaultVariant": "none"}`)
		p.BooleanEvaluation(t.Context(), "broken", true, nil)
		src.disconnect(t)
		synctest.Wait()
	})
	os.Stderr = stderr
	_ = f.Close()
	if said, err := os.ReadFile(path); err != nil || len(said) > 0 {
		t.Errorf("the provider wrote %q to stderr (%v), want nothing", said, err)
	}
}

// lines may be written to and read at once.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
