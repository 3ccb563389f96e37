package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
	"github.com/flagline/flagline/test/server/process"
	"github.com/flagline/flagline/test/server/wire"
)

// connections is on how many of them a server is asked, one request at a time on
// each.
const connections = 8

// A runner is one server in one case.
type runner struct {
	kase     string
	system   string
	process  *process.Process
	address  string
	question wire.Question
	bytes    int // of the answer's body
	asked    int // the number of the last request

	micros, client, perSecond, p50, p99 []float64
}

// requests measures single requests of all kinds.
func (b *bench) requests(ctx context.Context) error {
	kinds := slices.DeleteFunc(b.kinds(), func(k kind) bool { return !b.only.MatchString(k.name) })
	if len(kinds) == 0 {
		return nil
	}
	servers := make(map[int][]*server) // by the flags that they have
	defer func() {
		for _, list := range servers {
			for _, s := range list {
				s.Stop()
			}
		}
	}()
	for _, k := range kinds {
		if servers[k.flags] != nil {
			continue
		}
		file, err := b.file(fmt.Sprintf("requests-%d.json", k.flags), k.flags)
		if err != nil {
			return err
		}
		for _, p := range b.peers {
			s, _, err := b.start(ctx, p, true, file)
			if err != nil {
				return err
			}
			servers[k.flags] = append(servers[k.flags], s)
		}
	}
	runners, err := b.runners(ctx, kinds, servers)
	if err != nil {
		return err
	}
	floors, err := b.startFloors(ctx, runners)
	if err != nil {
		return err
	}
	defer floors.stop()
	return b.measure(ctx, runners)
}

// file writes a document of n flags.
func (b *bench) file(name string, n int) (string, error) {
	doc, err := document(n, 0)
	if err != nil {
		return "", err
	}
	name = filepath.Join(b.dir, name)
	return name, os.WriteFile(name, doc, 0o644)
}

// runners compare answers, and return who is to be asked what. Floors have no
// process yet, and their answers are in files by the name of the case.
func (b *bench) runners(ctx context.Context, kinds []kind, servers map[int][]*server) ([]*runner, error) {
	if err := os.Mkdir(b.answers(), 0o755); err != nil {
		return nil, err
	}
	var runners []*runner
	for _, k := range kinds {
		b.wanted(k.name)
		timed, err := k.agree(ctx, servers[k.flags])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		q, err := k.ask(k.hit())
		if err != nil {
			return nil, err
		}
		floor := &runner{kase: k.name, system: k.floor, question: q, bytes: len(timed)}
		for _, s := range servers[k.flags] {
			r := &runner{kase: k.name, system: s.name, process: s.Process, address: k.address(s), question: q, bytes: len(timed)}
			if k.unchanged {
				if !s.full {
					continue
				}
				a, err := askOnce(ctx, r.address, &q)
				if err != nil {
					return nil, err
				}
				r.question.Header = []wire.Field{{Name: "If-None-Match", Value: a.ETag}}
				r.question.Want, r.bytes = 304, 0
				floor.question = r.question
				timed = nil
			}
			runners = append(runners, r)
		}
		floor.bytes = len(timed)
		if k.floor == nethttp {
			name := fileName(k.name)
			floor.question.Path = "/" + name
			if err := os.WriteFile(filepath.Join(b.answers(), name), timed, 0o644); err != nil {
				return nil, err
			}
		}
		runners = append(runners, floor)
	}
	return runners, nil
}

func (b *bench) answers() string { return filepath.Join(b.dir, "answers") }

func fileName(kase string) string {
	return strings.ReplaceAll(strings.ReplaceAll(kase, ",", ""), " ", "-")
}

// floors are the servers of constants that run.
type floors []*process.Process

func (f floors) stop() {
	for _, p := range f {
		p.Stop()
	}
}

// startFloors starts the servers of constants, and hands them to their runners.
func (b *bench) startFloors(ctx context.Context, runners []*runner) (floors, error) {
	var all floors
	for name, args := range map[string][]string{
		nethttp: {"http", "", b.answers()}, grpcgo: {"grpc", ""}, connect: {"connect", ""},
	} {
		found, err := process.Ports(1)
		if err != nil {
			return all, err
		}
		args[1] = found[0]
		p, err := process.Start(ctx, name, true, b.floor, args...)
		if err != nil {
			all.stop()
			return nil, err
		}
		all = append(all, p)
		for _, r := range runners {
			if r.system != name {
				continue
			}
			r.process, r.address = p, found[0]
			err := p.Await(ctx, time.Minute, "wait for an answer", func() bool {
				_, err := askOnce(ctx, r.address, &r.question)
				return err == nil
			})
			if err != nil {
				all.stop()
				return nil, err
			}
		}
	}
	return all, nil
}

// measure asks everyone once in each round, and begins each round with another
// one of each case.
func (b *bench) measure(ctx context.Context, runners []*runner) error {
	cases := slices.CompactFunc(slices.Clone(runners), func(x, y *runner) bool { return x.kase == y.kase })
	for round := range b.rounds {
		for _, first := range cases {
			var of []*runner
			for _, r := range runners {
				if r.kase == first.kase {
					of = append(of, r)
				}
			}
			for i := range of {
				if err := of[(i+round)%len(of)].sample(ctx, b.batch); err != nil {
					return err
				}
			}
		}
		fmt.Fprintf(b.out, "round %d of %d\n", round+1, b.rounds)
	}
	for _, r := range runners {
		b.figures.Rows = append(b.figures.Rows, r.row())
	}
	return nil
}

// sample asks for a while that counts, after a while that does not.
func (r *runner) sample(ctx context.Context, batch time.Duration) error {
	crowd, err := wire.Gather(ctx, r.address, &r.question, connections, r.asked)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", r.kase, r.system, err)
	}
	defer func() {
		r.asked = crowd.Last() // who comes back with the same number is known
		crowd.Close()
	}()
	if _, err := crowd.Run(batch / 5); err != nil {
		return fmt.Errorf("%s, %s: %w", r.kase, r.system, err)
	}
	before, err := r.process.Used()
	if err != nil {
		return err
	}
	own := cputime.Used()
	load, err := crowd.Run(batch)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", r.kase, r.system, err)
	}
	own = cputime.Used() - own
	after, err := r.process.Used()
	if err != nil {
		return err
	}
	n := float64(load.Requests)
	r.micros = append(r.micros, micros(after-before)/n)
	r.client = append(r.client, micros(own)/n)
	r.perSecond = append(r.perSecond, n/load.Took.Seconds())
	r.p50 = append(r.p50, micros(load.Quantile(0.5)))
	r.p99 = append(r.p99, micros(load.Quantile(0.99)))
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func (r *runner) row() row {
	return row{
		Case: r.kase, System: r.system, Bytes: r.bytes,
		Micros: significant(median(r.micros)), Min: significant(slices.Min(r.micros)), Max: significant(slices.Max(r.micros)),
		Client: significant(median(r.client)), PerSecond: significant(median(r.perSecond)),
		P50: significant(median(r.p50)), P99: significant(median(r.p99)),
	}
}

func median(samples []float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
