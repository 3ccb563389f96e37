package schemas

import _ "embed"

// What travels on NATS beside flags, as docs/protocol.md tells it. The schemas
// refer to each other by their $id.
var (
	// Head is the schema of the record that closes a generation.
	//
	//go:embed head.schema.json
	Head []byte

	// Beacon is the schema of a control plane's sign of life.
	//
	//go:embed beacon.schema.json
	Beacon []byte

	// Report is the schema of what an instance tells the fleet of itself.
	//
	//go:embed report.schema.json
	Report []byte

	// BaseIndex is the schema of the index of a base.
	//
	//go:embed base-index.schema.json
	BaseIndex []byte
)
