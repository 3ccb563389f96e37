package journal

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

const suffix = ".journal"

// A Source is a journal of one incarnation of an environment, or a backup. It
// holds no file open between calls.
type Source struct {
	// Path is the directory or file.
	Path string

	// Environment and Incarnation are what it is about.
	Environment wire.Environment
	Incarnation string

	// Backup says that it is one file with an end, which is of no use unless
	// it is whole.
	Backup bool

	files []string
}

// OpenBackup opens what [Backup] wrote. Whether it is whole shows when it is
// read.
func OpenBackup(path string) (*Source, error) {
	h, err := readHeader(path)
	if err != nil {
		return nil, err
	}
	if !h.Backup {
		return nil, fmt.Errorf("%s: this is a segment of a journal; name the journal's directory instead", path)
	}
	return &Source{path, h.Environment, h.Incarnation, true, []string{path}}, nil
}

// OpenDirectory opens the journals of an environment in dir, the directory that
// holds those of all environments: one source for each incarnation. There are
// none if dir does not know the environment.
func OpenDirectory(dir string, env wire.Environment) ([]*Source, error) {
	entries, err := os.ReadDir(filepath.Join(dir, string(env)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var all []*Source
	for _, e := range entries {
		if !e.IsDir() || !directoryName(e.Name()) {
			continue
		}
		src, err := openIncarnation(filepath.Join(dir, string(env), e.Name()), env, e.Name())
		if err != nil {
			return nil, err
		}
		if len(src.files) > 0 {
			all = append(all, src)
		}
	}
	return all, nil
}

func openIncarnation(dir string, env wire.Environment, incarnation string) (*Source, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("journal: %w", err)
	}
	src := &Source{Path: dir, Environment: env, Incarnation: incarnation}
	for _, e := range entries { // sorted, as twenty digits sort
		if strings.HasSuffix(e.Name(), suffix) {
			src.files = append(src.files, filepath.Join(dir, e.Name()))
		}
	}
	return src, nil
}

func readHeader(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	d, h, err := newDecoder(f)
	if err != nil {
		return header{}, &DamageError{Path: path, Offset: d.offset, Err: err}
	}
	return h, nil
}

// A DamageError says where a journal or a backup stops being readable. What
// comes before it is whole.
type DamageError struct {
	Path       string
	Offset     int64  // in the file, in bytes
	Generation uint64 // the last one that is whole; 0 if none is
	Err        error
}

func (e *DamageError) Error() string {
	s := fmt.Sprintf("%s: at byte %d: %v", e.Path, e.Offset, e.Err)
	if e.Generation > 0 {
		s += fmt.Sprintf("; whole up to generation %d", e.Generation)
	}
	return s
}

// Unwrap returns what is wrong there.
func (e *DamageError) Unwrap() error { return e.Err }

// Generations yields each generation, oldest first, once its digest has been
// found right: the state that it leads to, and its records as they stood in the
// log. The last pair may be an error instead, most often a [*DamageError].
func (s *Source) Generations() iter.Seq2[*replica.Step, error] {
	return func(yield func(*replica.Step, error) bool) {
		for found, err := range s.scan() {
			if !yield(found.step, err) || err != nil {
				return
			}
		}
	}
}

// A found is a generation, and where it ends.
type found struct {
	step   *replica.Step
	file   int
	offset int64
}

func (s *Source) scan() iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		sc := &scanner{src: s, log: replica.NewLog(s.Environment, nil), next: 1}
		for i := range s.files {
			if !sc.file(i, yield) {
				return
			}
		}
		if s.Backup && !sc.ended {
			yield(found{}, sc.damage(len(s.files)-1, sc.at, errors.New("the backup was cut short: its end is missing")))
		}
	}
}

// A scanner goes through the files of a source.
type scanner struct {
	src     *Source
	log     *replica.Log
	next    uint64 // the sequence that must follow
	at      int64  // the offset in the file
	ended   bool
	refused error // why the newest head was passed over
}

func (sc *scanner) damage(file int, offset int64, err error) error {
	return &DamageError{Path: sc.src.files[file], Offset: offset, Generation: sc.log.State().Generation(), Err: err}
}

// file is false if there is nothing more to yield.
func (sc *scanner) file(i int, yield func(found, error) bool) bool {
	f, err := os.Open(sc.src.files[i])
	if err != nil {
		yield(found{}, err)
		return false
	}
	defer f.Close()
	d, h, err := newDecoder(f)
	if err == nil {
		err = sc.check(h)
	}
	if err != nil {
		yield(found{}, sc.damage(i, 0, err))
		return false
	}
	whole := d.offset // where the last whole generation ends
	for {
		sc.at = d.offset
		var l line
		err := d.next(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		var step *replica.Step
		if err == nil {
			step, err = sc.take(l)
		}
		if err != nil {
			yield(found{}, sc.damage(i, sc.at, err))
			return false
		}
		if step == nil {
			continue
		}
		whole = d.offset
		if !yield(found{step, i, whole}, nil) {
			return false
		}
	}
	if sc.log.Pending() {
		err := errors.New("the records that follow are not closed by a head")
		if sc.refused != nil {
			err = sc.refused
		}
		yield(found{}, sc.damage(i, whole, err))
		return false
	}
	return true
}

func (sc *scanner) check(h header) error {
	switch {
	case h.Environment != sc.src.Environment:
		return fmt.Errorf("of environment %q, not %q", h.Environment, sc.src.Environment)
	case h.Incarnation != sc.src.Incarnation:
		return fmt.Errorf("of incarnation %s, not %s", h.Incarnation, sc.src.Incarnation)
	case h.First != sc.next:
		return fmt.Errorf("it begins with sequence %d, where %d is next", h.First, sc.next)
	}
	return nil
}

// take goes a line further. It returns a step if that closes a generation.
func (sc *scanner) take(l line) (*replica.Step, error) {
	if sc.ended {
		return nil, errors.New("something follows the end")
	}
	if l.End != nil {
		return nil, sc.end(*l.End)
	}
	if l.Seq != sc.next {
		return nil, fmt.Errorf("sequence %d, where %d is next", l.Seq, sc.next)
	}
	sc.next++
	step, refused, err := takeRecord(sc.log, l.record())
	if step != nil && step.State.Head.Incarnation != sc.src.Incarnation {
		return nil, fmt.Errorf("a head of incarnation %s in the journal of %s", step.State.Head.Incarnation, sc.src.Incarnation)
	}
	if step != nil || refused != nil {
		sc.refused = refused
	}
	return step, err
}

func (sc *scanner) end(e end) error {
	now := sc.log.State()
	if !sc.src.Backup || sc.log.Pending() || e.Records != sc.next-1 || e.Generation != now.Generation() || e.Digest != now.Head.Digest {
		return fmt.Errorf("the end tells of %d records up to generation %d, but there are %d up to %d",
			e.Records, e.Generation, sc.next-1, now.Generation())
	}
	sc.ended = true
	return nil
}

// takeRecord offers r to log and steps if r is a complete head that is right.
// A head that is not is passed over, for a later one may be right, and is the
// reason that is returned.
func takeRecord(log *replica.Log, r replica.Record) (step *replica.Step, refused, err error) {
	if !log.Offer(r) {
		return nil, nil, fmt.Errorf("sequence %d: a change larger than can be held", r.Seq)
	}
	if r.Key != wire.HeadKey {
		return nil, nil, nil
	}
	if h, err := wire.ParseHead(r.Body); err != nil || h.More {
		return nil, nil, nil
	}
	step, refused = log.Advance(nil)
	return step, refused, nil
}

// Environments are the names of the environments that dir has journals of, in
// byte order.
func Environments(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		if _, err := wire.ParseEnvironment(e.Name()); err == nil && e.IsDir() {
			all = append(all, e.Name())
		}
	}
	slices.Sort(all)
	return all
}
