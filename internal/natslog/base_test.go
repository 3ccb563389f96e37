package natslog_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natslog"
)

// A user who may not ask for the base has to do without it; waiting for an
// answer that a busy server owes would be in vain.
func TestBaseThatOneMayNotAskForIsNone(t *testing.T) {
	server, err := natsd.Run(t.Context(), `
		listen: "127.0.0.1:-1"
		authorization { users: [{user: u, password: p, permissions: {publish: {deny: "flagline.test.get.base"}}}] }
	`, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	nc, err := nats.Connect(server.URL(), nats.UserInfo("u", "p"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if _, _, err := natslog.Reader(nc, "test").Base(t.Context()); !errors.Is(err, natslog.ErrNoBase) {
		t.Errorf("whoever may not ask gets %v, want %v", err, natslog.ErrNoBase)
	}
	if _, _, err := natslog.Reader(nc, "other").Base(t.Context()); !errors.Is(err, natslog.ErrNoBase) {
		t.Errorf("where nobody serves it one gets %v, want %v", err, natslog.ErrNoBase)
	}
}
