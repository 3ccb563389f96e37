package rest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/evaluator"
)

func (s *server) diff(r *http.Request, env Environment) (any, error) {
	var req api.DiffRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	docs, err := documents(req.Documents, req.Set)
	if err != nil {
		return nil, err
	}
	differences, err := admin.Diff(env.Ledger.State(), docs, req.Prune)
	if err != nil {
		return nil, err
	}
	answer := api.Diff{Equal: len(differences) == 0, Flags: []api.Difference{}}
	for _, d := range differences {
		answer.Flags = append(answer.Flags, api.Difference{
			Set:     d.Set,
			Key:     d.Key,
			Action:  string(d.Action),
			Summary: d.Summary(),
			Before:  d.Before,
			After:   d.After,
		})
	}
	return answer, nil
}

func (s *server) evaluate(r *http.Request, env Environment) (any, error) {
	var req api.EvaluateRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	st := env.Ledger.State()
	resolution := admin.Evaluate(st, setOf(st, req.Set, req.Key), req.Key, req.Context)
	value, ok, failed, err := typed(resolution, req.Type)
	if err != nil {
		return nil, err
	}
	answer := api.Evaluation{
		Key:        req.Key,
		Value:      json.RawMessage("null"),
		Reason:     string(resolution.Reason),
		Metadata:   resolution.Metadata,
		Generation: st.Generation(),
	}
	switch {
	case failed != nil:
		code, details := string(failed.Code), failed.Err.Error()
		answer.Reason, answer.ErrorCode, answer.ErrorDetails = string(evaluator.ReasonError), &code, &details
	case ok:
		if answer.Value, err = api.Marshal(value); err != nil {
			return nil, fmt.Errorf("the value of flag %q: %w", req.Key, err)
		}
		answer.Variant = &resolution.Variant
	}
	if answer.Metadata == nil {
		answer.Metadata = map[string]any{}
	}
	return answer, nil
}

// typed returns the value as applications ask for it. ok is false if theirs
// applies.
func typed(r evaluator.Resolution, kind string) (value any, ok bool, failed *evaluator.Error, err error) {
	switch kind {
	case "":
		return r.Value, r.Value != nil, r.Err, nil
	case "bool":
		value, ok, failed = r.Bool()
	case "string":
		value, ok, failed = r.Text()
	case "int":
		value, ok, failed = r.Int()
	case "float":
		value, ok, failed = r.Float()
	case "object":
		value, ok, failed = r.Object()
	default:
		err = &admin.UsageError{Message: fmt.Sprintf("there is no type %q; there are bool, string, int, float and object", kind)}
	}
	return value, ok, failed, err
}

func (s *server) fleet(_ *http.Request, env Environment) (any, error) {
	st := env.Ledger.State()
	answer := api.Fleet{Environment: st.Environment(), Generation: st.Generation(), Instances: []api.Instance{}}
	if env.Fleet == nil {
		return answer, nil
	}
	for _, i := range env.Fleet.Instances() {
		answer.Instances = append(answer.Instances, api.Instance{
			Instance:   i.Name,
			Service:    i.Service,
			Version:    i.Version,
			Generation: i.Generation,
			Digest:     i.Digest,
			State:      i.State,
			Reason:     i.Reason,
			AgeSeconds: i.Age.Seconds(),
		})
	}
	return answer, nil
}
