// Package docs holds the prose of this repository to its word: what it shows
// compiles, what it tells the reader to type runs, and its links lead somewhere.
// It consists of tests.
package docs
