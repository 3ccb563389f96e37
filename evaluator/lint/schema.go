package lint

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/schemas"
)

var compiledSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	const url = "flagset.schema.json"
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas.FlagSet))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(url, doc); err != nil {
		return nil, err
	}
	return compiler.Compile(url)
})

// schema reports how doc, which is the document or a part of it that stands
// for itself, differs from the schema of flag sets.
func (c *critic) schema(doc any) {
	schema, err := compiledSchema()
	if err != nil {
		c.fail("", CodeSchema, "cannot be checked: %v", err)
		return
	}
	err = schema.Validate(doc)
	if violation, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		c.violation(violation)
	}
}

// settings is [critic.schema] for what a document says beside its flags.
func (c *critic) settings(settings map[string]any) {
	if isSettings(settings) {
		return
	}
	doc := maps.Clone(settings)
	doc["flags"] = map[string]any{}
	c.schema(doc)
}

// isSettings says whether the schema has nothing against settings, for sure.
func isSettings(settings map[string]any) bool {
	for name, v := range settings {
		switch v := v.(type) {
		case string:
			if name != "$schema" {
				return false
			}
		case map[string]any:
			if name != "$evaluators" && (name != "metadata" || !isMetadata(v)) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func isMetadata(metadata map[string]any) bool {
	for name, v := range metadata {
		switch v.(type) {
		case string:
		case float64:
			if name == "flagSetId" {
				return false
			}
		case bool:
			if name == "flagSetId" || name == "version" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// violation reports the innermost causes of v: the others only say that
// something inside them is wrong.
func (c *critic) violation(v *jsonschema.ValidationError) {
	location := v.InstanceLocation
	if c.index != "" && len(location) > 1 {
		location = slices.Clone(location)
		location[1] = c.index
	}
	at := pointerOf(location)
	for _, cause := range v.Causes {
		c.violation(cause)
	}
	if len(v.Causes) > 0 {
		return
	}
	severity := severityAt(location)
	if required, ok := v.ErrorKind.(*kind.Required); ok {
		for _, name := range required.Missing {
			c.reportViolation(at, severity, CodeMissingProperty, fmt.Sprintf("has no %q", name))
		}
		return
	}
	code, message := describe(v.ErrorKind)
	c.reportViolation(at, severity, code, message)
}

func (c *critic) reportViolation(at string, severity Severity, code Code, message string) {
	c.found = append(c.found, Finding{at, severity, code, message})
}

// severityAt is an error where evaluation depends on the value. flagd serves
// metadata as they are, and properties for authors it never looks at.
func severityAt(location []string) Severity {
	switch {
	case len(location) > 1 && location[0] == "metadata":
		return SeverityWarning
	case len(location) > 3 && location[0] == "flags" && location[2] == "metadata":
		return SeverityWarning
	case len(location) > 2 && location[0] == "flags" && forAuthors[location[2]]:
		return SeverityWarning
	}
	return SeverityError
}

var forAuthors = map[string]bool{
	"description": true, "owner": true, "tags": true, "type": true, "expires": true,
}

func pointerOf(location []string) (pointer string) {
	for _, step := range location {
		pointer = syntax.Pointer(pointer, step)
	}
	return pointer
}

// describe says what the schema objects to. It knows the keywords that our
// schema uses.
func describe(violation jsonschema.ErrorKind) (Code, string) {
	switch v := violation.(type) {
	case *kind.Type:
		return CodeWrongType, fmt.Sprintf("is %s, want %s", article(v.Got), alternatives(v.Want, article))
	case *kind.Enum:
		return CodeWrongValue, fmt.Sprintf("is %v, want %s", quoted(v.Got), alternatives(v.Want, quoted))
	case *kind.Pattern:
		return CodeWrongFormat, fmt.Sprintf("is %q, want a date such as 2027-03-31 or 2027-03-31T12:00:00Z", v.Got)
	case *kind.MinProperties, *kind.MinLength:
		return CodeEmpty, "must not be empty"
	case *kind.FalseSchema:
		return CodeEmpty, "the key of a flag must not be empty"
	default:
		return CodeSchema, "violates the schema: " + strings.Join(violation.KeywordPath(), "/")
	}
}

func article(jsonType string) string {
	switch jsonType {
	case "null":
		return "null"
	case "array", "object", "integer":
		return "an " + jsonType
	default:
		return "a " + jsonType
	}
}

func quoted(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return syntax.Kind(v)
}

func alternatives[T any](values []T, word func(T) string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = word(v)
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}
