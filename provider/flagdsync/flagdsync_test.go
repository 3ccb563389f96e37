package flagdsync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	flagd "github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/provider/flagdsync"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

func TestWhatComesPieceByPieceIsWholeForFlagd(t *testing.T) {
	src := make(script)
	e := feed(t, flagdsync.New(src))
	rule := `{"variants":{"red":"red","blue":"blue"},"defaultVariant":"red","targeting":{"if":[{"$ref":"ours"},"blue",null]},"metadata":{"owner":"me"}}`
	src.apply(t, true,
		source.Record{Key: "plain", Body: []byte(colors("red"))},
		source.Record{Key: "both", Body: []byte(colors("red"))},
		source.Record{Set: "shop", Key: "both", Body: []byte(colors("blue"))},
		source.Record{Set: "shop", Key: "rule", Body: []byte(rule)},
		source.Record{
			Set: "shop", Settings: true,
			Body: []byte(`{"$evaluators":{"ours":{"==":[{"var":"team"},"blue"]}},"metadata":{"tier":1,"owner":"all"}}`),
		})
	e.color(t, "plain", "red")
	e.color(t, "both", "red")
	metadata := e.color(t, "rule", "blue")
	for name, want := range map[string]any{"flagSetId": "shop", "tier": 1.0, "owner": "me"} {
		if metadata[name] != want {
			t.Errorf("%s of the metadata is %v, want %v", name, metadata[name], want)
		}
	}

	src.apply(t, false, source.Record{Set: "shop", Settings: true, Body: []byte(`{"$evaluators":{"ours":{"==":[{"var":"team"},"red"]}}}`)})
	e.color(t, "rule", "red")
	src.apply(t, false, source.Record{Key: "both"})
	e.color(t, "both", "blue")
	src.apply(t, false, source.Record{Set: "shop", Key: "both"})
	e.color(t, "both", "FLAG_NOT_FOUND")
	e.color(t, "plain", "red")
}

func TestOneSetIsHandedOnAlone(t *testing.T) {
	src := make(script)
	e := feed(t, flagdsync.New(src, flagdsync.WithSet("shop")))
	src.apply(t, true,
		source.Record{Key: "both", Body: []byte(colors("red"))}, source.Record{Key: "plain", Body: []byte(colors("red"))},
		source.Record{Set: "shop", Key: "both", Body: []byte(colors("blue"))})
	e.color(t, "both", "blue")
	e.color(t, "plain", "FLAG_NOT_FOUND")
}

func TestFlagThatDoesNotCompileKeepsItsLastGoodVersionAndTheOthersGoOn(t *testing.T) {
	src := make(script)
	var log bytes.Buffer
	e := feed(t, flagdsync.New(src, flagdsync.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))))
	src.apply(t, true, source.Record{Key: "a", Body: []byte(colors("red"))}, source.Record{Key: "b", Body: []byte(colors("red"))})
	e.color(t, "a", "red")
	rejected := src.apply(t, false,
		source.Record{Key: "a", Body: []byte(`{"variants":7}`)}, source.Record{Key: "b", Body: []byte(colors("blue"))},
		source.Record{Key: "never", Body: []byte(`[]`)})
	if len(rejected) != 2 {
		t.Errorf("the source hears of the rejections %v, want two", rejected)
	}
	e.color(t, "b", "blue")
	e.color(t, "a", "red")
	e.color(t, "never", "FLAG_NOT_FOUND")
	if text := log.String(); !strings.Contains(text, "flag=a") || !strings.Contains(text, "flag=never") {
		t.Errorf("the log says %q", text)
	}
}

func TestSlowReaderHoldsUpNobodyAndGetsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, updates := make(script), make(chan flagd.DataSync)
		run(t, flagdsync.New(src), updates)
		src.apply(t, true)
		for range 1000 {
			src.put(t, "a", "red")
			src.put(t, "a", "blue")
		}
		synctest.Wait()
		for u := range updates {
			if strings.Contains(u.FlagData, `"defaultVariant":"blue"`) {
				break
			}
			t.Errorf("the reader gets %s first, want the newest document alone", u.FlagData)
		}
		src.put(t, "b", "red")
		if u := <-updates; !strings.Contains(u.FlagData, `"a":`) || !strings.Contains(u.FlagData, `"b":`) {
			t.Errorf("the next document is %s, want one of both flags", u.FlagData)
		}
	})
}

func TestDocumentIsSentOnceHoweverOftenItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, updates := make(script), make(chan flagd.DataSync, 10)
		run(t, flagdsync.New(src), updates)
		for range 3 {
			src.apply(t, true, source.Record{Key: "a", Body: []byte(colors("red"))})
			synctest.Wait()
		}
		if len(updates) != 1 {
			t.Errorf("there are %d documents, want 1", len(updates))
		}
	})
}

func TestFlagdIsReadyOnceItHasFlagsEvenIfThereAreNone(t *testing.T) {
	src, updates := make(script), make(chan flagd.DataSync)
	s := flagdsync.New(src, flagdsync.WithURI("nats://flags"))
	run(t, s, updates)
	if s.IsReady() {
		t.Error("it is ready without flags")
	}
	if err := s.ReSync(t.Context(), updates); err == nil || !strings.Contains(err.Error(), "flags of script: none") {
		t.Errorf("ReSync without flags returned %v", err)
	}
	src.apply(t, true)
	if u := <-updates; u.FlagData != `{"flags":{}}` || u.Source != "nats://flags" {
		t.Errorf("the first update is %+v, want an empty document of nats://flags", u)
	}
	src.put(t, "a", "red")
	<-updates // the former is noted by then
	if !s.IsReady() {
		t.Error("it is not ready with flags")
	}

	again := make(chan flagd.DataSync, 1)
	if err := s.ReSync(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if u := <-again; !strings.Contains(u.FlagData, `"a":`) || u.Source != "nats://flags" {
		t.Errorf("ReSync sends %+v", u)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.ReSync(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ReSync that nobody listens to returned %v, want that it was cancelled", err)
	}
}

func TestSourceThatCannotEverSucceedEndsTheSync(t *testing.T) {
	src, lost := make(script), errors.New("the origin is no more")
	ended := make(chan error, 1)
	go func() { ended <- flagdsync.New(src).Sync(t.Context(), nil) }()
	src.apply(t, true) // which nobody takes
	src <- func(source.Sink) error { return lost }
	if err := <-ended; !errors.Is(err, lost) {
		t.Errorf("Sync returned %v, want %v", err, lost)
	}
}

func TestMistakesAreErrorsOfInitAndNothingElsePanics(t *testing.T) {
	for want, s := range map[string]*flagdsync.Sync{
		"the source is nil":              flagdsync.New(nil),
		"the URI is empty":               flagdsync.New(make(script), flagdsync.WithURI("")),
		"flags for flagd from NATS: env": flagdsync.FromNATS(natskv.Config{Servers: "nats://h:1"}),
	} {
		for name, err := range map[string]error{
			"Init": s.Init(t.Context()), "Sync": s.Sync(t.Context(), nil), "ReSync": s.ReSync(t.Context(), nil),
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s returned %v, want an error that says %q", name, err, want)
			}
		}
		if s.IsReady() {
			t.Error("it is ready")
		}
	}
}

func TestSyncRunsAgainAfterItEnded(t *testing.T) {
	src := make(script)
	s := flagdsync.New(src)
	for _, variant := range []string{"red", "blue"} {
		t.Run(variant, func(t *testing.T) {
			updates := make(chan flagd.DataSync)
			run(t, s, updates)
			src.put(t, "a", variant)
			if u := <-updates; !strings.Contains(u.FlagData, fmt.Sprintf(`"defaultVariant":%q`, variant)) {
				t.Errorf("the first document is %s", u.FlagData)
			}
		})
	}
}
