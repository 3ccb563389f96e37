package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	greeting = `provider: flagd
new-checkout: false off STATIC
banner: Willkommen im Laden willkommen TARGETING_MATCH
max-items: 50 normal STATIC
pricing: map[currency:EUR discount:0 freeShippingFrom:50] standard STATIC
vip-support: true on TARGETING_MATCH
old-checkout: true
`
	afterwards = "banner: Willkommen\n"
)

func TestProgramPrintsTheSameInEachResolver(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "checkout", "flags.json"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "flags.json")
	for _, resolver := range []string{"rpc", "in-process", "file"} {
		t.Run(resolver, func(t *testing.T) {
			write(t, path, sample)
			at := serve(t, path)
			t.Setenv("FLAGD_RESOLVER", resolver)
			t.Setenv("FLAGD_HOST", "127.0.0.1")
			t.Setenv("FLAGD_PORT", port(t, at.Evaluation))
			t.Setenv("FLAGD_SYNC_PORT", port(t, at.Sync))
			if resolver == "file" {
				t.Setenv("FLAGD_OFFLINE_FLAG_SOURCE_PATH", path)
			}
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			out, in := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- run(ctx, in)
				_ = in.Close()
			}()
			expect(t, out, greeting)
			write(t, path, bytes.Replace(sample, []byte("Willkommen im Laden"), []byte("Willkommen"), 1))
			expect(t, out, afterwards)
			stop()
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
}

// The page shows this program's first lines, and the import that it is about.
func TestReadmeShowsWhatThereIs(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n+\t")
	line, _, _ := strings.Cut(rest, "\n")
	if line == "" || !bytes.Contains(program, []byte("\n\t"+line+"\n")) {
		t.Errorf("the line that the page adds, %q, is not in the program", line)
	}
	if !bytes.Contains(page, []byte("```text\n"+greeting)) {
		t.Errorf("the page does not show what the program prints:\n%s", greeting)
	}
}

func expect(t *testing.T, out io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(out, got)
	if err != nil || string(got) != want {
		t.Fatalf("the program prints (%v)\n%s\nwant\n%s", err, got[:n], want)
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve runs a sidecar on the file at path until the test ends.
func serve(t *testing.T, path string) sidecar.Addresses {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan sidecar.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- sidecar.Run(ctx, sidecar.Config{
			Sources: []source.Source{file.New(path, file.WithInterval(10*time.Millisecond))},
			Ready:   func(a sidecar.Addresses) { ready <- a },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop the sidecar: %v", err)
		}
	})
	select {
	case at := <-ready:
		return at
	case err := <-ended:
		ended <- nil
		t.Fatalf("start the sidecar: %v", err)
	}
	return sidecar.Addresses{}
}
