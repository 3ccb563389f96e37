package provider_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

// In-process, the provider follows its flags itself, here from a file, and
// answers from memory.
func Example() {
	ctx := context.Background()
	p, err := provider.New(provider.WithFile("testdata/flags.json"))
	if err != nil {
		log.Fatal(err)
	}
	if err := openfeature.SetProviderWithContextAndWait(ctx, p); err != nil {
		log.Print(err) // not the end: it answers as soon as there are flags
	}
	defer openfeature.Shutdown()

	client := openfeature.NewDefaultClient()
	ec := openfeature.NewEvaluationContext("ada", map[string]any{"language": "fr"})
	answer, _ := client.StringValueDetails(ctx, "greeting", "hello", ec)
	fmt.Println(answer.Value, answer.Variant, answer.Reason)
	// Output: good day long TARGETING_MATCH
}

// In sidecar mode the provider asks a sidecar. Without an address that is the
// one at localhost:8013.
func ExampleWithSidecar() {
	ctx := context.Background()
	addresses, stop := runSidecar(ctx)
	defer stop()

	p, err := provider.New(provider.WithSidecar(addresses.Evaluation))
	if err != nil {
		log.Fatal(err)
	}
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(ctx) }()
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		log.Print(err)
	}
	fmt.Println(api.NewClient().String(ctx, "greeting", "hello", openfeature.EvaluationContext{}))
	// Output: hi
}

// In-process, a sidecar or a flagd pushes the flags; evaluations then take place in
// the application.
func ExampleWithSyncStream() {
	ctx := context.Background()
	addresses, stop := runSidecar(ctx)
	defer stop()

	p, err := provider.New(provider.WithSyncStream(addresses.Sync))
	if err != nil {
		log.Fatal(err)
	}
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(ctx) }()
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		log.Print(err)
	}
	ec := openfeature.NewEvaluationContext("ada", map[string]any{"language": "fr"})
	fmt.Println(api.NewClient().String(ctx, "greeting", "hello", ec))
	// Output: good day
}

// What may be kept is asked for once, until its flag changes.
func ExampleProvider_Stats() {
	ctx := context.Background()
	addresses, stop := runSidecar(ctx)
	defer stop()

	p, err := provider.New(provider.WithSidecar(addresses.Evaluation))
	if err != nil {
		log.Fatal(err)
	}
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(ctx) }()
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		log.Print(err)
	}
	client := api.NewClient()
	for _, language := range []string{"fr", "fr", "de", "fr"} {
		ec := openfeature.NewEvaluationContext("ada", map[string]any{"language": language})
		answer, _ := client.StringValueDetails(ctx, "greeting", "hello", ec)
		fmt.Println(answer.Value, answer.Reason)
	}
	fmt.Println(p.Stats().Calls, "questions went out")
	// Output:
	// good day TARGETING_MATCH
	// good day CACHED
	// hi DEFAULT
	// good day CACHED
	// 2 questions went out
}

// A handle asks for one flag many times, without what the OpenFeature SDK does
// for each evaluation.
func ExampleProvider_StringHandle() {
	p, err := provider.New(provider.WithFile("testdata/flags.json"))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := p.InitWithContext(ctx, openfeature.EvaluationContext{}); err != nil {
		log.Print(err)
	}
	defer p.Shutdown()

	greeting := p.StringHandle("greeting", "hello")
	for _, language := range []string{"en", "fr"} {
		fmt.Println(greeting.Value(ctx, map[string]any{"targetingKey": "ada", "language": language}))
	}
	// Output:
	// hi
	// good day
}

// The environment says where flags come from, where no option does.
func ExampleNew() {
	_ = os.Setenv("FLAGD_RESOLVER", "file")
	_ = os.Setenv("FLAGD_OFFLINE_FLAG_SOURCE_PATH", "testdata/flags.json")
	defer func() {
		_ = os.Unsetenv("FLAGD_RESOLVER")
		_ = os.Unsetenv("FLAGD_OFFLINE_FLAG_SOURCE_PATH")
	}()

	p, err := provider.New()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(ctx) }()
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		log.Print(err)
	}
	fmt.Println(api.NewClient().String(ctx, "greeting", "hello", openfeature.EvaluationContext{}))
	// Output: hi
}

// Sources are laid over each other: where two have the same flag, the later
// one answers.
func ExampleWithSource() {
	p, err := provider.New(
		provider.WithFile("testdata/flags.json"),
		provider.WithSource(file.New("testdata/overrides.yaml")),
	)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(ctx) }()
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		log.Print(err)
	}
	client := api.NewClient()
	fmt.Println(client.Boolean(ctx, "new-checkout", false, openfeature.EvaluationContext{}))
	fmt.Println(client.String(ctx, "greeting", "hello", openfeature.EvaluationContext{}))
	// Output:
	// true
	// hi
}

func ExampleNew_badOptions() {
	_, err := provider.New(provider.WithSidecar("localhost"), provider.WithDeadline(0))
	fmt.Println(err)
	// Output:
	// sidecar address "localhost": write host:port, unix:PATH, or a target as gRPC has it, such as dns:///host:port or envoy://host:port/service
	// deadline 0s: it must be positive
}

// runSidecar runs a sidecar over testdata/flags.json, and returns where it listens
// once it has the flags.
func runSidecar(ctx context.Context) (addresses sidecar.Addresses, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	flags := loaded{Source: file.New("testdata/flags.json"), done: make(chan struct{}, 1)}
	ready, end := make(chan sidecar.Addresses, 1), make(chan error, 1)
	go func() {
		end <- sidecar.Run(ctx, sidecar.Config{
			Sources: []source.Source{flags},
			Ready:   func(a sidecar.Addresses) { ready <- a },
		})
	}()
	addresses = <-ready
	<-flags.done
	return addresses, func() {
		cancel()
		if err := <-end; err != nil {
			log.Print(err)
		}
	}
}

// A loaded source says when its flags have been delivered.
type loaded struct {
	source.Source
	done chan struct{}
}

func (l loaded) Watch(ctx context.Context, sink source.Sink) error {
	return l.Source.Watch(ctx, loadedSink{sink, l.done})
}

type loadedSink struct {
	source.Sink
	done chan struct{}
}

func (s loadedSink) Apply(u source.Update) []source.Rejection {
	rejected := s.Sink.Apply(u)
	select {
	case s.done <- struct{}{}:
	default:
	}
	return rejected
}
