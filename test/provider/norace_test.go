//go:build !race

package main

const watchingRaces = false
