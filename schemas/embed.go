// Package schemas holds the JSON Schemas of everything that travels or rests.
package schemas

import _ "embed"

// FlagSet is the schema of a flag set: a flagd document, with Flagline's
// authoring properties beside flagd's own. It leaves targeting rules to
// package lint, which can say more about them than a schema.
//
//go:embed flagset.schema.json
var FlagSet []byte
