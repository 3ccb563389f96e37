package clients_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The two packages of which one takes the other's place.
const (
	theirs = "github.com/open-feature/go-sdk-contrib/providers/flagd/pkg"
	ours   = "github.com/flagline/flagline/provider/flagd"
)

var root = filepath.Join("..", "..")

// One program, with the import that it has in the examples and with the one that
// it came from, prints the same.
func TestOneImportIsTheWholeMigration(t *testing.T) {
	programs := map[string]string{"ours": buildExample(t), "official": buildOfficialExample(t)}
	flags, err := os.ReadFile(filepath.Join(root, "examples", "checkout", "flags.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, resolver := range []string{"rpc", "in-process", "file"} {
		t.Run(resolver, func(t *testing.T) {
			printed := make(map[string]string)
			for name, program := range programs {
				s := &sidecar{path: filepath.Join(t.TempDir(), "flags.json")}
				if err := os.WriteFile(s.path, flags, 0o600); err != nil {
					t.Fatal(err)
				}
				s.start(t, "0", "0", "0", "0")
				env := []string{
					"FLAGD_RESOLVER=" + resolver, "FLAGD_HOST=127.0.0.1",
					"FLAGD_PORT=" + port(t, s.Evaluation), "FLAGD_SYNC_PORT=" + port(t, s.Sync),
				}
				if resolver == "file" {
					env = append(env, "FLAGD_OFFLINE_FLAG_SOURCE_PATH="+s.path)
				}
				printed[name] = runExample(t, program, env, func() {
					text := bytes.Replace(flags, []byte("Willkommen im Laden"), []byte("Willkommen"), 1)
					if err := os.WriteFile(s.path, text, 0o600); err != nil {
						t.Fatal(err)
					}
				})
			}
			if printed["ours"] != printed["official"] {
				t.Errorf("with our provider the program prints\n%s\nwith the official one\n%s", printed["ours"], printed["official"])
			}
			if want := "banner: Willkommen im Laden willkommen TARGETING_MATCH\n"; !strings.Contains(printed["ours"], want) {
				t.Errorf("the program prints\n%s\nwithout %q", printed["ours"], want)
			}
		})
	}
}

func buildExample(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "ours")
	golang(t, root, "build", "-o", program, "./examples/migrate-from-flagd")
	return program
}

// buildOfficialExample undoes the migration: the program becomes a package of
// this module, in which the official provider is known, without being written
// here.
func buildOfficialExample(t *testing.T) (program string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "examples", "migrate-from-flagd", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	before := strings.Replace(string(text), ours, theirs, 1)
	if before == string(text) || strings.Contains(before, "flagline/flagline") {
		t.Fatal("the example differs from a program of the official provider in more than one line")
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "migrated", "main.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{file: []byte(before), overlay: replace} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program = filepath.Join(dir, "official")
	golang(t, ".", "build", "-overlay", overlay, "-o", program, "./migrated")
	return program
}

func golang(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", args[0], err, stderr.Bytes())
	}
	return out
}

// runExample returns what program prints until it has heard of change.
func runExample(t *testing.T, program string, env []string, change func()) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, in := io.Pipe()
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		_ = in.Close()
	}()
	var printed strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		fmt.Fprintln(&printed, line)
		switch {
		case strings.HasPrefix(line, "old-checkout:"):
			change()
		case line == "banner: Willkommen":
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("the program ends with %v, after it has printed\n%s\nand to the standard error\n%s", err, &printed, &stderr)
	}
	return printed.String()
}

// What of the official package ours lacks, or has otherwise, with the reason.
var otherwise = map[string]string{
	"IService":                    "it describes the inside of the official provider; nothing takes or returns it",
	"Provider.Status":             "the SDK knows the state, and tells it: client.State()",
	"ProviderConfiguration.Cache": "its type is internal to the official module; ours is a string as well",
}

func TestOfficialNamesHaveTheirOfficialTypes(t *testing.T) {
	got, want := face(t, root, ours), face(t, ".", theirs)
	if len(want) < 50 {
		t.Fatalf("the official package exports %d names, want many", len(want))
	}
	for name, signature := range want {
		_, excused := otherwise[name]
		if same := got[name] == signature; same == excused {
			t.Errorf("%s is %q here and %q in the official package; it is known to differ: %t", name, got[name], signature, excused)
		}
	}
}

// face returns the types of what a package exports, by name.
func face(t *testing.T, dir, path string) map[string]string {
	t.Helper()
	exports := make(map[string]string)
	for line := range strings.Lines(string(golang(t, dir, "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", path))) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[name] = file
	}
	pkg, err := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	}).Import(path)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		all[name] = written(pkg, object.Type())
		if kind, ok := object.(*types.TypeName); ok {
			all[name] = "type"
			members(pkg, kind, all)
		}
	}
	return all
}

// members adds the exported fields and methods of a type.
func members(pkg *types.Package, name *types.TypeName, all map[string]string) {
	if s, ok := name.Type().Underlying().(*types.Struct); ok {
		for field := range s.Fields() {
			if field.Exported() && !field.Embedded() {
				all[name.Name()+"."+field.Name()] = written(pkg, field.Type())
			}
		}
	} else if !types.IsInterface(name.Type()) {
		all[name.Name()] = written(pkg, name.Type().Underlying())
	}
	if types.IsInterface(name.Type()) {
		return
	}
	for method := range types.NewMethodSet(types.NewPointer(name.Type())).Methods() {
		if method.Obj().Exported() {
			all[name.Name()+"."+method.Obj().Name()] = written(pkg, method.Obj().Type())
		}
	}
}

// written is a type as it would be read in its package: names of parameters do
// not matter, nor where the package is.
func written(pkg *types.Package, of types.Type) string {
	qualify := func(p *types.Package) string {
		if p == pkg {
			return ""
		}
		return p.Path()
	}
	signature, ok := of.(*types.Signature)
	if !ok {
		return types.TypeString(of, qualify)
	}
	list := func(tuple *types.Tuple) string {
		var all []string
		for v := range tuple.Variables() {
			all = append(all, types.TypeString(v.Type(), qualify))
		}
		return "(" + strings.Join(all, ", ") + ")"
	}
	text := "func" + list(signature.Params()) + " " + list(signature.Results())
	if signature.Variadic() {
		text += " variadic"
	}
	return strings.ReplaceAll(text, "interface{}", "any")
}
