package rest

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/schemas"
)

func TestEveryRouteIsInTheContractAndBack(t *testing.T) {
	var contract struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(schemas.OpenAPI, &contract); err != nil {
		t.Fatal(err)
	}
	var promised []string
	for path, operations := range contract.Paths {
		for method := range operations {
			if method != "parameters" {
				promised = append(promised, strings.ToUpper(method)+" "+path)
			}
		}
	}
	var served []string
	for _, r := range (&server{}).routes() {
		served = append(served, r.method+" "+r.path)
	}
	slices.Sort(promised)
	slices.Sort(served)
	if !slices.Equal(promised, served) {
		t.Errorf("the contract promises\n%s\nand the handler serves\n%s", strings.Join(promised, "\n"), strings.Join(served, "\n"))
	}
}

func TestContractSaysWhoIsLetInWithoutToken(t *testing.T) {
	var contract struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(schemas.OpenAPI, &contract); err != nil {
		t.Fatal(err)
	}
	for _, r := range (&server{}).routes() {
		var operation struct {
			Security *[]any `json:"security"`
		}
		if err := json.Unmarshal(contract.Paths[r.path][strings.ToLower(r.method)], &operation); err != nil {
			t.Fatalf("%s %s: %v", r.method, r.path, err)
		}
		open := operation.Security != nil && len(*operation.Security) == 0
		if open != r.open {
			t.Errorf("%s %s is open in the contract: %v, in the handler: %v", r.method, r.path, open, r.open)
		}
	}
}

// The contract's schemas must name the members that the bodies have.
func TestContractNamesTheMembersOfBodies(t *testing.T) {
	var contract struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(schemas.OpenAPI, &contract); err != nil {
		t.Fatal(err)
	}
	bodies := []any{
		api.Flag{},
		api.Flags{},
		api.Environments{},
		api.ChangeRequest{},
		api.Parts{},
		api.Document{},
		api.Change{},
		api.Convergence{},
		api.History{},
		api.DiffRequest{},
		api.Diff{},
		api.EvaluateRequest{},
		api.Evaluation{},
		api.Fleet{},
	}
	for _, body := range bodies {
		kind := reflect.TypeOf(body)
		var members []string
		for f := range kind.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			members = append(members, name)
		}
		slices.Sort(members)
		promised := slices.Sorted(maps.Keys(contract.Components.Schemas[kind.Name()].Properties))
		if !slices.Equal(members, promised) {
			t.Errorf("%s has the members %v, and the contract names %v", kind.Name(), members, promised)
		}
	}
}
