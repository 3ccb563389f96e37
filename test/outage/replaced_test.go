//go:build unix

package outage_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/grpc"

	"github.com/flagline/flagline/provider"
)

// during returns how often the server was asked while do was done.
func (f *foreign) during(t *testing.T, do func()) int64 {
	t.Helper()
	before := f.asked.Load()
	do()
	return f.asked.Load() - before
}

// reasons asks for a flag twice, and returns how the answers came about.
func (a *app) reasons(t *testing.T, flag string) string {
	t.Helper()
	var all string
	for range 2 {
		d, err := a.client.IntValueDetails(t.Context(), flag, -1, gold())
		if err != nil {
			t.Errorf("%s: %v", flag, err)
		}
		all += string(d.Reason) + " "
	}
	return all
}

// A server that is replaced by another's, and that by ours again, is never answered
// for by what the one before has said, and what may be kept is up to each.
func TestServerIsReplacedByAnothersAndBack(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]versions{"both versions": {one: true, two: true}, "version 1": {one: true}, "version 2": {two: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours := newProcess(t, "--uri", "file:"+flagFile(t, 1))
			ours.start(t)
			a := run(t, provider.WithSidecar(ours.evaluation), patient())
			if a.err != nil {
				t.Fatal(a.err)
			}
			if got := a.reasons(t, "number") + a.reasons(t, "mine"); got != "STATIC CACHED TARGETING_MATCH CACHED " {
				t.Errorf("ours answers %s", got)
			}
			ours.kill(t)
			a.await(t, openfeature.StaleState)

			theirs := serveForeign(t, ours.evaluation, v, &foreign{})
			theirs.set(2)
			a.awaitEvents(t, "STALE READY CHANGED")
			if asked := theirs.during(t, func() {
				if got := a.reasons(t, "number") + a.reasons(t, "mine"); got != "STATIC CACHED TARGETING_MATCH TARGETING_MATCH " {
					t.Errorf("another's answers %s", got)
				}
			}); asked != 3 {
				t.Errorf("it was asked %d times, want 3", asked)
			}
			a.awaitNumber(t, 2)
			theirs.set(3)
			a.awaitEvents(t, "STALE READY CHANGED CHANGED")
			if got := a.number(t.Context()); got != 3 {
				t.Errorf("after the event of the number 3 it is %d", got)
			}

			theirs.stop()
			a.awaitEvents(t, "CHANGED STALE")
			again := &process{evaluation: ours.evaluation, sync: freeAddress(t), args: []string{"--uri", "file:" + flagFile(t, 4)}}
			t.Cleanup(func() { again.kill(t) })
			again.start(t)
			a.awaitEvents(t, "STALE READY CHANGED")
			if got := a.number(t.Context()); got != 4 {
				t.Errorf("ours is back with the number 4, and it is %d", got)
			}
			if got := a.reasons(t, "mine"); got != "TARGETING_MATCH CACHED " {
				t.Errorf("ours, once more, answers %s", got)
			}
			if got := a.client.Int(t.Context(), "without-default", 7, gold()); got != 7 {
				t.Errorf("a flag without a default variant is %d", got)
			}
			if d, err := a.client.IntValueDetails(t.Context(), "without-default", 7, gold()); err != nil {
				t.Errorf("a flag without a default variant is %s, %v, as version 1 has it", d.Reason, err)
			}
		})
	}
}

// A server that knows the old version alone makes way for one that knows the new
// one alone, and the other way round.
func TestServerOfAnotherVersionTakesOver(t *testing.T) {
	t.Parallel()
	first := serveForeign(t, "", versions{one: true}, &foreign{})
	first.set(1)
	a := run(t, provider.WithSidecar(first.address), patient())
	if a.err != nil {
		t.Fatal(a.err)
	}
	a.awaitNumber(t, 1)
	before := first
	for n, v := range []versions{{two: true}, {one: true}, {two: true}} {
		before.stop()
		a.awaitEvents(t, "STALE")
		next := serveForeign(t, first.address, v, &foreign{})
		next.set(int64(n + 2))
		a.awaitEvents(t, "STALE READY CHANGED")
		a.awaitNumber(t, int64(n+2))
		before = next
	}
}

// A sidecar that moves to another address under the same name is found there.
func TestSidecarMovesToAnotherAddress(t *testing.T) {
	t.Parallel()
	for name, follow := range map[string]struct {
		option  func(string) provider.Option
		address func(*process) string
	}{
		"sidecar":     {provider.WithSidecar, func(p *process) string { return p.evaluation }},
		"sync stream": {provider.WithSyncStream, func(p *process) string { return p.sync }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := newProcess(t, "--uri", "file:"+flagFile(t, 1)), newProcess(t, "--uri", "file:"+flagFile(t, 2))
			here.start(t)
			var mu sync.Mutex
			now := follow.address(here) // what the name stands for
			var wrong atomic.Value
			a := run(t, follow.option("localhost:8013"), patient(), provider.WithDialOptions(
				grpc.WithContextDialer(func(ctx context.Context, name string) (net.Conn, error) {
					if port(name) != "8013" {
						wrong.Store(name)
					}
					mu.Lock()
					address := now
					mu.Unlock()
					return new(net.Dialer).DialContext(ctx, "tcp", address)
				})))
			if a.err != nil {
				t.Fatal(a.err)
			}
			a.awaitNumber(t, 1)
			there.start(t)
			mu.Lock()
			now = follow.address(there)
			mu.Unlock()
			here.kill(t)
			a.awaitEvents(t, "READY CHANGED")
			a.awaitNumber(t, 2)
			if name := wrong.Load(); name != nil {
				t.Errorf("the dialer was asked for %s", name)
			}
		})
	}
}

// The path of a socket belongs to whoever listens there now.
func TestSocketIsTakenOver(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]bool{"from one that was killed": true, "from one that still runs": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := socket(t)
			first := newProcess(t, "--socket-path", path, "--uri", "file:"+flagFile(t, 1))
			second := newProcess(t, "--socket-path", path, "--uri", "file:"+flagFile(t, 2))
			first.start(t)
			a := run(t, provider.WithSidecar("unix:"+path), patient())
			if a.err != nil {
				t.Fatal(a.err)
			}
			a.awaitNumber(t, 1)
			if kill {
				first.kill(t)
				a.awaitEvents(t, "STALE")
			} else {
				remove(t, path) // as who starts a new one beside the old may do
			}
			second.start(t)
			first.kill(t)
			a.awaitEvents(t, "STALE READY CHANGED")
			a.awaitNumber(t, 2)
		})
	}
}

// balance takes connections and hands them to servers in turn, until the test ends.
func balance(t testing.TB, servers ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", servers[n%len(servers)])
			if err != nil {
				from.Close()
				continue
			}
			for _, ends := range [][2]net.Conn{{from, to}, {to, from}} {
				all.Go(func() {
					_, _ = io.Copy(ends[0], ends[1]) // until either ends
					from.Close()
					to.Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// Behind something that balances connections, who answers may be another than who
// tells of changes. What the former says is not kept: nobody would say that it has
// changed.
func TestAnswersOfWhoDoesNotTellOfChangesAreNotKept(t *testing.T) {
	t.Parallel()
	files := []string{flagFile(t, 1), flagFile(t, 1)}
	var addresses []string
	for _, file := range files {
		s := newProcess(t, "--uri", "file:"+file)
		s.start(t)
		addresses = append(addresses, s.evaluation)
	}
	address := balance(t, addresses...)
	var apps []*app
	for range 4 {
		a := run(t, provider.WithSidecar(address), patient())
		if a.err != nil {
			t.Fatal(a.err)
		}
		apps = append(apps, a)
		for range 5 {
			for _, flag := range []string{"number", "mine"} {
				if got := a.client.Int(t.Context(), flag, -1, gold()); got != 1 && got != 10 {
					t.Errorf("%s = %d", flag, got)
				}
			}
		}
	}
	for n := 2; n < 5; n++ {
		for _, file := range files {
			write(t, file, document(n))
		}
		for _, a := range apps {
			a.awaitNumber(t, int64(n))
			eventually(t, "the other flag", func() string {
				if got := a.client.Int(t.Context(), "mine", -1, gold()); got != int64(10*n) {
					return fmt.Sprintf("it is %d", got)
				}
				return ""
			})
		}
	}
}
