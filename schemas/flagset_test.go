package schemas_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/flagline/flagline/schemas"
)

func TestFlagSetSchemaSaysWhatAFlagSetIs(t *testing.T) {
	schema := compile(t, schemas.FlagSet)
	for document, want := range map[string]bool{
		`{"flags":{}}`: true,
		`{"flags":[]}`: true,
		`{"flags":{"a":{"state":"ENABLED","variants":{"x":[1]},"x-own":{}}},"other":1}`: true,
		`{"flags":[{"key":"a","state":"DISABLED","variants":{"x":{}}}]}`:                true,
		`{"flags":{"a":{"state":"ENABLED","variants":{"x":1},"defaultVariant":null,"targeting":null,
			"description":"d","owner":"o","tags":["t"],"type":"release","expires":"2027-03-31T12:00:00Z"}}}`: true,
		`[]`:          false,
		`{}`:          false,
		`{"flags":1}`: false,
		`{"flags":{"":{"state":"ENABLED","variants":{"x":1}}}}`:                   false,
		`{"flags":{"a":{"state":"ENABLED"}}}`:                                     false,
		`{"flags":{"a":{"state":"on","variants":{"x":1}}}}`:                       false,
		`{"flags":{"a":{"state":"ENABLED","variants":{"x":null}}}}`:               false,
		`{"flags":{"a":{"state":"ENABLED","variants":{"x":1},"expires":"soon"}}}`: false,
		`{"flags":[{"state":"ENABLED","variants":{"x":1}}]}`:                      false,
		`{"flags":{},"metadata":{"a":{}}}`:                                        false,
		`{"flags":{},"$evaluators":[]}`:                                           false,
	} {
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); (err == nil) != want {
			t.Errorf("%s: valid is %v, want %v: %v", document, err == nil, want, err)
		}
	}
}

func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
