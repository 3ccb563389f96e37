package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// changes is how often a flag is changed, one at a time.
const changes = 3

// A footprint is what a server takes to hold flags from a file, and to follow
// the file.
type footprint struct {
	start, startUsed       []float64 // seconds
	resident, peak, after  []float64 // MiB
	change, changeUsed     []float64 // seconds
	system                 string
	flags, rounds, changed int
}

// footprints measure memory, starts and changes.
func (b *bench) footprints(ctx context.Context) error {
	for _, n := range []int{100, 10_000, 100_000} {
		name := fmt.Sprintf("footprint, %d flags", n)
		if !b.wanted(name) {
			continue
		}
		var all []*footprint
		for _, p := range b.peers {
			// What takes others minutes is done once, or not at all.
			f := &footprint{system: p.name, flags: n, rounds: min(b.rounds, 5), changed: changes}
			if p.name != ours && n >= 10_000 {
				f.rounds, f.changed = 1, 1
			}
			if p.name != ours && n >= 100_000 && !b.large {
				continue
			}
			all = append(all, f)
			for range f.rounds {
				if err := b.footprint(ctx, p, f); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
		for _, f := range all {
			b.figures.Footprints = append(b.figures.Footprints, f.row())
		}
	}
	return nil
}

// footprint starts a server once, with all cores of the machine.
func (b *bench) footprint(ctx context.Context, p peer, f *footprint) error {
	n := b.few(f.flags)
	file, err := b.file("footprint.json", n)
	if err != nil {
		return err
	}
	s, took, err := b.start(ctx, p, false, file)
	if err != nil {
		return err
	}
	defer s.Stop()
	used, err := s.Used()
	if err != nil {
		return err
	}
	if err := s.quiet(ctx); err != nil {
		return err
	}
	resident, peak, err := s.Memory()
	if err != nil {
		return err
	}
	f.start = append(f.start, took.Seconds())
	f.startUsed = append(f.startUsed, used.Seconds())
	f.resident = append(f.resident, mebibytes(resident))
	f.peak = append(f.peak, mebibytes(peak))
	for revision := range f.changed {
		if err := b.change(ctx, s, f, n, revision+1); err != nil {
			return err
		}
	}
	resident, _, err = s.Memory()
	f.after = append(f.after, mebibytes(resident))
	return err
}

// change replaces the file with one in which one flag differs.
func (b *bench) change(ctx context.Context, s *server, f *footprint, n, revision int) error {
	doc, err := document(n, revision)
	if err != nil {
		return err
	}
	before, err := s.Used()
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(b.dir, "footprint.json"), doc); err != nil {
		return err
	}
	begin := time.Now()
	if err := s.awaitRevision(ctx, revision); err != nil {
		return err
	}
	took := time.Since(begin)
	if err := s.quiet(ctx); err != nil {
		return err
	}
	after, err := s.Used()
	f.change = append(f.change, took.Seconds())
	f.changeUsed = append(f.changeUsed, (after - before).Seconds())
	return err
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

func (f *footprint) row() footprintRow {
	return footprintRow{
		System: f.system, Flags: f.flags,
		Start: significant(median(f.start)), StartUsed: significant(median(f.startUsed)),
		Resident: significant(median(f.resident)), Peak: significant(slices.Max(f.peak)),
		After:  significant(median(f.after)),
		Change: significant(median(f.change)), ChangeUsed: significant(median(f.changeUsed)),
		Rounds: f.rounds,
	}
}
