package otelhook_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"

	"github.com/flagline/flagline/provider/otelhook"
)

// evaluations are one of each kind, and what is to be told of it.
var evaluations = []struct {
	name string
	ask  func(ctx context.Context, c *openfeature.Client)
	want string
}{
	{
		"static", func(ctx context.Context, c *openfeature.Client) { c.Boolean(ctx, "new-checkout", false, ada) },
		"feature_flag.key=new-checkout feature_flag.provider.name=flagline feature_flag.result.reason=static " +
			"feature_flag.result.variant=on feature_flag.set.id=shop feature_flag.version=8",
	},
	{
		"targeted", func(ctx context.Context, c *openfeature.Client) { c.String(ctx, "greeting", "", ada) },
		"feature_flag.key=greeting feature_flag.provider.name=flagline feature_flag.result.reason=targeting_match " +
			"feature_flag.result.variant=long feature_flag.set.id=shop feature_flag.version=7",
	},
	{
		"default", func(ctx context.Context, c *openfeature.Client) { c.String(ctx, "greeting", "", nobody) },
		"feature_flag.key=greeting feature_flag.provider.name=flagline feature_flag.result.reason=default " +
			"feature_flag.result.variant=short feature_flag.set.id=shop feature_flag.version=7",
	},
	{
		"disabled", func(ctx context.Context, c *openfeature.Client) { c.Int(ctx, "limit", 3, nobody) },
		"feature_flag.key=limit feature_flag.provider.name=flagline feature_flag.result.reason=disabled " +
			"feature_flag.result.value=3 feature_flag.set.id=shop feature_flag.version=7",
	},
	{
		"unknown", func(ctx context.Context, c *openfeature.Client) { c.Boolean(ctx, "gone", true, ada) },
		"error.type=flag_not_found feature_flag.error.message=flag \"gone\": there is no such flag feature_flag.key=gone " +
			"feature_flag.provider.name=flagline feature_flag.result.reason=error feature_flag.result.value=true",
	},
	{
		"mismatch", func(ctx context.Context, c *openfeature.Client) {
			c.Object(ctx, "greeting", map[string]any{"a": 1}, nobody)
		},
		"error.type=type_mismatch feature_flag.error.message=flag \"greeting\": variant \"short\" is a string, not an object " +
			"feature_flag.key=greeting feature_flag.provider.name=flagline feature_flag.result.reason=error " +
			"feature_flag.result.value={\"a\":1} feature_flag.set.id=shop feature_flag.version=7",
	},
}

func TestSpansTellOfEvaluations(t *testing.T) {
	client := shop(t, otelhook.Traces()).Client()
	for _, e := range evaluations {
		t.Run(e.name, func(t *testing.T) {
			events := traced(t, func(ctx context.Context) { e.ask(ctx, client) })
			if len(events) != 1 || events[0].Name != "feature_flag.evaluation" {
				t.Fatalf("events %v, want one evaluation", events)
			}
			if got := written(events[0].Attributes); got != e.want {
				t.Errorf("the event has\n%s\nwant\n%s", got, e.want)
			}
		})
	}
}

func TestLogsTellOfEvaluations(t *testing.T) {
	var notes notebook
	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(&notes)))
	client := shop(t, otelhook.Logs(lp)).Client()
	for i, e := range evaluations {
		t.Run(e.name, func(t *testing.T) {
			var span trace.SpanContext
			traced(t, func(ctx context.Context) {
				span = trace.SpanContextFromContext(ctx)
				e.ask(ctx, client)
			})
			if len(notes.records) != i+1 {
				t.Fatalf("there are %d records, want %d", len(notes.records), i+1)
			}
			r := notes.records[i]
			want := "feature_flag.evaluation INFO " + e.want
			if strings.HasPrefix(e.want, "error.type") {
				want = "feature_flag.evaluation WARN " + e.want
			}
			if got := told(r); got != want {
				t.Errorf("the record is\n%s\nwant\n%s", got, want)
			}
			if r.SpanID() != span.SpanID() || r.TraceID() != span.TraceID() {
				t.Error("the record does not belong to the span of the request")
			}
			if r.Timestamp().IsZero() {
				t.Error("the record has no time")
			}
			if s := r.InstrumentationScope().Name; s != "github.com/flagline/flagline/provider/otelhook" {
				t.Errorf("the scope is %q", s)
			}
		})
	}
}

// warnings want nothing below WARN.
type warnings struct{ sdklog.Processor }

func (warnings) Enabled(_ context.Context, p sdklog.EnabledParameters) bool {
	return p.Severity >= log.SeverityWarn && p.EventName == otelhook.EventName
}

func TestLoggerDecidesWhatIsWritten(t *testing.T) {
	var notes notebook
	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(warnings{sdklog.NewSimpleProcessor(&notes)}))
	client := shop(t, otelhook.Logs(lp)).Client()
	for _, e := range evaluations {
		e.ask(t.Context(), client)
	}
	if len(notes.records) != 2 {
		t.Errorf("there are %d records, want those of the 2 failures", len(notes.records))
	}
}

func TestOptionsChangeWhatIsTold(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []otelhook.Option
		added   []string
		removed []string
	}{
		{"context id", []otelhook.Option{otelhook.WithContextID(nil)}, []string{"feature_flag.context.id=ada"}, nil},
		{
			"context id, hidden",
			[]otelhook.Option{otelhook.WithContextID(func(id string) string { return strings.Repeat("*", len(id)) })},
			[]string{"feature_flag.context.id=***"},
			nil,
		},
		{
			"context id, withheld",
			[]otelhook.Option{otelhook.WithContextID(func(string) string { return "" })},
			nil, nil,
		},
		{"value", []otelhook.Option{otelhook.WithValue()}, []string{"feature_flag.result.value=true"}, nil},
		{"metadata", []otelhook.Option{otelhook.WithMetadata("team", "absent")}, []string{"team=payments"}, nil},
		{
			"attributes",
			[]otelhook.Option{otelhook.WithAttributes(func(hc openfeature.HookContext, d openfeature.InterfaceEvaluationDetails) []attribute.KeyValue {
				return []attribute.KeyValue{attribute.String("app.flag", hc.FlagKey()+" "+d.Variant)}
			})},
			[]string{"app.flag=new-checkout on"},
			nil,
		},
		{
			"without",
			[]otelhook.Option{
				otelhook.WithMetadata("team"),
				otelhook.WithoutAttributes("feature_flag.version", "team", "feature_flag.provider.name"),
			},
			nil,
			[]string{"feature_flag.version=8", "feature_flag.provider.name=flagline"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := shop(t, otelhook.Traces(c.options...)).Client()
			events := traced(t, func(ctx context.Context) { evaluations[0].ask(ctx, client) })
			want := slices.DeleteFunc(append(strings.Fields(evaluations[0].want), c.added...), func(s string) bool {
				return slices.Contains(c.removed, s)
			})
			slices.Sort(want)
			if got := written(events[0].Attributes); got != strings.Join(want, " ") {
				t.Errorf("the event has\n%s\nwant\n%s", got, strings.Join(want, " "))
			}
		})
	}
}

func TestMetadataMayNameTheContext(t *testing.T) {
	flags := shop(t, otelhook.Traces(otelhook.WithContextID(nil)))
	flags.SetJSON("new-checkout", `{
		"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"contextId": "cohort-3"}
	}`)
	events := traced(t, func(ctx context.Context) { evaluations[0].ask(ctx, flags.Client()) })
	if got := written(events[0].Attributes); !strings.Contains(got, "feature_flag.context.id=cohort-3 ") {
		t.Errorf("the event has %s", got)
	}
}

// A failing hook is one of somebody else's.
type failing struct {
	openfeature.UnimplementedHook

	before, after error
}

func (h failing) Before(context.Context, openfeature.HookContext, openfeature.HookHints) (*openfeature.EvaluationContext, error) {
	return nil, h.before
}

func (h failing) After(context.Context, openfeature.HookContext, openfeature.InterfaceEvaluationDetails, openfeature.HookHints) error {
	return h.after
}

func TestReasonOfAProviderWithoutOneIsUnknown(t *testing.T) {
	flags := shop(t, otelhook.Traces(), failing{before: errors.New("no")})
	events := traced(t, func(ctx context.Context) { evaluations[0].ask(ctx, flags.Client()) })
	want := "feature_flag.key=new-checkout feature_flag.provider.name=flagline feature_flag.result.reason=unknown feature_flag.result.value=false"
	if got := written(events[0].Attributes); got != want {
		t.Errorf("the event has\n%s\nwant\n%s", got, want)
	}
}

func TestSpanThatNobodyRecordsCostsNothing(t *testing.T) {
	hook := otelhook.Traces()
	hc := openfeature.NewHookContext("new-checkout", openfeature.Boolean, false, openfeature.NewClientMetadata(""),
		openfeature.Metadata{Name: "flagline"}, ada)
	var d openfeature.InterfaceEvaluationDetails
	for name, ctx := range map[string]context.Context{"no span": t.Context(), "not recorded": recordless(t.Context())} {
		if n := testing.AllocsPerRun(100, func() { hook.Finally(ctx, hc, d, openfeature.HookHints{}) }); n != 0 {
			t.Errorf("%s: the hook allocates %v times", name, n)
		}
	}
}
