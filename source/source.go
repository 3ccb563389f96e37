// Package source says what a place that flags come from is: one interface, and
// the one kind of update that every such place delivers.
//
// The packages below it are named after what they adapt: a file, an
// environment on NATS. Package sourcetest checks that each of them keeps the
// contract written here.
package source

import (
	"context"
	"time"
)

// A Source delivers the flags of one origin.
type Source interface {
	// Name tells this source from the others of the same program, for
	// people and for selectors. It is the URI that the source was made from.
	Name() string

	// Watch delivers everything the origin holds to sink, then each change,
	// until ctx is done; it then returns nil. It returns an error only if it
	// cannot ever succeed: an origin that is away, or that holds nothing
	// usable yet, is the source's own to wait for, and to report.
	//
	// Watch blocks and starts no call to sink after it returned. It never
	// calls sink twice at once. A source may be watched again after Watch
	// returned.
	Watch(ctx context.Context, sink Sink) error
}

// A Sink takes what a [Source] delivers. Its methods are called from one
// goroutine at a time.
type Sink interface {
	// Apply makes u current, as one step that readers see whole or not at
	// all, and returns the flags whose new version could not be compiled.
	// For those the last good version keeps answering.
	Apply(u Update) []Rejection

	// Report notes how the source is doing. A source reports whenever its
	// Status changes, and from time to time if it does not.
	Report(s Status)
}

// An Update leads from one state of an origin to the next one.
type Update struct {
	// Version is the state that the update leads to.
	Version Version

	// Replace says that Records are all there is: what they do not mention
	// is gone. Otherwise they are what changed.
	Replace bool

	Records []Record
}

// A Record is one flag, or the settings that the flags of a set share.
type Record struct {
	Set  string // the flag set, "" for the unnamed one
	Key  string // the flag; not looked at if Settings
	Body []byte // a JSON object; nil if the record was removed

	// Settings says that Body holds what surrounds the flags of a flagd
	// document: "metadata", "$evaluators" and anything unknown.
	Settings bool
}

// A Version names one state of an origin. Origins that do not count their
// states, such as files, leave Incarnation empty and number what they
// delivered from 1.
type Version struct {
	Environment string
	Incarnation string    // which log the generation belongs to
	Epoch       uint64    // rises when someone goes back on purpose
	Generation  uint64    // counts the states of an incarnation, from 1
	Digest      string    // of the bytes of all records, in hexadecimal
	Time        time.Time // when the state was made, as its maker says
}

// A Rejection is a flag whose version in an update did not compile.
type Rejection struct {
	Set    string
	Key    string
	Reason string // for people
}

// A Status says how a source is doing.
type Status struct {
	// Connected says whether the source reaches its origin.
	Connected bool

	// Confirmed is when the source last knew that what it delivered is what
	// the origin holds; zero if never. Age is counted from here.
	Confirmed time.Time

	// Err is what keeps the source from its origin, or from taking what
	// the origin holds; nil if nothing does.
	Err error
}
