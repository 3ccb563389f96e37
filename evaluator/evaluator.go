// Package evaluator decides which variant of a feature flag a subject gets.
//
// A flag set arrives as a flagd document. [Compile] turns it, once, into an
// immutable [FlagSet]; [FlagSet.Evaluate] then answers questions about it,
// from any number of goroutines, without locks:
//
//	set, err := evaluator.Compile(document)
//	...
//	answer := set.Evaluate("new-checkout", evaluator.Context{"targetingKey": "user-7"})
//
// Whoever receives flags one at a time compiles them one at a time, with
// [CompileSettings] and [CompileFlag], and derives each flag set from the one
// before it with [FlagSet.With].
//
// The semantics are flagd's, quirks included; docs/differences-from-flagd.md
// lists the exceptions. An answer depends on the document and the [Context]
// alone, except where a rule reads $flagd.timestamp. This package opens no file
// and no connection, starts no goroutine and writes no log, which is why the
// sidecar, the provider and the admin tool cannot disagree about a flag.
//
// Evaluating is cheap: tens of nanoseconds for a flag without a rule or with a
// simple one, a few hundred for a chain of many conditions, and hardly more for a
// context of many attributes. It allocates nothing for rules that compare up to
// eight variables, of JSON's types, with constants, or distribute by them; rules
// that compute texts or arrays pay for these, and errors for their words. It is
// bounded: see the constants of package jsonlogic. It never panics, and never runs
// what is in a context.
package evaluator
