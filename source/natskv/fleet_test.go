package natskv_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/base"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

// A fleet that starts all at once: 2,000 connections ask for 10,000 flags in
// the same moment. Each checks what it got down to the last byte, and keeps
// nothing: 2,000 real readers have 2,000 machines, and this is one.
func TestTwoThousandFirstLoadsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of connections")
	}
	o := started(t)
	o.commit(t, many(0, 10_000))
	o.writeBase(t)
	want := o.ledger.State().Digest()

	clients := make([]*natslog.Client, fleetSize)
	var wg sync.WaitGroup
	var first error
	var mu sync.Mutex
	for i := range 20 { // connecting is not what is tested
		wg.Go(func() {
			for j := i; j < fleetSize; j += 20 {
				nc, err := nats.Connect(o.url, nats.Timeout(30*time.Second))
				mu.Lock()
				if err != nil {
					first = err
				} else {
					t.Cleanup(nc.Close)
					clients[j] = natslog.Reader(nc, natstest.Environment)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if first != nil {
		t.Fatal(first)
	}

	c := checker{unpacked: make(map[string]string)}
	begin := make(chan struct{})
	failed := make(chan error, fleetSize)
	for _, client := range clients {
		wg.Go(func() {
			<-begin
			digest, err := c.load(t.Context(), client)
			if err == nil && digest != want {
				err = fmt.Errorf("digest %s, want %s", digest, want)
			}
			failed <- err
		})
	}
	start := time.Now()
	close(begin)
	wg.Wait()
	t.Logf("%d loads took %v", fleetSize, time.Since(start).Round(time.Millisecond))
	close(failed)
	errs := 0
	for err := range failed {
		if err == nil {
			continue
		}
		if errs++; errs <= 3 {
			t.Errorf("a load ended with %v", err)
		}
	}
	if errs > 0 {
		t.Errorf("%d of %d loads failed", errs, fleetSize)
	}
}

// A checker loads as a reader does. It unpacks the same bytes only once.
type checker struct {
	mu       sync.Mutex
	unpacked map[string]string // digest, by the hash of the index and all chunks
}

// load loads the base and returns the digest of what it holds.
func (c *checker) load(ctx context.Context, client *natslog.Client) (string, error) {
	index, chunks, err := client.Base(ctx)
	if err != nil {
		return "", err
	}
	head, err := client.HeadAt(ctx, index.Sequence)
	if err != nil {
		return "", err
	}
	if !index.Stands(head) {
		return "", fmt.Errorf("the base stands upon %+v", head)
	}
	key, err := hash(index, chunks)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if digest, ok := c.unpacked[key]; ok {
		return digest, nil
	}
	state, err := base.Unpack(index, chunks)
	if err != nil {
		return "", err
	}
	c.unpacked[key] = state.Digest().String()
	return c.unpacked[key], nil
}

func hash(index wire.BaseIndex, chunks [][]byte) (string, error) {
	all := sha256.New()
	body, err := index.Marshal()
	all.Write(body)
	for _, c := range chunks {
		all.Write(c)
	}
	return hex.EncodeToString(all.Sum(nil)), err
}

// A loaded is a sink that says when it has flags, compiled.
type loaded struct {
	source.Sink
	once sync.Once
	done chan struct{}
}

func (l *loaded) Apply(u source.Update) []source.Rejection {
	rejected := l.Sink.Apply(u)
	l.once.Do(func() { close(l.done) })
	return rejected
}

// BenchmarkFirstLoad is the time from a process's wish for flags until it could
// answer: connection, load, digest and compilation.
func BenchmarkFirstLoad(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		o := started(b)
		o.commit(b, many(0, n))
		for _, way := range []string{"replay", "base"} {
			if way == "base" {
				o.writeBase(b)
			}
			b.Run(fmt.Sprintf("%s/%d", way, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					src, err := natskv.New(natskv.Config{Servers: o.url, Environment: natstest.Environment, Instance: "bench"})
					if err != nil {
						b.Fatal(err)
					}
					sink := &loaded{Sink: store.New().Add("bench"), done: make(chan struct{})}
					ctx, cancel := context.WithCancel(b.Context())
					ended := make(chan error, 1)
					go func() { ended <- src.Watch(ctx, sink) }()
					<-sink.done
					b.StopTimer()
					cancel()
					if err := <-ended; err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
	}
}
