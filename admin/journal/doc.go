// Package journal keeps the log of an environment outside of JetStream, so that
// the loss of every NATS server loses nothing: what is in a journal can be
// published again.
//
// A [Keeper] tails an environment's log into a directory, [Follow] does so for
// as long as it runs, and [Backup] writes one file. What either wrote is read
// back as a [Source], generation by generation, each held against its digest;
// [Choose] takes the best of several.
//
// # The format
//
// A journal is a directory <environment>/<incarnation> of segments, named by
// the sequence of their first record in twenty digits, with the suffix
// ".journal". A segment begins where the one before it ends, and a generation
// is never in two of them. A backup is one file of the same format, with an end.
//
//	file  = "flagline-journal 1\n" entry…
//	entry = size ‖ sum ‖ payload
//	size  = length of the payload in bytes, 32 bits, big-endian
//	sum   = CRC-32C over size and payload, 32 bits, big-endian
//
// Each payload is a JSON object. The first is the header:
//
//	{"environment":"prod","incarnation":"k3…","first":1,"backup":true}
//
// where first is the sequence of the first record. Each further one is a record
// of the log, in the order of sequences and without a gap; a record without a
// body was removed:
//
//	{"seq":7,"key":"flag.=.banner","body":"<base64>","change":"…","author":"…",
//	 "reason":"…","time":"<RFC 3339>","generation":3}
//
// A backup, and no segment, ends with
//
//	{"end":{"records":812,"generation":97,"digest":"<hex>"}}
//
// so that one which was cut short is known. Records up to and including a
// complete head are a generation; docs/protocol.md says what heads are.
package journal
