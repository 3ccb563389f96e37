package schemas

import _ "embed"

// OpenAPI is the contract of the admin API, as OpenAPI 3.1.
//
//go:embed openapi.json
var OpenAPI []byte
