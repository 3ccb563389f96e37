package main_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCommandLineWinsOverEnvironmentWinsOverFile(t *testing.T) {
	dir := t.TempDir()
	flags := write(t, filepath.Join(dir, "flags.json"), document("red"))
	config := write(t, filepath.Join(dir, "config.yaml"),
		"sources:\n  - {uri: "+flags+", provider: file}\ninstance: file\nservice: file\n"+
			"context-value: {who: me}\ncors-origin: [https://a.example]\n")
	instance := func(env []string, args ...string) string {
		t.Helper()
		p := launch(t, env, append(args, "--config", config)...)
		_, body := request(t, http.MethodGet, "http://"+p.Management+"/status", "")
		_, after, _ := strings.Cut(body, `"instance":"`)
		name, _, _ := strings.Cut(after, `"`)
		return name
	}
	for _, test := range []struct {
		env  []string
		args []string
		want string
	}{
		{nil, nil, "file"},
		{[]string{"FLAGD_INSTANCE=flagd"}, nil, "flagd"},
		{[]string{"FLAGD_INSTANCE=flagd", "FLAGD_FLAGLINE_INSTANCE=operator"}, nil, "operator"},
		{[]string{"FLAGD_FLAGLINE_INSTANCE=operator", "FLAGLINE_INSTANCE=ours"}, nil, "ours"},
		{[]string{"FLAGLINE_INSTANCE=ours"}, []string{"--instance", "line"}, "line"},
	} {
		if got := instance(test.env, test.args...); got != test.want {
			t.Errorf("with %q and %q the instance is %q, want %q", test.env, test.args, got, test.want)
		}
	}
}

func TestContextComesFromEverySide(t *testing.T) {
	flags := write(t, filepath.Join(t.TempDir(), "flags.json"), document("red"))
	for _, test := range []struct {
		name   string
		env    []string
		args   []string
		header string
		want   string
	}{
		{"nowhere", nil, nil, "", "none"},
		{"command line", nil, []string{"-X", "who=me"}, "", "me"},
		{"pairs in the environment", []string{"FLAGD_CONTEXT_VALUE=a=1,who=me"}, nil, "", "me"},
		{"JSON in the environment", []string{`FLAGD_CONTEXT_VALUE={"a":"1, \"2\"=3","who":"me"}`}, nil, "", "me"},
		{"header", nil, []string{"-X", "who=me", "-H", "X-Who=who"}, "you", "you"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := launch(t, append(test.env, "FLAGD_URI=file:"+flags), test.args...)
			eventually(t, "readyz", func() string { return p.readiness(t) }, "200")
			var header []string
			if test.header != "" {
				header = []string{"X-Who", test.header}
			}
			if got := p.value(t, "echo", header...); got != test.want {
				t.Errorf("echo answers %s, want %s", got, test.want)
			}
		})
	}
}

func TestFlagdSettingsOfOldAreTakenWithOneWarningEach(t *testing.T) {
	flags := write(t, filepath.Join(t.TempDir(), "flags.json"), document("red"))
	p := launch(t, []string{"FLAGD_EVALUATOR=json", "FLAGD_SOMETHING_ELSE=1"},
		"-f", "file:"+flags, "--sync-provider-args", "a=b", "--sync-provider-args=c=d", "-y", "filepath", "-b", "hunter2", "-z", "json")
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Fatalf("it exits with %d", code)
	}
	for _, setting := range []string{"evaluator", "sync-provider-args", "sync-provider", "bearer-token"} {
		if got := strings.Count(p.stderr.String(), "--"+setting+" has no effect here"); got != 1 {
			t.Errorf("%d warnings name %s, want 1: %s", got, setting, p.stderr)
		}
	}
	if got := strings.Count(p.stderr.String(), "WARN"); got != 4 || strings.Contains(p.stderr.String(), "hunter2") {
		t.Errorf("%d warnings, want 4, and no secret: %s", got, p.stderr)
	}
}

func TestFileInTheHomeIsReadUnlessAnotherIsNamed(t *testing.T) {
	dir := t.TempDir()
	flags := write(t, filepath.Join(dir, "flags.json"), document("red"))
	write(t, filepath.Join(dir, ".agent.yaml"), "uri: [\"file:"+flags+"\"]\ninstance: home\ncolour: red\nshape: round\n")
	named := write(t, filepath.Join(dir, "named.json"), `{"uri":"file:`+flags+`","instance":"named"}`)
	for want, args := range map[string][]string{"home": nil, "named": {"--config", named}} {
		p := launch(t, []string{"HOME=" + dir}, args...)
		if _, body := request(t, http.MethodGet, "http://"+p.Management+"/status", ""); !strings.Contains(body, `"instance":"`+want+`"`) {
			t.Errorf("with %q the status is %s, want instance %s", args, body, want)
		}
		p.signal(t, syscall.SIGTERM)
		p.end(t)
		for name, unknown := range map[string]bool{"colour": true, "shape": true, "uri": false} {
			told := strings.Count(p.stderr.String(), `there is no setting \"`+name)
			if got := told == 1; told > 1 || got != (unknown && want == "home") {
				t.Errorf("with %q the log tells %d times of %s: %s", args, told, name, p.stderr)
			}
		}
		if told := strings.Contains(p.stderr.String(), `msg="pass over a setting"`); told != (want == "home") {
			t.Errorf("with %q the log says %s", args, p.stderr)
		}
	}
}

func TestPortOfAKubernetesServiceIsNotMistakenForOurs(t *testing.T) {
	flags := write(t, filepath.Join(t.TempDir(), "flags.json"), document("red"))
	p := launch(t, []string{"FLAGD_SYNC_PORT=tcp://10.0.0.1:8015"}, "-f", "file:"+flags)
	eventually(t, "color", func() string { return p.value(t, "color") }, "red")
}

func TestUnreachableNATSIsWaitedFor(t *testing.T) {
	p := launch(t, []string{"FLAGD_FLAGLINE_NATS_URL=nats://127.0.0.1:1", "FLAGD_ENVIRONMENT=prod"}, "--startup-grace=0")
	if got := p.readiness(t); got != "412" {
		t.Errorf("readyz is %s, want 412", got)
	}
	_, body := request(t, http.MethodGet, "http://"+p.Management+"/status", "")
	if !strings.Contains(body, `"environment":"prod"`) || !strings.Contains(body, `"connected":false`) {
		t.Errorf("status is %s, want prod and not connected", body)
	}
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Errorf("it exits with %d, want 0: %s", code, p.stderr)
	}
}
