package flagtest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"

	"github.com/flagline/flagline/provider/flagtest"
)

// shop is as applications are: its client is of the global API, and it asks
// in goroutines of its own.
func shop() http.Handler {
	client := openfeature.NewClient("shop")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, answer := r.Context(), make(chan string)
		go func() { answer <- client.String(ctx, "greeting", "none", nobody) }()
		fmt.Fprint(w, <-answer)
	})
}

func TestParallelTestsOfTheGlobalAPIDoNotSeeEachOther(t *testing.T) {
	handler := shop()
	for i := range 16 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			flags := flagtest.New(t)
			server := httptest.NewUnstartedServer(handler)
			ctx := flags.Context(t.Context())
			server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
			server.Start()
			defer server.Close()
			defer server.Client().CloseIdleConnections()
			for n := range 20 {
				want := fmt.Sprintf("test %d, time %d", i, n)
				flags.Set("greeting", want)
				if got := get(t, server); got != want {
					t.Fatalf("the server says %q, want %q", got, want)
				}
			}
			if n := len(flags.Asked("greeting")); n != 20 {
				t.Errorf("the flags were asked %d times, want 20", n)
			}
		})
	}
}

func get(t *testing.T, server *httptest.Server) string {
	t.Helper()
	r, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestEachTypeIsAskedThroughTheGlobalAPI(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	flags.Set("bool", true)
	flags.Set("string", "hi")
	flags.Set("int", 7)
	flags.Set("float", 2.5)
	flags.Set("object", map[string]any{"width": 7})
	ctx := flags.Context(t.Context())
	client := openfeature.NewDefaultClient()
	got := fmt.Sprintln(
		client.Boolean(ctx, "bool", false, nobody), client.String(ctx, "string", "", nobody), client.Int(ctx, "int", 0, nobody),
		client.Float(ctx, "float", 0, nobody), client.Object(ctx, "object", nil, nobody))
	if want := "true hi 7 2.5 map[width:7]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	client.Track(ctx, "bought", nobody, openfeature.NewTrackingEventDetails(1))
	if len(flags.Tracked("bought")) != 1 {
		t.Error("the event was not remembered")
	}
}

func TestContextCarriesTheFlagsIntoABubble(t *testing.T) {
	flagtest.New(t).Context(t.Context()) // so that the provider is not of the bubble
	synctest.Test(t, func(t *testing.T) {
		flags := flagtest.New(t)
		flags.Set("a", true)
		if !openfeature.NewDefaultClient().Boolean(flags.Context(t.Context()), "a", false, nobody) {
			t.Error("the flag does not answer")
		}
	})
}

func TestQuestionOutsideOfTheContextSaysSo(t *testing.T) {
	flagtest.New(t).Context(t.Context())
	client := openfeature.NewDefaultClient()
	for range 3 {
		d, err := client.StringValueDetails(t.Context(), "stray", "mine", nobody)
		if err == nil || d.Value != "mine" || !strings.Contains(d.ErrorMessage, `flag "stray": its context carries no test's flags`) {
			t.Errorf("got %q, %v", d.Value, err)
		}
	}
	client.Track(t.Context(), "stray", nobody, openfeature.NewTrackingEventDetails(1)) // goes nowhere
}

func TestSetGlobalAnswersWhoeverAsksUntilTheTestEnds(t *testing.T) {
	openfeature.Shutdown() // forgets the provider of other tests
	client := openfeature.NewClient("shop")
	answer := func(ctx context.Context) string {
		d, err := client.StringValueDetails(ctx, "greeting", "none", nobody)
		if err != nil {
			return d.ErrorMessage
		}
		return d.Value
	}
	const stray = `flag "greeting": its context carries no test's flags: hand the one of Flags.Context to the code under test`
	use := func(t *testing.T) {
		flags, other := flagtest.New(t), flagtest.New(t)
		flags.SetGlobal()
		flags.Set("greeting", "hi")
		other.Set("greeting", "ho")
		if got := answer(context.Background()); got != "hi" {
			t.Errorf("without a context of flags: %q", got)
		}
		if got := answer(other.Context(t.Context())); got != "ho" {
			t.Errorf("in the context of others: %q", got)
		}
	}
	t.Run("where no provider was", use)
	if got := openfeature.ProviderMetadata().Name; got != "NoopProvider" {
		t.Errorf("after the test the provider is %s, want none", got)
	}
	flags := flagtest.New(t)
	flags.Set("greeting", "again")
	if got := answer(flags.Context(t.Context())); got != "again" {
		t.Errorf("after the test, in a context: %q", got)
	}
	t.Run("among tests with contexts", use)
	if got := answer(context.Background()); got != stray {
		t.Errorf("after the test: %q, want %q", got, stray)
	}
	if got := answer(flags.Context(t.Context())); got != "again" {
		t.Errorf("after the test, in a context of before: %q", got)
	}
}

func TestSetGlobalRefusesParallelTests(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("SetGlobal of a parallel test did not panic")
		}
	}()
	flagtest.New(t).SetGlobal()
}

func TestForeignGlobalProviderIsLeftAlone(t *testing.T) {
	defer openfeature.Shutdown() // forgets all providers
	if err := openfeature.SetProviderAndWait(memprovider.NewInMemoryProvider(nil)); err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func(*flagtest.Flags){
		"Context":   func(f *flagtest.Flags) { f.Context(t.Context()) },
		"SetGlobal": (*flagtest.Flags).SetGlobal,
	} {
		failed := &failure{TB: t}
		use(flagtest.New(failed))
		if want := `the global OpenFeature API has the provider "InMemoryProvider"`; !strings.Contains(failed.text, want) {
			t.Errorf("%s: the test fails with %q, want %q", name, failed.text, want)
		}
	}
	if name := openfeature.ProviderMetadata().Name; name != "InMemoryProvider" {
		t.Errorf("the provider is now %s", name)
	}
}

// Whether something is said on standard error, only another process can see.
func TestStrayQuestionIsToldOnceForEachFlag(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestQuestionOutsideOfTheContextSaysSo$")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	want := "flagtest: flag \"stray\": its context carries no test's flags: hand the one of Flags.Context to the code under test\n"
	if said.String() != want {
		t.Errorf("standard error has %q, want %q", said.String(), want)
	}
}

func TestPackageDoesNotLinkTesting(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		if strings.TrimSpace(dep) == "testing" {
			t.Error("the package links package testing")
		}
	}
}
