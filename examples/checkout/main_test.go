package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// open runs the shop and returns its address.
func open(t *testing.T, args ...string) string {
	t.Helper()
	o, err := parse(append(args, "-listen", "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	opened, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, o, slog.New(slog.DiscardHandler), func(addr string) { opened <- addr })
	}()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("close the shop: %v", err)
		}
	})
	select {
	case addr := <-opened:
		return addr
	case err := <-ended:
		ended <- nil
		t.Fatalf("open the shop: %v", err)
	}
	return ""
}

// visit returns what the shop at addr decides for a visitor.
func visit(t *testing.T, addr string, visitor url.Values) map[string]decision {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/?"+visitor.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var page map[string]decision
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	return page
}

// awaits visits until the shop decides on flag as wanted.
func awaits(t *testing.T, addr, flag string, want any) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); visit(t, addr, nil)[flag].Value != want; {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("%s did not become %v", flag, want)
		}
	}
}

// samples copies the sample flags to where a test may change them.
func samples(t *testing.T) (path string) {
	t.Helper()
	data, err := os.ReadFile("flags.json")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// toggle switches new-checkout on in the file at path.
func toggle(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(data), `"new-checkout": {`)
	if !ok {
		t.Fatal("there is no new-checkout")
	}
	after = strings.Replace(after, `"defaultVariant": "off"`, `"defaultVariant": "on"`, 1)
	if err := os.WriteFile(path, []byte(before+`"new-checkout": {`+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, path string) (addr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan sidecar.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- sidecar.Run(ctx, sidecar.Config{
			Sources: []source.Source{file.New(path)},
			Ready:   func(a sidecar.Addresses) { ready <- a },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop the sidecar: %v", err)
		}
	})
	return (<-ready).Evaluation
}

func TestShopDecidesByTheSampleFlagsInEachMode(t *testing.T) {
	path := samples(t)
	for mode, args := range map[string][]string{
		"sidecar":    {"-sidecar", serve(t, path)},
		"in-process": {"-mode", "in-process", "-flags", path},
	} {
		t.Run(mode, func(t *testing.T) {
			addr := open(t, args...)
			awaits(t, addr, "max-items", 50.0) // the flags are there
			stranger := visit(t, addr, url.Values{"user": {"bob"}, "country": {"IT"}})
			vip := visit(t, addr, url.Values{"user": {"ada"}, "country": {"DE"}, "email": {"ada@vip.example.com"}})
			for _, row := range []struct {
				page map[string]decision
				flag string
				want string
			}{
				{stranger, "new-checkout", `{"value":false,"variant":"off","reason":"STATIC"}`},
				{stranger, "banner", `{"value":"Welcome to the shop","variant":"welcome","reason":"DEFAULT"}`},
				{stranger, "checkout-algorithm", `{"value":"classic","variant":"classic","reason":"TARGETING_MATCH"}`},
				{stranger, "max-items", `{"value":50,"variant":"normal","reason":"STATIC"}`},
				{stranger, "pricing", `{"value":{"currency":"EUR","discount":0,"freeShippingFrom":50},"variant":"standard","reason":"STATIC"}`},
				{stranger, "vip-support", `{"value":false,"variant":"off","reason":"DEFAULT"}`},
				{vip, "banner", `{"value":"Willkommen im Laden","variant":"willkommen","reason":"TARGETING_MATCH"}`},
				{vip, "vip-support", `{"value":true,"variant":"on","reason":"TARGETING_MATCH"}`},
			} {
				got := row.page[row.flag]
				var want decision
				if err := json.Unmarshal([]byte(row.want), &want); err != nil {
					t.Fatal(err)
				}
				if mode == "sidecar" && got.Reason == "CACHED" {
					got.Reason = want.Reason // somebody has asked before
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s = %+v, want %s", row.flag, got, row.want)
				}
			}
		})
	}
}

func TestOpenShopFollowsAChange(t *testing.T) {
	for _, mode := range []string{"sidecar", "in-process"} {
		t.Run(mode, func(t *testing.T) {
			path := samples(t)
			args := []string{"-mode", "in-process", "-flags", path}
			if mode == "sidecar" {
				args = []string{"-sidecar", serve(t, path)}
			}
			addr := open(t, args...)
			awaits(t, addr, "new-checkout", false)
			toggle(t, path)
			awaits(t, addr, "new-checkout", true)
		})
	}
}

func TestRolloutReachesAboutATenthOfTheUsers(t *testing.T) {
	addr := open(t, "-mode", "in-process", "-flags", samples(t))
	fast := 0
	for i := range 500 {
		user := url.Values{"user": {fmt.Sprint("user-", i)}}
		if visit(t, addr, user)["checkout-algorithm"].Value == "fast" {
			fast++
		}
	}
	if fast < 25 || fast > 75 {
		t.Errorf("%d of 500 users have the new algorithm, want about 50", fast)
	}
}

func TestShopOpensWithoutFlags(t *testing.T) {
	addr := open(t, "-mode", "in-process", "-flags", filepath.Join(t.TempDir(), "none.json"))
	page := visit(t, addr, url.Values{"user": {"ada"}})
	if d := page["max-items"]; d.Value != 10.0 || d.Error != "PROVIDER_NOT_READY" {
		t.Errorf("max-items = %v (%s), want the default 10 and PROVIDER_NOT_READY", d.Value, d.Error)
	}
}

func TestUnknownModeIsRefused(t *testing.T) {
	o, err := parse([]string{"-mode", "carrier-pigeon"})
	if err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), o, slog.New(slog.DiscardHandler), func(string) {})
	if err == nil || !strings.Contains(err.Error(), `"carrier-pigeon"`) {
		t.Errorf("run returned %v, want an error that names the mode", err)
	}
}
