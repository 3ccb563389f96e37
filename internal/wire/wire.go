// Package wire spells the protocol of Flagline on NATS: the names of streams
// and subjects, the records in them, and their headers.
//
// It is the protocol's vocabulary and nothing else: it opens no connection and
// imports no NATS library, so that readers, publishers and checkers can share
// it. What the words mean together is told in docs/protocol.md.
package wire

import (
	"fmt"
	"strings"
)

// Headers on every record of a change.
const (
	HeaderChange     = "Flagline-Change"     // id of the change
	HeaderAuthor     = "Flagline-Author"     // who made it; see [EncodeText]
	HeaderReason     = "Flagline-Reason"     // why; see [EncodeText]
	HeaderGeneration = "Flagline-Generation" // the generation that the change makes
)

// An Environment is the name of an environment and knows every name that is
// derived from it. Make one with [ParseEnvironment].
type Environment string

// ParseEnvironment checks name: 1 to 32 of a-z, 0-9 and "-".
func ParseEnvironment(name string) (Environment, error) {
	if name == "" || len(name) > 32 {
		return "", fmt.Errorf("environment %q: a name has 1 to 32 characters", name)
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", fmt.Errorf("environment %q: %q is not allowed; use a-z, 0-9 and \"-\"", name, c)
		}
	}
	return Environment(name), nil
}

// Bucket is the name of the environment's KV bucket.
func (e Environment) Bucket() string { return "flags-" + string(e) }

// Stream is the name of the stream behind the bucket.
func (e Environment) Stream() string { return "KV_" + e.Bucket() }

// EnvironmentOf is the reverse of [Environment.Stream]. ok is false if stream
// does not hold an environment.
func EnvironmentOf(stream string) (e Environment, ok bool) {
	name, ok := strings.CutPrefix(stream, "KV_flags-")
	if !ok {
		return "", false
	}
	e, err := ParseEnvironment(name)
	return e, err == nil
}

// Subject is where the record with that key is stored.
func (e Environment) Subject(key string) string { return "$KV." + e.Bucket() + "." + key }

// Key is the reverse of [Environment.Subject]. ok is false if subject is not
// one of the environment's.
func (e Environment) Key(subject string) (key string, ok bool) {
	return strings.CutPrefix(subject, "$KV."+e.Bucket()+".")
}

// Subjects is what all records of the environment are stored under.
func (e Environment) Subjects() string { return e.Subject(">") }

// Changes is where the server republishes records as they are stored, and
// where beacons are sent.
func (e Environment) Changes() string { return "flagline." + string(e) + ".changes.>" }

// Beacon is where a control plane says that it is alive.
func (e Environment) Beacon() string { return "flagline." + string(e) + ".changes.beacon" }

// BaseStream is the name of the stream that holds the base.
func (e Environment) BaseStream() string { return e.Bucket() + "-base" }

// Base is where the part of the base of that name is stored: "index", or the
// number of a chunk.
func (e Environment) Base(part string) string { return "flagline." + string(e) + ".base." + part }

// GetBase is where a reader asks for the base.
func (e Environment) GetBase() string { return "flagline." + string(e) + ".get.base" }

// GetHead is where a reader asks for the record head.
func (e Environment) GetHead() string { return "flagline." + string(e) + ".get.head" }

// GetLog is where a reader asks for records by sequence.
func (e Environment) GetLog() string { return "flagline." + string(e) + ".get.log" }

// Fleet is where the instance of that name reports.
func (e Environment) Fleet(instance string) string {
	return "flagline." + string(e) + ".fleet." + escape(instance)
}

// FleetAll is where all instances report.
func (e Environment) FleetAll() string { return "flagline." + string(e) + ".fleet.*" }

// Inbox is where answers come to the instance of that name, where each reader
// has an inbox of its own: what subjects for answers begin with, without a dot
// at the end.
func Inbox(instance string) string { return "_INBOX_" + escape(instance) }
