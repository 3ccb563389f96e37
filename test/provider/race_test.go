//go:build race

package main

// Whoever watches for races throws away what pools hold, at random.
const watchingRaces = true
