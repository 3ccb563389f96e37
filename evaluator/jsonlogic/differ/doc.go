// Package differ asks flagd's own engine and another one the same questions,
// and finds the questions that they answer differently. It serves tests.
//
// A [Generator] makes a [Case]: a rule together with contexts in which the
// rule has something to decide, because both are drawn from the same words.
// Everything follows from a seed or from the bytes of a fuzzer. [Case.Check]
// compares the answers, and [Shrink] makes what differs small enough to read.
//
// The two engines may differ, and only so:
//
//   - What is data stays data. flagd's engine executes an object with one
//     member that comes out of the context if it stands in a branch of "if",
//     or in some other places. What is expected instead is, exactly, what
//     flagd's engine answers if each such object has one member more, which
//     makes it data there too. See inert.go.
//   - A context that JSON cannot carry is an error to flagd whatever the rule
//     says. It may be one only for rules that read the value in question.
//   - A key of the context that is not UTF-8 is replaced by flagd, so that two
//     keys may become one.
//   - Inside the loops that flagd's engine prepares by putting the values of
//     variables in the place of the variables, an array of the context can
//     become the list of arguments of an operator. See [Case.Lenient].
package differ
