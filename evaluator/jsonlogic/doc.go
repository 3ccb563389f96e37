// Package jsonlogic compiles and runs the rule language of feature flags: JSON
// Logic as flagd speaks it, with its operators fractional, sem_ver, starts_with
// and ends_with.
//
// A rule is compiled once, with [Compile], and run many times, with
// [Program.Run], from any number of goroutines at once. Conditions become a
// graph of tests that reads each variable of the context at most once; what the
// graph has no test for, a tree of operators evaluates. Both give the answers of
// github.com/diegoholiveira/jsonlogic/v3, version 3.9.1, under flagd's core,
// version 0.17.0, down to its quirks: null is less than 18, {} is false, 0 is in
// ["abc"]. Where flagd's operators panic, which flagd reports as PARSE_ERROR,
// running ends with an error.
//
// A run is bounded: see [MaxDepth], [MaxSteps] and [MaxText]. What comes out of
// the context, or out of an operator, is never run as a rule.
//
// The package has never heard of flags beyond the two things that rules can ask
// for, the flag's key and the time, which come with the [Input].
package jsonlogic
