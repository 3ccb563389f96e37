//go:build race

package natskv_test

// fleetSize is smaller where the race detector makes everything some ten times
// slower, the server included.
const fleetSize = 500
