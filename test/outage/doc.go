// Package outage shows that an application's provider outlives whatever befalls
// the place its flags come from: a sidecar, a sync stream, a file or NATS, each a
// process of its own or a real file, that is killed, paused, moved or replaced. It
// consists of tests.
package outage
