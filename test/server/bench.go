package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/flagline/flagline/test/server/process"
)

// A bench is what all measurements share: the programs, a folder, and what
// came out so far.
type bench struct {
	settings
	out     io.Writer
	root    string
	dir     string
	peers   []peer
	floor   string // the program
	figures *figures
}

// newBench builds all programs. Flagd may be missing, which is said in the
// figures and ends nothing.
func newBench(ctx context.Context, out io.Writer, s settings, root string) (*bench, error) {
	dir, err := os.MkdirTemp("", "flagline-server-")
	if err != nil {
		return nil, err
	}
	b := &bench{settings: s, out: out, root: root, dir: dir, figures: newFigures(s.rounds)}
	if err := b.build(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) } // the system cleans up what is left

func (b *bench) build(ctx context.Context) error {
	b.floor = filepath.Join(b.dir, "floor")
	sidecar, core := filepath.Join(b.dir, "flagline-sidecar"), filepath.Join(b.dir, "core")
	for _, p := range []struct{ folder, program, path string }{
		{".", b.floor, "./floor"},
		{".", core, "./core"},
		{b.root, sidecar, "./cmd/flagline-sidecar"},
	} {
		fmt.Fprintf(b.out, "building %s\n", filepath.Base(p.program))
		if err := process.Build(ctx, p.folder, p.program, p.path); err != nil {
			return err
		}
	}
	if flagd := b.findFlagd(ctx); flagd != "" {
		b.peers = append(b.peers, flagdPeer(flagd))
	}
	b.peers = append(b.peers, corePeer(core), ourPeer(sidecar))
	for _, p := range b.peers {
		info, err := os.Stat(p.program)
		if err != nil {
			return err
		}
		b.figures.Programs = append(b.figures.Programs, programRow{p.name, info.Size()})
	}
	return b.figures.readVersions(ctx)
}

// flagdModule is the main package of flagd.
const flagdModule = "github.com/open-feature/flagd/flagd"

// findFlagd returns flagd's program, which it builds unless there is one.
func (b *bench) findFlagd(ctx context.Context) string {
	if b.quick && b.flagd == "" {
		return ""
	}
	if b.flagd != "" {
		b.figures.Flagd = b.version
		return b.flagd
	}
	fmt.Fprintf(b.out, "building flagd %s, which takes minutes\n", b.version)
	if err := process.Install(ctx, b.dir, flagdModule+"@"+b.version); err != nil {
		fmt.Fprintf(b.out, "%v\ngoing on without flagd\n", err)
		return ""
	}
	b.figures.Flagd = b.version
	return filepath.Join(b.dir, "flagd")
}

// all measures everything that is wanted.
func (b *bench) all(ctx context.Context) error {
	if err := b.requests(ctx); err != nil {
		return err
	}
	if err := b.footprints(ctx); err != nil {
		return err
	}
	return b.broadcasts(ctx)
}

// wanted says so if a case is to be run.
func (b *bench) wanted(name string) bool {
	if !b.only.MatchString(name) {
		return false
	}
	fmt.Fprintln(b.out, name)
	return true
}
