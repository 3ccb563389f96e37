// Package examples holds the sample flags that `flagline dev` begins with.
package examples

import _ "embed"

// Flags are the flags of the checkout example, as a flagd document.
//
//go:embed checkout/flags.json
var Flags []byte
