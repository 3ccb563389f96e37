package natsd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/internal/natsd"
)

func config(dir string) natsd.Config {
	return natsd.Config{DataDir: dir, Listen: "127.0.0.1:0", Environments: []string{"dev"}}
}

func start(t *testing.T, cfg natsd.Config) *natsd.Server {
	t.Helper()
	s, err := natsd.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func owner(t *testing.T, s *natsd.Server) jetstream.JetStream {
	t.Helper()
	opt, err := nats.NkeyOptionFromSeed(s.PublisherFile())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(s.URL(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestStreamsAndKeysSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, config(dir))
	if _, err := owner(t, s).CreateStream(t.Context(), jetstream.StreamConfig{Name: "x", Subjects: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := owner(t, start(t, config(dir))).Stream(t.Context(), "x"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestAcknowledgedMeansOnTheDisk(t *testing.T) {
	s := start(t, config(t.TempDir()))
	if !s.SyncsAlways() {
		t.Error("the server acknowledges before it syncs")
	}
}

func TestReadersHaveNoJetStream(t *testing.T) {
	s := start(t, config(t.TempDir()))
	nc, err := nats.Connect(s.URL(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AccountInfo(t.Context()); err == nil {
		t.Error("whoever connects without a credential may use JetStream")
	}
}

func TestTwoServersDoNotShareADirectory(t *testing.T) {
	dir := t.TempDir()
	start(t, config(dir))
	if s, err := natsd.Start(t.Context(), config(dir)); err == nil {
		s.Close()
		t.Error("a second server takes the same directory")
	} else if !strings.Contains(err.Error(), "another process is using it") {
		t.Errorf("error is %v", err)
	}
}

func TestWhatCannotBeServedIsRefused(t *testing.T) {
	taken := strings.TrimPrefix(start(t, config(t.TempDir())).URL(), "nats://")
	bad := t.TempDir()
	if err := os.MkdirAll(filepath.Join(bad, "nats"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, "nats", "publisher.nk"), []byte("no key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*natsd.Config){
		"loopback only":            func(c *natsd.Config) { c.Listen = "0.0.0.0:0" },
		"write it as":              func(c *natsd.Config) { c.Listen = "nonsense" },
		"in use":                   func(c *natsd.Config) { c.Listen = taken },
		`environment "Dev"`:        func(c *natsd.Config) { c.Environments = []string{"Dev"} },
		"remove the file to get a": func(c *natsd.Config) { c.DataDir = bad },
	} {
		cfg := config(t.TempDir())
		change(&cfg)
		s, err := natsd.Start(t.Context(), cfg)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start(%+v) gives %v, want something about %q", cfg, err, want)
		}
	}
}
