// Package reuse names the header by which a sidecar tells a client which of its
// answers may be given again.
//
// flagd's clients keep answers that depend on nothing, whose reason is STATIC,
// until the event stream names the flag. An answer that depends on the evaluation
// context alone could be kept just as long, for the same context; but a client
// cannot see that it does not depend on the time or on headers, nor that who
// answered is who sends the events. So a sidecar says it:
//
//   - The event stream begins with the header, and its value is the sidecar's
//     mark, which is random and lasts as long as the process.
//   - A client that would keep answers sends the mark with each question.
//   - An answer that may be kept for its flag and context, until an event of that
//     stream names the flag, has the same header. Without the mark of the one who
//     answers in the question, no answer has.
//
// Clients and servers that do not know the header are not disturbed by it.
package reuse

// Header is the name of the header. It is lower-case, as gRPC has it.
const Header = "flagline-reuse"
