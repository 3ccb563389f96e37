// Package clients holds other people's clients against our sidecar: what works
// with flagd has to work here, unchanged.
//
// It is a module of its own, so that what these clients need never reaches
// ours, and it imports nothing of ours: it builds the sidecar and speaks to
// its ports.
package clients
