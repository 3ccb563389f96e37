package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/examples"
	"github.com/flagline/flagline/internal/atomicfile"
	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/internal/handover"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

// defaultEnvironment is made when there is none and nobody names one.
const defaultEnvironment = "dev"

// A workbench is what `flagline dev` runs: everything, in one process, on
// loopback.
type workbench struct {
	dataDir     string
	listen      string // the API
	natsListen  string
	natsURL     string // "" runs a NATS server of its own
	credentials string
	environment string
	noSamples   bool
	noSidecar   bool
	bind        string
	port        int // evaluation
	management  int
	sync        int
	ofrep       int
	readyFile   string
	logger      *slog.Logger
	out         io.Writer // what a person reads; nil prints nothing
}

// An address book is where everything listens, as written to the ready file.
type addressBook struct {
	API         string `json:"api"`
	NATS        string `json:"nats"`
	Evaluation  string `json:"evaluation"`
	Management  string `json:"management"`
	Sync        string `json:"sync"`
	OFREP       string `json:"ofrep"`
	Environment string `json:"environment"`
	AdminToken  string `json:"adminToken"`
}

// run works until ctx is done, then ends what it started in the reverse order.
func (w *workbench) run(ctx context.Context) error {
	if err := w.check(); err != nil {
		return err
	}
	defer func() {
		if w.readyFile != "" {
			_ = os.Remove(w.readyFile) // there may be none yet
		}
	}()
	book := addressBook{NATS: w.natsURL, Environment: w.environment}
	if w.natsURL == "" {
		server, forget, err := startNATS(ctx, w.dataDir, w.natsListen, []string{w.environment}, w.logger)
		if err != nil {
			return err
		}
		defer server.Close()
		defer forget()
		book.NATS = server.URL()
	}

	src, err := w.source(book.NATS)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	api := make(chan struct{}) // closed once the API answers
	plane := &controlPlane{
		natsURL: book.NATS, credentials: w.credentials, listen: w.listen, dataDir: w.dataDir,
		environments: []string{w.environment}, logger: w.logger,
		ready: func(url, token string, ledgers map[string]*ledger.Ledger) error {
			book.API, book.AdminToken = url, token
			defer close(api)
			if w.noSamples {
				return nil
			}
			return publishSamples(ctx, ledgers[w.environment])
		},
	}
	g.Go(func() error { return plane.run(ctx) })

	listening := make(chan sidecar.Addresses, 1)
	if w.noSidecar {
		listening <- sidecar.Addresses{}
	} else {
		g.Go(func() error {
			if w.natsURL == "" {
				select { // there is nothing to follow before
				case <-ctx.Done():
					return nil
				case <-api:
				}
			}
			return sidecar.Run(ctx, sidecar.Config{
				Sources: []source.Source{src}, Instance: src.Instance(), Environment: w.environment,
				Evaluation: w.door(w.port), Management: w.door(w.management), OFREP: w.door(w.ofrep), Sync: w.door(w.sync),
				Version: version(),
				Ready:   func(a sidecar.Addresses) { listening <- a },
				Logger:  w.logger,
			})
		})
	}

	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-api:
		}
		select {
		case <-ctx.Done():
			return nil
		case a := <-listening:
			book.Evaluation, book.Management, book.Sync, book.OFREP = a.Evaluation, a.Management, a.Sync, a.OFREP
		}
		if !w.noSidecar && !awaitReady(ctx, "http://"+book.Management+"/readyz") {
			return nil
		}
		return w.announce(book)
	})
	return g.Wait()
}

// check refuses what would open the workbench to others, and removes the ready
// file of an earlier run, whose addresses are dead.
func (w *workbench) check() error {
	for setting, address := range map[string]string{"listen": w.listen, "bind": net.JoinHostPort(w.bind, "0")} {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return usage("--%s %s: write it as 127.0.0.1:8080", setting, address)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return usage("--%s %s: \"flagline dev\" listens on loopback only; run \"flagline serve\" and \"flagline-sidecar start\" for more", setting, host)
		}
	}
	if err := os.Remove(w.readyFile); w.readyFile != "" && err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("ready file: %w", err)
	}
	return nil
}

// source is where the workbench's sidecar gets its flags.
func (w *workbench) source(servers string) (*natskv.Source, error) {
	src, err := natskv.New(natskv.Config{
		Servers: servers, Environment: w.environment, Instance: "flagline-dev", Service: "flagline dev",
		Version: version(), SnapshotDir: filepath.Join(w.dataDir, "snapshots"), Logger: w.logger,
	})
	if err != nil {
		return nil, usage("%v", err)
	}
	return src, nil
}

// door returns a door of the sidecar.
func (w *workbench) door(port int) sidecar.Door {
	return sidecar.Door{Address: net.JoinHostPort(w.bind, fmt.Sprint(port))}
}

// startNATS runs a NATS server and leaves its owner's credential where a
// control plane of the same user finds it.
func startNATS(ctx context.Context, dataDir, listen string, environments []string, logger *slog.Logger) (*natsd.Server, func(), error) {
	server, err := natsd.Start(ctx, natsd.Config{DataDir: dataDir, Listen: listen, Environments: environments, Logger: logger})
	if err != nil {
		return nil, nil, err
	}
	seed, err := os.ReadFile(server.PublisherFile())
	if err != nil {
		server.Close()
		return nil, nil, fmt.Errorf("nats server: %w", err)
	}
	forget, err := handover.Leave("nats", strings.TrimPrefix(server.URL(), "nats://"), seed)
	if err != nil {
		logger.Warn("leave no credential for control planes", "err", err)
		forget = func() {}
	}
	return server, forget, nil
}

// publishSamples makes the first change of an environment that has none yet.
func publishSamples(ctx context.Context, l *ledger.Ledger) error {
	if l.State().Generation() > 1 {
		return nil
	}
	doc, err := flagdoc.Parse(examples.Flags)
	if err != nil {
		return fmt.Errorf("sample flags: %w", err)
	}
	_, err = l.Commit(ctx, admin.Draft{
		Author: "flagline dev", Reason: "sample flags to begin with",
		Plan: func(admin.State) (edits []admin.Edit, err error) {
			for _, r := range doc.Records() {
				edits = append(edits, admin.Edit{Set: r.Set, Key: r.Key, Settings: r.Settings, Body: r.Body})
			}
			return edits, nil
		},
	})
	if err != nil {
		return fmt.Errorf("sample flags: %w", err)
	}
	return nil
}

// awaitReady polls until url answers 200. It is false if ctx ends first.
func awaitReady(ctx context.Context, url string) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil); err == nil {
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					return true
				}
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// announce says that everything is ready: in the ready file, and to a person.
func (w *workbench) announce(book addressBook) error {
	if w.readyFile != "" {
		if err := writeReadyFile(w.readyFile, book); err != nil {
			return err
		}
	}
	if w.out == nil {
		return nil
	}
	_, err := io.WriteString(w.out, w.welcome(book))
	return err
}

func (w *workbench) welcome(book addressBook) string {
	me := "flagline"
	if strings.ContainsRune(os.Args[0], filepath.Separator) && !strings.Contains(os.Args[0], os.TempDir()) {
		me = os.Args[0]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nFlagline is ready. Flags and keys are in %s; Ctrl-C ends it.\n\n", w.dataDir)
	fmt.Fprintf(&b, "  API         %s\n  NATS        %s (environment %s)\n", book.API, book.NATS, book.Environment)
	if !w.noSidecar {
		fmt.Fprintf(&b, "  evaluation  %s (gRPC and Connect)\n  flag sync   %s (gRPC and Connect)\n"+
			"  OFREP       http://%s\n  management  http://%s\n",
			book.Evaluation, book.Sync, book.OFREP, book.Management)
	}
	fmt.Fprintf(&b, "\nTry this in another terminal:\n\n  %s flag list\n  %s flag toggle new-checkout -m \"see it happen\"\n", me, me)
	if !w.noSidecar {
		fmt.Fprintf(&b, "  curl -s -X POST http://%s/ofrep/v1/evaluate/flags/new-checkout\n", book.OFREP)
	}
	fmt.Fprintf(&b, "  %s flag history new-checkout\n  go run ./examples/checkout\n\n", me)
	return b.String()
}

// writeReadyFile writes what book holds, a token among it, for the owner alone.
// Whoever waits for the file sees it whole.
func writeReadyFile(path string, book addressBook) error {
	data, err := json.Marshal(book)
	if err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	if err := atomicfile.Write(path, append(data, '\n')); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	return nil
}

// nkeyFromSeed authenticates with the seed of a user's NKey.
func nkeyFromSeed(seed []byte) (nats.Option, error) {
	pair, err := parseSeed(seed)
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	return nats.Nkey(public, pair.Sign), nil
}
