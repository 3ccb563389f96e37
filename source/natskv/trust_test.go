package natskv_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/digest"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/sourcetest"
)

// A seal is a signing key in a file, and the file of those who trust it.
type seal struct{ secret, trusted string }

func newSeal(t *testing.T, emergency bool) seal {
	t.Helper()
	secret, line, err := signing.NewKey(emergency)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := seal{filepath.Join(dir, "secret"), filepath.Join(dir, "trusted")}
	for file, text := range map[string]string{s.secret: string(secret), s.trusted: line + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// sign opens the environment with a control plane that signs, and runs it.
func (o *origin) sign(t *testing.T, existing bool, keys ...seal) {
	t.Helper()
	var files []string
	for _, k := range keys {
		files = append(files, k.secret)
	}
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, o.server), ledger.Config{
		Environment: natstest.Environment, SigningKeys: files, SignExisting: existing,
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.stop != nil {
		o.stop() // the control plane with the keys before
	}
	o.ledger = l
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	o.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(o.stop)
}

func (o *origin) protected(t *testing.T, trusted string) source.Source {
	t.Helper()
	src, err := natskv.New(natskv.Config{Servers: o.url, Environment: natstest.Environment, TrustedKeys: trusted})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func refusedFor(what string) func(sourcetest.State) bool {
	return func(s sourcetest.State) bool {
		return s.Status.Err != nil && strings.Contains(s.Status.Err.Error(), what)
	}
}

// Whoever may publish on NATS, but does not hold the key, changes nothing in a
// protected environment; and the next change puts back what was tried.
func TestProtectedEnvironmentTakesSignedChangesOnly(t *testing.T) {
	o, key := newOrigin(t), newSeal(t, false)
	o.sign(t, false, key)
	o.commit(t, set("a", `1`))
	r, _ := follow(t, o.protected(t, key.trusted))
	r.Await(t, "the signed flag", holds("a", `1`))
	r.Await(t, "a signed beacon", func(s sourcetest.State) bool { return s.Status.Connected && !s.Status.Confirmed.IsZero() })

	// A change that is right in everything but the signature: what another
	// control plane without the key would publish.
	o.stop() // or it would put back what is forged before anybody sees it
	forge(t, o, `{"v":666}`)
	r.Await(t, "a refusal", refusedFor("not signed"))
	o.sign(t, false, key)
	o.commit(t, set("b", `1`))
	s := r.Await(t, "the next signed change", holds("a", `1`, "b", `1`))
	for _, u := range s.Updates {
		for _, rec := range u.Records {
			if strings.Contains(string(rec.Body), "666") {
				t.Errorf("generation %d shows what was forged", u.Version.Generation)
			}
		}
	}
}

// forge publishes flag a with a head that differs from a good one only in that
// it is not signed.
func forge(t *testing.T, o *origin, body string) {
	t.Helper()
	nc := natstest.Publisher(t, o.server)
	msg, err := nc.Request("$JS.API.DIRECT.GET.KV_flags-test.$KV.flags-test.head", nil, nats.DefaultTimeout)
	if err != nil {
		t.Fatal(err)
	}
	h, err := wire.ParseHead(msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	h.Generation, h.Parent, h.Change, h.Signatures = h.Generation+1, h.Digest, "forged", nil
	h.Digest = digestOf(map[string]string{"a": body})
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for key, data := range map[string]string{"flag.=.a": body} {
		if _, err := nc.Request("$KV.flags-test."+key, []byte(data), nats.DefaultTimeout); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := nc.Request("$KV.flags-test.head", text, nats.DefaultTimeout); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreReplacedWithOverlap(t *testing.T) {
	o, old, next := newOrigin(t), newSeal(t, false), newSeal(t, false)
	o.sign(t, false, old)
	o.commit(t, set("a", `1`))
	behind, _ := follow(t, o.protected(t, old.trusted))
	behind.Await(t, "the flag", holds("a", `1`))

	o.sign(t, false, old, next)
	o.commit(t, set("a", `2`))
	ahead, _ := follow(t, o.protected(t, next.trusted))
	for _, r := range []*sourcetest.Recorder{behind, ahead} {
		r.Await(t, "what both keys signed", holds("a", `2`))
	}
	o.sign(t, false, next)
	o.commit(t, set("a", `3`))
	ahead.Await(t, "what the new key signed", holds("a", `3`))
	behind.Await(t, "a refusal by who trusts only the old key", refusedFor("not trusted here"))
}

func TestSigningBeginsWithWhatThereIs(t *testing.T) {
	o, key := started(t), newSeal(t, false)
	o.commit(t, set("a", `1`))
	_, err := ledger.Open(t.Context(), natstest.Publisher(t, o.server), ledger.Config{
		Environment: natstest.Environment, SigningKeys: []string{key.secret},
	})
	if err == nil || !strings.Contains(err.Error(), "--sign-existing") {
		t.Fatalf("opening what nobody signed gives %v, want a hint at --sign-existing", err)
	}
	o.sign(t, true, key)
	r, _ := follow(t, o.protected(t, key.trusted))
	r.Await(t, "the flag, signed", holds("a", `1`))
}

func TestEmergencyKeyIsTakenAndTold(t *testing.T) {
	o, key, glass := newOrigin(t), newSeal(t, false), newSeal(t, true)
	both := filepath.Join(t.TempDir(), "trusted")
	var lines string
	for _, s := range []seal{key, glass} {
		text, err := os.ReadFile(s.trusted)
		if err != nil {
			t.Fatal(err)
		}
		lines += string(text)
	}
	if err := os.WriteFile(both, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	o.sign(t, false, glass)
	o.commit(t, set("a", `1`))
	r, _ := follow(t, o.protected(t, both))
	r.Await(t, "what the emergency key signed", holds("a", `1`))
}

// A set that shrinks without a word of the publisher is refused; with it, also
// by a reader that was away when it was given.
func TestShrunkSetNeedsAWord(t *testing.T) {
	o := started(t)
	var pairs, gone []string
	for i := range 20 {
		pairs = append(pairs, fmt.Sprint("flag-", i), `1`)
		if i >= 5 {
			gone = append(gone, fmt.Sprint("flag-", i), ``)
		}
	}
	o.commit(t, set(pairs...))
	dir := t.TempDir()
	r, stop := follow(t, o.source(t, dir))
	r.Await(t, "the flags", holds(pairs...))
	stop()

	o.commit(t, set(gone...)) // commit says that it is meant
	o.commit(t, set("flag-0", `2`))
	r, _ = follow(t, o.source(t, dir))
	r.Await(t, "what is left", holds("flag-0", `2`, "flag-1", `1`, "flag-2", `1`, "flag-3", `1`, "flag-4", `1`))
}

func TestLogThatWasMadeAnewDoesNotEmptyASet(t *testing.T) {
	o := started(t)
	o.commit(t, set("a", `1`, "b", `1`))
	r, _ := follow(t, o.Source(t))
	r.Await(t, "the flags", holds("a", `1`, "b", `1`))
	o.Break(t)
	if err := os.RemoveAll(filepath.Join(o.dir, "nats", "jetstream")); err != nil {
		t.Fatal(err)
	}
	nextSecond(t)
	o.Mend(t)
	o = started2(t, o) // an empty environment, with a higher epoch
	s := r.Await(t, "a refusal", refusedFor("went from 2 flags to 0"))
	if !holds("a", `1`, "b", `1`)(s) {
		t.Errorf("after the store was wiped the flags are %v", s.Records)
	}
	o.commit(t, func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Key: "a", Body: []byte(`2`)}, {Key: "b", Body: []byte(`2`)}}, nil
	})
	r.Await(t, "what was published anew", holds("a", `2`, "b", `2`))
}

// digestOf is the digest of flags of the unnamed set.
func digestOf(flags map[string]string) string {
	var e digest.Environment
	for key, body := range flags {
		e = e.With(digest.Record{Flag: key, Body: []byte(body)})
	}
	return e.Sum().String()
}

// A broker that answers, but keeps the newest change back, is found out by the
// beacon that tells of it.
func TestChangesThatAreKeptBackShow(t *testing.T) {
	o, key := newOrigin(t), newSeal(t, false)
	o.sign(t, false, key)
	o.commit(t, set("a", `1`))
	r, _ := follow(t, o.protected(t, key.trusted))
	r.Await(t, "the signed flag", holds("a", `1`))
	r.Await(t, "a signed beacon", func(s sourcetest.State) bool { return s.Status.Connected })
	o.stop()

	signer, err := signing.ReadSigner(key.secret)
	if err != nil {
		t.Fatal(err)
	}
	version := r.State().Updates[0].Version
	b := wire.Beacon{
		Incarnation: version.Incarnation, Epoch: version.Epoch, Generation: 99,
		Digest: version.Digest, Time: time.Now().UTC(),
	}
	b.Signatures = signer.Sign(b.Signed(natstest.Environment))
	body, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.pub.Publish("flagline.test.changes.beacon", body); err != nil {
		t.Fatal(err)
	}
	s := r.Await(t, "word of it", refusedFor("generation 99, and NATS does not show it"))
	if s.Status.Connected || !holds("a", `1`)(s) {
		t.Errorf("status is %+v with %v, want what there was and no connection", s.Status, s.Records)
	}
}

// Keys added to a control plane sign what there is, for readers that begin with
// the new key alone; and a control plane without a key stays away.
func TestNewKeySignsWhatThereIs(t *testing.T) {
	o, old, next := newOrigin(t), newSeal(t, false), newSeal(t, false)
	o.sign(t, false, old)
	o.commit(t, set("a", `1`))
	o.sign(t, false, old, next)
	r, _ := follow(t, o.protected(t, next.trusted))
	r.Await(t, "what the new key signed", holds("a", `1`))

	_, err := ledger.Open(t.Context(), natstest.Publisher(t, o.server), ledger.Config{Environment: natstest.Environment})
	if err == nil || !strings.Contains(err.Error(), "--signing-key") {
		t.Errorf("opening a signed environment without a key gives %v, want a hint at --signing-key", err)
	}
}
