package natslog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
)

// A credential that the server does not know may be one that it will know in a
// moment, as when keys are replaced in the wrong order: nobody gives up.
func TestRefusedCredentialIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	ours := natstest.StartAt(t, dir, "127.0.0.1:0")
	url := ours.URL()
	addr := strings.TrimPrefix(url, "nats://")
	opts, err := natslog.Options("test", ours.PublisherFile())
	if err != nil {
		t.Fatal(err)
	}
	ours.Close()
	stranger := natstest.StartAt(t, t.TempDir(), addr) // with keys of its own
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// Left to itself, the client closes for good at the second refusal.
	refusals := time.NewTimer(3 * time.Second)
	for done := false; !done; {
		select {
		case <-refusals.C:
			done = true
		case <-time.After(10 * time.Millisecond):
			if nc.IsClosed() {
				t.Fatal("the connection was closed for good")
			}
		}
	}
	stranger.Close()
	natstest.StartAt(t, dir, addr)
	deadline := time.After(30 * time.Second)
	for !nc.IsConnected() {
		select {
		case <-deadline:
			t.Fatalf("the connection is %v, though the server knows the credential again", nc.Status())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestCredentialsThatAreNoneAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "creds")
	if err := os.WriteFile(file, []byte("nothing of the kind"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, file + "-missing"} {
		if _, err := natslog.Options("test", name); err == nil || !strings.Contains(err.Error(), "credentials") {
			t.Errorf("Options with %s gives %v", name, err)
		}
	}
}

func TestAddressesDoNotShowSecrets(t *testing.T) {
	for _, servers := range []string{
		"nats://ada:secret@h:4222", "nats://secret@h:4222", "h:4222,nats://secret@h", "nats://ada:secret@h:port", "::secret", " ",
	} {
		if err := natslog.CheckServers(servers); err == nil || strings.Contains(err.Error(), "secret") && servers != "::secret" {
			t.Errorf("CheckServers(%q) = %v", servers, err)
		}
	}
	for _, servers := range []string{"nats://h:4222", "nats://h:4222, tls://i:4222"} {
		if err := natslog.CheckServers(servers); err != nil {
			t.Errorf("CheckServers(%q) = %v", servers, err)
		}
	}
}
