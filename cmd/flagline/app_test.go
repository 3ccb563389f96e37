package main

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/admintest"
	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/admin/rest"
	"github.com/flagline/flagline/internal/handover"
)

// The test program is also the program under test.
func TestMain(m *testing.M) {
	if os.Getenv("FLAGLINE_TEST_RUN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestProgramPrintsJSONIntoAPipeAndExitsWithItsCode(t *testing.T) {
	tests := []struct {
		args   []string
		code   int
		stdout string
	}{
		{[]string{"version"}, exitOK, `{`},
		{[]string{"lint", "testdata/lifecycle.txt"}, exitNegative, `{`},
		{[]string{"explode"}, exitUsage, ""},
	}
	for _, test := range tests {
		cmd := exec.CommandContext(t.Context(), os.Args[0], test.args...)
		cmd.Env = append(os.Environ(), "FLAGLINE_TEST_RUN=1")
		out, err := cmd.Output()
		code := exitOK
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
			err = nil
		}
		if err != nil || code != test.code || !strings.HasPrefix(string(out), test.stdout) {
			t.Errorf("flagline %v prints %q and exits with %d (%v), want %d", test.args, out, code, err, test.code)
		}
	}
}

func TestTokenThatAServerLeftIsFoundWithoutSettings(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	srv := httptest.NewServer(rest.Handler(rest.Config{
		Environments: map[string]rest.Environment{"dev": {Ledger: admintest.New("dev"), Fleet: admin.NewFleet()}},
		Token:        []byte("left"),
		Loopback:     true,
	}))
	t.Cleanup(srv.Close)
	forget, err := handover.Leave("token", srv.Listener.Addr().String(), []byte("left"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(forget)

	if code, out, errs := run(t, nil, "flag", "list", "--server", strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)); code != exitOK {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if code, out, errs := run(t, nil, "flag", "list", "--server", strings.TrimPrefix(srv.URL, "http://")); code != exitOK {
		t.Errorf("without a scheme: exit code %d: %s%s", code, out, errs)
	}
}

func TestEveryCodeHasItsExitCode(t *testing.T) {
	want := map[api.Code]int{
		api.CodeInvalid: 1, api.CodeUsage: 2, api.CodeNotFound: 3, api.CodeDenied: 4, api.CodeConflict: 5,
		api.CodeApprovalRequired: 6, api.CodeNotConverged: 7, api.CodeUnavailable: 8, api.CodeInternal: 10, "new": 10,
	}
	for code, exit := range want {
		if got := exitCode(code); got != exit {
			t.Errorf("exitCode(%q) = %d, want %d", code, got, exit)
		}
	}
}

func TestTerminalGetsTextAndColorOnlyIfWanted(t *testing.T) {
	for _, color := range []bool{true, false} {
		code, out, _ := run(t, func(a *app) { a.terminal, a.color = true, color }, "version")
		if code != exitOK || !strings.HasPrefix(out, "flagline ") {
			t.Errorf("version prints %q (exit code %d), want text", out, code)
		}
		_, out, _ = run(t, func(a *app) { a.terminal, a.color = true, color }, "lint", "testdata/lifecycle.txt")
		if got := strings.Contains(out, "\x1b["); got != color {
			t.Errorf("with color %v lint prints %q", color, out)
		}
	}
	_, _, errs := run(t, func(a *app) { a.terminal = true }, "explode")
	if !strings.HasPrefix(errs, "flagline: ") {
		t.Errorf("an error on a terminal is %q, want text", errs)
	}
	_, _, errs = run(t, func(a *app) { a.terminal = true }, "explode", "-ojson")
	if !strings.HasPrefix(errs, "{") {
		t.Errorf("an error with -ojson is %q, want JSON", errs)
	}
}

func TestControlCharactersDoNotReachTheTerminal(t *testing.T) {
	p := new(page)
	p.table([]string{"KEY"}, [][]string{{"a\x1b[31m"}, {""}})
	if got := p.String(); got != "KEY\na\\u001b[31m\n–\n" {
		t.Errorf("the table is %q", got)
	}
}

// run runs the program in this process.
func run(t *testing.T, edit func(*app), args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{
		in: strings.NewReader(""), out: &out, err: &errs,
		env: func(string) (string, bool) { return "", false },
	}
	if edit != nil {
		edit(a)
	}
	code = a.run(t.Context(), args)
	return code, out.String(), errs.String()
}
