package store

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/source"
)

// A set is one flag set of a layer: the bytes that the source delivered last,
// and the best that could be compiled from them.
type set struct {
	name   string
	bodies map[string][]byte
	body   []byte // of the settings

	flags       *evaluator.FlagSet
	settings    *evaluator.Settings
	quarantined map[string]quarantine
	refused     error // why body is not what settings was compiled from
}

// A quarantine is why the newest version of a flag does not answer.
type quarantine struct {
	cause  error
	broken bool // whether no version ever compiled
}

func newSet(name string) *set {
	s := &set{name: name, bodies: map[string][]byte{}, quarantined: map[string]quarantine{}}
	s.settings, s.refused = evaluator.CompileSettings(name, nil)
	s.flags = (*evaluator.FlagSet)(nil).With(s.settings, nil, nil)
	return s
}

func (s *set) empty() bool { return len(s.bodies) == 0 && s.body == nil }

// apply takes e over and returns the rejections of what it mentions, or of
// everything if it changes the settings, which all flags are compiled with.
func (s *set) apply(e *edit) []source.Rejection {
	changed, removed := s.remember(e.flags)
	renewed := s.applySettings(e)
	if renewed {
		changed = slices.Collect(maps.Keys(s.bodies))
	}
	put := s.compile(changed)
	if renewed || len(put) > 0 || len(removed) > 0 {
		s.flags = s.flags.With(s.settings, put, removed)
	}
	return slices.DeleteFunc(s.rejections(), func(r source.Rejection) bool {
		if r.Key == "" && s.refused != nil {
			return !e.withSettings
		}
		_, mentioned := e.flags[r.Key]
		return !mentioned && !renewed
	})
}

// remember takes over the bytes of flags and returns the keys whose bytes are
// not what they were.
func (s *set) remember(flags map[string][]byte) (changed, removed []string) {
	for key, body := range flags {
		old, had := s.bodies[key]
		switch {
		case body == nil && had:
			delete(s.bodies, key)
			delete(s.quarantined, key)
			removed = append(removed, key)
		case body != nil && !had:
			changed = append(changed, key)
			s.bodies[key] = body
		case body != nil && !bytes.Equal(old, body):
			changed = append(changed, key)
			// It may be a part of a document that holds all flags, most of which
			// are what they were: of these the older document is kept.
			s.bodies[key] = bytes.Clone(body)
		}
	}
	return changed, removed
}

// applySettings reports whether the settings have changed to others that
// compile. If they do not compile, the old ones stay.
func (s *set) applySettings(e *edit) bool {
	if !e.withSettings || bytes.Equal(e.settings, s.body) {
		return false
	}
	s.body = e.settings
	settings, err := evaluator.CompileSettings(s.name, e.settings)
	s.refused = err
	if err != nil {
		return false
	}
	s.settings = settings
	return true
}

// compile returns what to put in place for keys. A flag that does not compile
// is left as it is; one that never did gets something that says so.
func (s *set) compile(keys []string) []*evaluator.Flag {
	put := make([]*evaluator.Flag, 0, len(keys))
	for _, key := range keys {
		f, err := compileFlag(key, s.bodies[key], s.settings)
		if err == nil {
			delete(s.quarantined, key)
			put = append(put, f)
			continue
		}
		_, had := s.flags.Flag(key)
		broken := !had || s.quarantined[key].broken
		s.quarantined[key] = quarantine{cause: err, broken: broken}
		if broken && key != "" {
			put = append(put, evaluator.BrokenFlag(key, err))
		}
	}
	return put
}

var errNoKey = errors.New("the key of a flag must not be empty")

// compileFlag compiles a flag that somebody can ask for.
func compileFlag(key string, body []byte, settings *evaluator.Settings) (*evaluator.Flag, error) {
	if key == "" {
		return nil, errNoKey
	}
	return evaluator.CompileFlag(key, body, settings)
}

// rejections returns what does not compile, the settings first, then flags in
// byte order of keys.
func (s *set) rejections() []source.Rejection {
	var all []source.Rejection
	if s.refused != nil {
		all = append(all, source.Rejection{Set: s.name, Reason: "settings: " + s.refused.Error()})
	}
	for _, key := range slices.Sorted(maps.Keys(s.quarantined)) {
		all = append(all, source.Rejection{Set: s.name, Key: key, Reason: s.quarantined[key].cause.Error()})
	}
	return all
}
