package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/internal/flagdoc"
)

// longestWait bounds how long a request may wait for the fleet.
const longestWait = 10 * time.Minute

func (s *server) change(r *http.Request, env Environment) (any, error) {
	var req api.ChangeRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	if req.Author == "" {
		return nil, &admin.UsageError{Message: "a change needs an author"}
	}
	if err := admin.CheckText("", req.Definition); err != nil {
		return nil, err
	}
	plan, err := planned(r.Context(), env.Ledger, req)
	if err != nil {
		return nil, err
	}
	var told teller
	draft := admin.Draft{
		Author: req.Author, Reason: req.Reason, Expect: req.ExpectGeneration, Plan: told.listen(plan),
		AllowShrink: req.AllowShrink || req.Verb == api.VerbDelete, // who names a flag means it
	}
	publish := env.Ledger.Commit
	if req.DryRun {
		publish = env.Ledger.Preview
	}
	made, err := publish(r.Context(), draft)
	if err != nil {
		return nil, err
	}

	answer := changeOf(made)
	answer.DryRun = req.DryRun
	told.summarize(answer.Flags)
	if made.ID != "" && req.Wait > 0 {
		answer.Convergence = converged(r.Context(), env.Fleet, made.Generation, req.Wait)
	}
	return answer, nil
}

func converged(ctx context.Context, fleet *admin.Fleet, generation uint64, seconds float64) *api.Convergence {
	if fleet == nil {
		fleet = admin.NewFleet()
	}
	wait := longestWait
	if seconds < longestWait.Seconds() {
		wait = time.Duration(seconds * float64(time.Second))
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	c := fleet.Wait(ctx, generation)
	answer := &api.Convergence{
		Generation: c.Generation,
		Expected:   c.Expected,
		Applied:    c.Applied,
		Rejected:   []api.Rejected{},
		Silent:     c.Silent,
	}
	for _, r := range c.Rejected {
		answer.Rejected = append(answer.Rejected, api.Rejected(r))
	}
	return answer
}

// planned finds the plan for a request, before any state is known.
func planned(ctx context.Context, l admin.Ledger, req api.ChangeRequest) (admin.Plan, error) {
	if req.Verb == api.VerbApply {
		docs, err := documents(req.Documents, req.Set)
		return admin.Apply(docs, req.Prune), err
	}
	if req.Key == "" {
		return nil, &admin.UsageError{Message: fmt.Sprintf("%q needs the key of a flag", req.Verb)}
	}
	if req.Verb == api.VerbRollback {
		return admin.Rollback(ctx, l, setOf(l.State(), req.Set, req.Key), req.Key, req.To)
	}
	verb, err := verbOf(req)
	if err != nil {
		return nil, err
	}
	return func(st admin.State) ([]admin.Edit, error) {
		set, err := setToChange(st, req)
		if err != nil {
			return nil, err
		}
		return verb(set)(st)
	}, nil
}

// verbOf returns what plans the change once the flag set is known.
func verbOf(req api.ChangeRequest) (func(set string) admin.Plan, error) {
	key := req.Key
	switch req.Verb {
	case api.VerbEnable:
		return func(set string) admin.Plan { return admin.Enable(set, key) }, nil
	case api.VerbDisable:
		return func(set string) admin.Plan { return admin.Disable(set, key) }, nil
	case api.VerbToggle:
		return func(set string) admin.Plan { return admin.Toggle(set, key) }, nil
	case api.VerbKill:
		if req.Variant == "" {
			return nil, &admin.UsageError{Message: `"kill" needs the variant that everyone shall get`}
		}
		return func(set string) admin.Plan { return admin.Kill(set, key, req.Variant) }, nil
	case api.VerbDelete:
		return func(set string) admin.Plan { return admin.Delete(set, key) }, nil
	case api.VerbCreate:
		definition, err := definitionOf(req)
		return func(set string) admin.Plan { return admin.Create(set, key, definition) }, err
	case api.VerbSet:
		return setVerb(req)
	}
	return nil, &admin.UsageError{Message: fmt.Sprintf("there is no verb %q", req.Verb)}
}

func setVerb(req api.ChangeRequest) (func(set string) admin.Plan, error) {
	switch {
	case req.Definition != nil && req.Parts != nil:
		return nil, errBoth
	case req.Definition != nil:
		return func(set string) admin.Plan { return admin.Define(set, req.Key, req.Definition) }, nil
	case req.Parts != nil:
		return func(set string) admin.Plan { return admin.Set(set, req.Key, partsOf(*req.Parts)) }, nil
	}
	return nil, &admin.UsageError{Message: "say what to set: parts of the flag, or its whole definition"}
}

func definitionOf(req api.ChangeRequest) ([]byte, error) {
	switch {
	case req.Definition != nil && req.Parts != nil:
		return nil, errBoth
	case req.Definition != nil:
		return req.Definition, nil
	case req.Parts != nil:
		return partsOf(*req.Parts).Definition()
	}
	return nil, &admin.UsageError{Message: "a new flag needs a definition, or parts of one"}
}

var errBoth = &admin.UsageError{Message: "give the whole definition or parts of it, not both"}

func partsOf(p api.Parts) admin.Parts {
	return admin.Parts{
		DefaultVariant: p.DefaultVariant,
		State:          p.State,
		Targeting:      p.Targeting,
		Variants:       p.Variants,
		Description:    p.Description,
		Owner:          p.Owner,
		Tags:           p.Tags,
	}
}

// setToChange finds the set that a change is about. A new flag need not be in
// any yet.
func setToChange(st admin.State, req api.ChangeRequest) (string, error) {
	switch {
	case req.Set != nil:
		return *req.Set, nil
	case req.Verb == api.VerbCreate:
		return "", nil
	}
	f, err := admin.Find(st, nil, req.Key)
	return f.Set, err
}

// documents reads what is to be applied. A set that was asked for replaces the
// one that a document names.
func documents(sent []api.Document, set *string) ([]admin.Document, error) {
	if len(sent) == 0 {
		return nil, &admin.UsageError{Message: "there is no document to look at"}
	}
	docs := make([]admin.Document, 0, len(sent))
	var found []admin.Finding
	for _, d := range sent {
		if invalid, ok := errors.AsType[*admin.InvalidError](admin.CheckText(d.File, d.Document)); ok {
			found = append(found, invalid.Findings...)
			continue
		}
		doc, err := flagdoc.Parse(d.Document)
		if err != nil {
			found = append(found, admin.Finding{File: d.File, Code: "not_a_document", Message: err.Error()})
			continue
		}
		if set != nil && doc.Set != *set {
			doc, err = renamed(doc, *set)
		}
		docs = append(docs, admin.Document{File: d.File, Document: doc})
		if err != nil {
			return nil, err
		}
	}
	if found != nil {
		return nil, &admin.InvalidError{Findings: found}
	}
	return docs, nil
}

// renamed gives doc to another set. Settings that named the old one name the
// new one: a client that selects by name must find its flags.
func renamed(doc flagdoc.Document, set string) (flagdoc.Document, error) {
	named := doc.Set != ""
	doc.Set = set
	if !named || set == "" {
		return doc, nil
	}
	doc, err := flagdoc.Parse(flagdoc.Format(doc))
	if err != nil {
		return doc, fmt.Errorf("rename the flag set to %q: %w", set, err)
	}
	return doc, nil
}

// A teller remembers what a plan last said, to tell people what it changed.
type teller struct{ summaries map[[2]string]string }

func (t *teller) listen(plan admin.Plan) admin.Plan {
	return func(st admin.State) ([]admin.Edit, error) {
		edits, err := plan(st)
		t.summaries = make(map[[2]string]string)
		for _, d := range admin.Compare(st, edits) {
			t.summaries[[2]string{d.Set, d.Key}] = d.Summary()
		}
		return edits, err
	}
}

func (t *teller) summarize(flags []api.Touched) {
	for i, f := range flags {
		flags[i].Summary = t.summaries[[2]string{f.Set, f.Key}]
	}
}

func changeOf(c admin.Change) api.Change {
	answer := api.Change{
		Environment: c.Environment,
		Generation:  c.Generation,
		Digest:      c.Digest,
		Author:      c.Author,
		Reason:      c.Reason,
		Flags:       []api.Touched{},
	}
	if c.ID != "" {
		answer.Change, answer.Time = &c.ID, &c.Time
	}
	for _, f := range c.Flags {
		answer.Flags = append(answer.Flags, api.Touched{Set: f.Set, Key: f.Key, Action: string(f.Action)})
	}
	return answer
}
