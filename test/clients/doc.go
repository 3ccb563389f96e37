// Package clients holds other people's clients against our sidecar: what works
// with flagd has to work here, unchanged.
//
// It is a module of its own, so that what these clients need never reaches
// ours. It builds the sidecar and speaks to its ports, and imports of ours only
// what is made to be handed to one of these clients, and what that needs to run.
package clients
