package e2e_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	evaluationv1grpc "buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v1/evaluationv1grpc"
	evaluationv2grpc "buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evaluationv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/source/natskv"
)

// One flag changed by the command line changes the answer at every door.
func TestOneChangeIsSeenAtEveryDoor(t *testing.T) {
	w := newWorld(t)
	dev, at := w.dev()
	conn, err := grpc.NewClient(at.Evaluation, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	v1, v2 := evaluationv1grpc.NewServiceClient(conn), evaluationv2grpc.NewServiceClient(conn)
	src, err := natskv.New(natskv.Config{Servers: at.NATS, Environment: at.Environment})
	if err != nil {
		t.Fatal(err)
	}
	inProcess := client(t, provider.WithSource(src))
	beside := client(t, provider.WithSidecar(at.Evaluation))

	doors := map[string]func(context.Context) (bool, error){
		"OFREP": func(context.Context) (bool, error) {
			value, err := ofrep(at.OFREP, "new-checkout", "{}")
			return value == "true", err
		},
		"gRPC evaluation.v1": func(ctx context.Context) (bool, error) {
			r, err := v1.ResolveBoolean(ctx, &evaluationv1.ResolveBooleanRequest{FlagKey: "new-checkout"})
			return r.GetValue(), err
		},
		"gRPC evaluation.v2": func(ctx context.Context) (bool, error) {
			r, err := v2.ResolveBoolean(ctx, &evaluationv2.ResolveBooleanRequest{FlagKey: "new-checkout"})
			return r.GetValue(), err
		},
		"provider in-process": inProcess,
		"provider beside":     beside,
	}
	for _, want := range []bool{false, true, false} {
		for name, ask := range doors {
			w.await(fmt.Sprintf("%s to answer %v", name, want), func() error {
				got, err := ask(t.Context())
				if err == nil && got != want {
					err = fmt.Errorf("it answers %v", got)
				}
				return err
			})
		}
		w.must(at.API, "flag", "toggle", "new-checkout", "-m", "to see it happen")
	}
	if err := dev.kill(syscall.SIGINT); err != nil {
		t.Errorf("flagline dev ends on Ctrl-C with %v", err)
	}
}

func client(t *testing.T, opt provider.Option) func(context.Context) (bool, error) {
	t.Helper()
	p, err := provider.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Shutdown(context.Background()) })
	c := api.NewClient()
	return func(ctx context.Context) (bool, error) {
		return c.BooleanValue(ctx, "new-checkout", false, openfeature.EvaluationContext{})
	}
}

// What was published survives a restart, and samples are published once.
func TestDevRemembersWhatWasPublished(t *testing.T) {
	w := newWorld(t)
	dev, at := w.dev()
	w.must(at.API, "flag", "toggle", "new-checkout")
	w.must(at.API, "flag", "delete", "banner")
	if err := dev.kill(syscall.SIGTERM); err != nil {
		t.Errorf("flagline dev ends with %v", err)
	}
	_, at = w.dev()
	w.await("the flag as it was", answers(at.OFREP, "new-checkout", "true"))
	if r := w.cli(at.API, "flag", "get", "banner"); r.code != 3 {
		t.Errorf("a deleted sample flag is back: %d %s", r.code, r.out)
	}
}
