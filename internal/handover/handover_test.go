package handover_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/flagline/flagline/internal/handover"
)

// home gives the test a configuration directory of its own.
func home(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the configuration directory is set by XDG_CONFIG_HOME on Linux only")
	}
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("TMPDIR", t.TempDir())
	return filepath.Join(dir, "flagline", "local")
}

func leave(t *testing.T, kind, addr, secret string) (forget func()) {
	t.Helper()
	forget, err := handover.Leave(kind, addr, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return forget
}

func find(kind, addr string) string {
	secret, ok := handover.Find(kind, addr)
	if !ok {
		return "nothing"
	}
	return string(secret)
}

func TestWhatIsLeftIsFoundUnderEveryNameOfThisMachine(t *testing.T) {
	home(t)
	leave(t, "token", "127.0.0.1:8080", "s3cret")
	for _, addr := range []string{"127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080", "[::ffff:127.0.0.1]:8080"} {
		if got := find("token", addr); got != "s3cret" {
			t.Errorf("at %s there is %s, want the secret", addr, got)
		}
	}
	for _, addr := range []string{"127.0.0.1:8081", "127.0.0.2:8080", "example.com:8080", "127.0.0.1"} {
		if got := find("token", addr); got != "nothing" {
			t.Errorf("at %s there is %s, want nothing", addr, got)
		}
	}
	if got := find("nats", "127.0.0.1:8080"); got != "nothing" {
		t.Errorf("of another kind there is %s, want nothing", got)
	}
}

func TestForgetTakesBackOnlyItsOwn(t *testing.T) {
	home(t)
	forgetFirst := leave(t, "token", "localhost:8080", "first")
	forgetSecond := leave(t, "token", "[::1]:8080", "second")
	forgetFirst()
	if got := find("token", "localhost:8080"); got != "second" {
		t.Errorf("after the first is forgotten there is %s, want second", got)
	}
	forgetSecond()
	forgetSecond()
	if got := find("token", "localhost:8080"); got != "nothing" {
		t.Errorf("after the second is forgotten there is %s, want nothing", got)
	}
}

func TestSecretsAreForTheirUserAlone(t *testing.T) {
	dir := home(t)
	leave(t, "token", "127.0.0.1:8080", "s3cret")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "token-127.0.0.1_8080" {
		t.Fatalf("the directory holds %v (%v), want one file", entries, err)
	}
	file := filepath.Join(dir, entries[0].Name())
	for path, want := range map[string]fs.FileMode{dir: 0o700, file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v (%v), want %v", path, info.Mode(), err, want)
		}
	}
	for _, open := range []string{file, dir} {
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
		if got := find("token", "127.0.0.1:8080"); got != "nothing" {
			t.Errorf("with %s open to all there is %s, want nothing", open, got)
		}
	}
}

func TestLinkIsNotFollowed(t *testing.T) {
	dir := home(t)
	leave(t, "token", "127.0.0.1:8080", "s3cret")
	file := filepath.Join(dir, "token-127.0.0.1_8080")
	elsewhere := filepath.Join(t.TempDir(), "file")
	if err := os.Rename(file, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, file); err != nil {
		t.Fatal(err)
	}
	if got := find("token", "127.0.0.1:8080"); got != "nothing" {
		t.Errorf("behind a link there is %s, want nothing", got)
	}
}

func TestWithoutConfigurationDirectoryTheTemporaryOneServes(t *testing.T) {
	home(t)
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", blocked)
	forget := leave(t, "nats", "127.0.0.1:4222", "seed")
	if got := find("nats", "localhost:4222"); got != "seed" {
		t.Errorf("there is %s, want the seed", got)
	}
	forget()
	if got := find("nats", "localhost:4222"); got != "nothing" {
		t.Errorf("after forget there is %s, want nothing", got)
	}
}

func TestOthersMachinesAndOddNamesAreRefused(t *testing.T) {
	home(t)
	tests := []struct{ kind, addr string }{
		{"token", "10.0.0.1:8080"},
		{"token", "0.0.0.0:8080"},
		{"token", "[::]:8080"},
		{"token", ":8080"},
		{"token", "localhost"},
		{"token", "localhost:0"},
		{"token", "localhost:../x"},
		{"../token", "localhost:8080"},
		{"", "localhost:8080"},
	}
	for _, test := range tests {
		if _, err := handover.Leave(test.kind, test.addr, []byte("x")); err == nil {
			t.Errorf("Leave(%q, %q) is taken, want it refused", test.kind, test.addr)
		}
	}
}
