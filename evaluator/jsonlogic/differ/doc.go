// Package differ asks flagd's own engine and another one the same questions,
// and finds the questions that they answer differently. It serves tests.
//
// A [Case] is a rule together with contexts in which it has something to
// decide, because both are drawn from the same words. It follows from a seed
// and a number, or from the bytes of a fuzzer. [Case.Judge] says whether an
// answer is flagd's, and [Shrink] makes a case that tells two engines apart
// small enough to read.
//
// An engine may differ from flagd's so, and only so:
//
//   - What is data stays data. flagd's engine executes an object with one
//     member that comes out of the context if it stands in a branch of "if",
//     or in some other places. What is expected instead is, exactly, what
//     flagd's engine answers if each such object has one member more, which
//     makes it data there too. See inert.go.
//   - A context that JSON cannot carry is an error to flagd whatever the rule
//     says. It may be one only for rules that read the value in question.
//   - flagd replaces what is not UTF-8 in the names of a context, so that two
//     names may become one.
//
// Bounds of depth, steps and size, which an engine may have and flagd's has
// not, are not reached by what is generated. Answers that depend on the order
// in which Go goes through a map do not occur either: they need a "var" beside
// other members of an object, and among those one whose evaluation panics.
package differ
