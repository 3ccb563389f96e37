package flagd_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flagline/flagline/provider/internal/environ"
)

var update = flag.Bool("update", false, "write the settings into the documentation")

// page is where settings are explained.
var page = filepath.Join("..", "..", "docs", "provider-settings.md")

// options are those that say what a variable says, in package provider and in
// this one.
var options = map[string][2]string{
	"RESOLVER":                 {"WithSidecar, WithSyncStream, WithFile", "WithRPCResolver, WithInProcessResolver, WithFileResolver"},
	"HOST":                     {"WithSidecar, WithSyncStream", "WithHost"},
	"PORT":                     {"WithSidecar, WithSyncStream", "WithPort"},
	"SYNC_PORT":                {"WithSyncStream", "WithPort"},
	"SOCKET_PATH":              {"WithSidecar, WithSyncStream", "WithSocketPath"},
	"TARGET_URI":               {"WithSidecar, WithSyncStream", "WithTargetUri"},
	"TLS":                      {"WithTLS", "WithTLS"},
	"SERVER_CERT_PATH":         {"WithTLS", "WithTLS, WithCertificatePath"},
	"CLIENT_CERT_PATH":         {"WithTLS", ""},
	"CLIENT_KEY_PATH":          {"WithTLS", ""},
	"TLS_SERVER_NAME":          {"WithTLS", ""},
	"DEADLINE_MS":              {"WithDeadline", "WithDeadline"},
	"STREAM_DEADLINE_MS":       {"WithStreamDeadline", ""},
	"KEEP_ALIVE_TIME_MS":       {"WithKeepAlive", ""},
	"RETRY_BACKOFF_MS":         {"WithRetryBackoff", "WithRetryBackoffMs"},
	"RETRY_BACKOFF_MAX_MS":     {"WithRetryBackoff", "WithRetryBackoffMaxMs"},
	"RETRY_GRACE_PERIOD":       {"WithGracePeriod", "WithRetryGracePeriod"},
	"FATAL_STATUS_CODES":       {"WithFatalStatusCodes", "WithFatalStatusCodes"},
	"CACHE":                    {"WithCache", "WithLRUCache, WithBasicInMemoryCache, WithoutCache"},
	"MAX_CACHE_SIZE":           {"WithCache", "WithLRUCache"},
	"MAX_EVENT_STREAM_RETRIES": {"", "WithEventStreamConnectionMaxAttempts"},
	"SOURCE_SELECTOR":          {"WithSelector", "WithSelector"},
	"PROVIDER_ID":              {"WithProviderID", "WithProviderID"},
	"OFFLINE_FLAG_SOURCE_PATH": {"WithFile", "WithOfflineFilePath"},
	"OFFLINE_POLL_MS":          {"WithPollInterval", ""},
	"STALE_AFTER":              {"WithStaleAfter", ""},
}

func TestReferenceIsCurrent(t *testing.T) {
	const begin, end = "TestReferenceIsCurrent -update\" -->\n", "<!-- end of settings -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	got, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the settings, between %q and %q", page, begin, end)
	}
	want := settings(t)
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s does not list the settings as they are; write it with -update", page)
	}
}

// settings is the table of all settings.
func settings(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprint(&b, "\n| variable | means | default | | `provider` | `provider/flagd` |\n| --- | --- | --- | --- | --- | --- |\n")
	for v := range environ.Variables() {
		by, known := options[v.Name]
		if !known {
			t.Errorf("nobody has said which options %s is", v.Name)
		}
		name := "`" + v.Name + "`"
		if v.Also != "" {
			name += ", `" + v.Also + "`"
		}
		if v.Ours {
			name += " *ours*"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", name, v.Means, v.Default, letters(v.Modes), quoted(by[0]), quoted(by[1]))
	}
	fmt.Fprintln(&b)
	return b.String()
}

func letters(m environ.Modes) string {
	var b strings.Builder
	for _, e := range []struct {
		mode   environ.Modes
		letter string
	}{{environ.InSidecar, "r"}, {environ.InSyncStream, "s"}, {environ.InFile, "f"}} {
		if m&e.mode != 0 {
			b.WriteString(e.letter)
		}
	}
	return b.String()
}

func quoted(names string) string {
	if names == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(names, ", ", "`, `") + "`"
}

func TestEveryOptionIsOnThePage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for dir, result := range map[string]string{"..": "Option", ".": "ProviderOption"} {
		found := constructors(t, dir, result)
		if len(found) < 20 {
			t.Errorf("there are only %d options in %s: %q", len(found), dir, found)
		}
		for _, name := range found {
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("%s does not mention %s", page, name)
			}
		}
	}
}

// constructors returns the exported functions of the package in dir that return
// the named type.
func constructors(t *testing.T, dir, result string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil {
				continue
			}
			if name, ok := f.Type.Results.List[0].Type.(*ast.Ident); ok && name.Name == result {
				found = append(found, f.Name.Name)
			}
		}
	}
	return found
}
