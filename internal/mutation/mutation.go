// Package mutation breaks the rules of the protocol on purpose, one at a time,
// so that `make mutants` can see whether the tests would notice.
//
// Each constant is false in every program; a build with one of the tags
// mutate_<name> makes exactly one of them true. What depends on a constant that
// is false is not compiled, so the switches cost nothing.
package mutation

// The rules that can be broken. At most one of them is true.
const (
	// NoDigest takes a generation whatever its records hash to.
	NoDigest = broken == "nodigest"

	// NoCheck never looks for a newer head without a reason.
	NoCheck = broken == "nocheck"

	// NoBeacon does not listen to beacons.
	NoBeacon = broken == "nobeacon"

	// NoReconnect does not look for what was missed during an outage.
	NoReconnect = broken == "noreconnect"

	// NoCommit shows records before a head closes them.
	NoCommit = broken == "nocommit"

	// LowerGeneration goes back to an older generation of the same incarnation.
	LowerGeneration = broken == "lowergeneration"

	// Gaps goes on over records that are missing.
	Gaps = broken == "gaps"
)
