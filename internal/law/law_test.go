package law_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestProviderLinksNeitherNATSNorKubernetesNorTheServers(t *testing.T) {
	unwanted := []string{
		"github.com/nats-io", "github.com/synadia-io", "k8s.io", "sigs.k8s.io",
		module + "/admin", module + "/cmd", module + "/sidecar", module + "/source/natskv", module + "/internal/natsd",
	}
	for _, p := range packages(t) {
		if p.room() != "provider" {
			continue
		}
		for _, dep := range p.Deps {
			if slices.ContainsFunc(unwanted, func(path string) bool { return within(path, dep) }) {
				t.Errorf("an application that imports provider links %s", dep)
			}
		}
	}
}

func TestSidecarProgramLinksNoWayToPublish(t *testing.T) {
	for _, p := range packages(t) {
		if p.room() != "cmd/flagline-sidecar" && p.room() != "examples/checkout" {
			continue
		}
		for _, dep := range p.Deps {
			if within(module+"/admin", dep) || within("github.com/nats-io/nats-server/v2", dep) || within("k8s.io", dep) {
				t.Errorf("%s links %s", p.room(), dep)
			}
		}
	}
}

func TestProgramsLinkNoTests(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name == "main" && slices.Contains(p.Deps, "testing") {
			t.Errorf("%s links package testing", p.room())
		}
	}
}

// What decides about answers must not know where and when it runs. Its own
// packages are held to that.
func TestEvaluationReadsNoClockNoDiskAndNoNetwork(t *testing.T) {
	pure := []string{
		"evaluator", "evaluator/bucket", "internal/jsontree", "evaluator/internal/syntax", "evaluator/jsonlogic", "evaluator/lint",
	}
	worldly := []string{
		"time", "os", "io/fs", "io/ioutil", "path/filepath", "net", "syscall", "log", "runtime",
		"math/rand", "crypto/rand", "database", "plugin", "unsafe",
	}
	for _, p := range packages(t) {
		if !slices.Contains(pure, p.room()) {
			continue
		}
		for _, path := range p.Imports {
			if path == "net/netip" || path == "net/url" {
				continue // they only read text
			}
			if path == "time" && p.room() == "evaluator" {
				continue // for rules that read $flagd.timestamp; the engine is told the time
			}
			if slices.ContainsFunc(worldly, func(w string) bool { return within(w, path) }) {
				t.Errorf("%s imports %s", p.room(), path)
			}
		}
		for _, name := range p.GoFiles {
			for _, place := range goroutines(t, filepath.Join(p.Dir, name)) {
				t.Errorf("%s: package %s starts a goroutine", place, p.room())
			}
		}
	}
}

// goroutines returns where a file starts them.
func goroutines(t *testing.T, file string) (places []token.Position) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			places = append(places, fset.Position(g.Pos()))
		}
		return true
	})
	return places
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		switch {
		case p.Doc == "":
			t.Errorf("package %s has no package comment", p.room())
		case p.Name != "main" && !strings.HasPrefix(p.Doc, "Package "+p.Name+" "):
			t.Errorf("the comment of package %s begins with %q", p.room(), p.Doc)
		}
	}
}
