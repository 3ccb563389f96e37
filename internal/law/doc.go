// Package law holds the code to docs/architecture.md: which packages there are,
// who imports whom, and what is kept out. It consists of tests.
package law
