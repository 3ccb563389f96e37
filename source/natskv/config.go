package natskv

import (
	"log/slog"
	"time"
)

// A Config says which environment to follow, and how.
type Config struct {
	// Servers are the NATS servers, as nats://host:port, separated by
	// commas. Credentials do not belong here.
	Servers string

	// Environment is the environment to follow.
	Environment string

	// Credentials is a file with a NATS credential: a .creds file, or the
	// seed of an NKey. Without one the server decides who it lets in.
	Credentials string

	// TrustedKeys is a file with the keys that changes must be signed with:
	// see "flagline key". Without one the environment is not protected:
	// whoever may publish on NATS may change flags.
	TrustedKeys string

	// InboxPrefix is what the subjects begin with on which this connection
	// gets its answers, without a dot at the end. With a credential and an
	// Instance the default is the instance's own, _INBOX_<instance>, for
	// servers where no reader may listen to another's answers; else it is
	// that of every NATS client, _INBOX.
	InboxPrefix string

	// SnapshotDir is where the newest good state is kept for the next
	// start. Without one nothing is kept. A directory that cannot be
	// written is reported and otherwise done without.
	SnapshotDir string

	// Instance tells this process from the others of the fleet; the default
	// is the host's name and a random suffix. Service says what it is part
	// of, and Version is of the program; both may be empty.
	Instance, Service, Version string

	// StartupGrace is how long a start waits for NATS before it delivers an
	// older snapshot from disk; 0 means 250 milliseconds, less means not at
	// all.
	StartupGrace time.Duration

	// Logger gets what happens to the connection and the state; nil is
	// silent.
	Logger *slog.Logger
}
