// Package natskv follows the flags of one environment on NATS.
//
// The server republishes every record as it is stored, and an ordinary
// subscription receives it: that costs the server next to nothing for each
// reader. Such a delivery is a hint that happens to carry the data. What is
// lost is noticed, by a gap in the sequences, a timer, a reconnect, and read
// again from the log; a generation is shown when everything up to its head is
// there and the digest agrees. docs/protocol.md tells the whole of it.
//
// A snapshot on disk, if there is a directory for it, answers when NATS is not
// there at the next start.
package natskv
