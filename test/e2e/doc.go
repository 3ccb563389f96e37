// Package e2e runs the programs as a user would and speaks to their ports
// alone. It consists of tests.
package e2e
