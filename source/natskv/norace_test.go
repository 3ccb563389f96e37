//go:build !race

package natskv_test

// fleetSize is how many readers start at once.
const fleetSize = 2000
