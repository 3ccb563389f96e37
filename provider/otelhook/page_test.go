package otelhook_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/otelhook"
)

// page is docs/observing-evaluations.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "observing-evaluations.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// names are the metrics of this package, and the attributes of its events
// that are named after it.
func names(t *testing.T) []string {
	t.Helper()
	m := newMeter(t)
	flags := shop(t, metricsHook(t, m), otelhook.Traces(otelhook.WithContextID(nil)))
	p, err := provider.New(provider.WithoutEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := otelhook.Observe(m, p); err != nil {
		t.Fatal(err)
	}
	if _, err := otelhook.ObserveState(m, isolated.NewAPI().NewClient()); err != nil {
		t.Fatal(err)
	}
	all := []string{otelhook.EventName}
	for _, e := range evaluations {
		for _, event := range traced(t, func(ctx context.Context) { e.ask(ctx, flags.Client()) }) {
			for _, kv := range event.Attributes {
				all = append(all, string(kv.Key))
			}
		}
	}
	for _, line := range m.collect(t) {
		name, _, _ := strings.Cut(line, " ")
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var named = regexp.MustCompile("`((?:feature_flag|flagline|error)\\.[a-z_.]+)`")

func TestPageNamesAllThatIsToldAndNothingElse(t *testing.T) {
	text := page(t)
	known := names(t)
	for _, name := range known {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the page does not name %s", name)
		}
	}
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if m[1] != "feature_flag.evaluation_active_count" && !slices.Contains(known, m[1]) {
			t.Errorf("the page names %s, which there is not", m[1])
		}
	}
}

func TestPageNamesAllThatIsExported(t *testing.T) {
	text := page(t)
	for _, dir := range []string{".", filepath.Join("..", "sloghook")} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.IsExported() && !strings.Contains(text, fn.Name.Name) {
					t.Errorf("the page does not name %s", fn.Name.Name)
				}
			}
		}
	}
}

func TestProviderItselfDoesNotLinkOpenTelemetry(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "..").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		if strings.HasPrefix(dep, "go.opentelemetry.io/") {
			t.Errorf("package provider links %s", strings.TrimSpace(dep))
		}
	}
}
