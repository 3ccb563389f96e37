package system

import (
	"context"

	flagd "github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/test/compare/workload"
)

// source is where flagd is told that its flags are from.
const source = "compare"

// NewFlagdCore is flagd's evaluator over flagd's store, without flags. Its
// logger discards everything.
func NewFlagdCore() (*flagd.JSON, error) {
	log := logger.NewLogger(nil, false)
	flags, err := store.NewStore(log, []string{source})
	if err != nil {
		return nil, err
	}
	return flagd.NewJSON(log, flags), nil
}

// LoadFlagd gives core all flags of document.
func LoadFlagd(core *flagd.JSON, document string) error {
	return core.SetState(sync.DataSync{FlagData: document, Source: source})
}

// flagdCore asks flagd for the type of each flag, as a service has to.
type flagdCore struct {
	core     *flagd.JSON
	flags    []workload.Flag
	contexts []map[string]any
}

func newFlagd(w workload.Workload) (System, error) {
	core, err := NewFlagdCore()
	if err != nil {
		return nil, err
	}
	document, err := workload.Document(w.Flags)
	if err != nil {
		return nil, err
	}
	if err := LoadFlagd(core, string(document)); err != nil {
		return nil, err
	}
	return &flagdCore{core: core, flags: w.Flags, contexts: w.Contexts()}, nil
}

func (s *flagdCore) Answer(flag, subject int) string {
	var variant string
	var err error
	ctx := context.Background()
	switch f, ec := &s.flags[flag], s.contexts[subject]; f.Type {
	case workload.Bool:
		_, variant, _, _, err = s.core.ResolveBooleanValue(ctx, "", f.Key, ec)
	case workload.Object:
		_, variant, _, _, err = s.core.ResolveObjectValue(ctx, "", f.Key, ec)
	default:
		_, variant, _, _, err = s.core.ResolveStringValue(ctx, "", f.Key, ec)
	}
	if err != nil {
		return err.Error()
	}
	return variant
}
