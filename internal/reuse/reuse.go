// Package reuse is what a sidecar and a client say to each other about answers that
// may be given again.
//
// flagd's clients keep answers that depend on nothing, whose reason is STATIC,
// until the event stream names the flag. An answer that depends on the evaluation
// context alone could be kept just as long, for the same context; but a client
// cannot see that it does not depend on the time or on headers, nor that who
// answered is who sends the events. So a sidecar says it, in a header:
//
//   - The event stream begins with the header, and its value is the sidecar's
//     mark, which is random and lasts as long as the process.
//   - A client that would keep answers sends the mark with each question.
//   - An answer that may be kept for its flag and context, until an event of that
//     stream names the flag, has the same header. Without the mark of the one who
//     answers in the question, no answer has. Behind the mark there may be the
//     members of the context that answers of this flag depend on: for contexts
//     that differ only in others, the answer is the same.
//
// Clients and servers that do not know the header are not disturbed by it.
package reuse

import "strings"

// Header is the name of the header. It is lower-case, as gRPC has it.
const Header = "flagline-reuse"

// longest is how many bytes the members may have. A flag that depends on more is
// said to depend on the whole context.
const longest = 1000

// Value returns the header of an answer that depends on these members of the
// context, or on the whole of it if they are not known. A name that headers cannot
// carry is none that is known.
func Value(mark string, members []string, known bool) string {
	if !known {
		return mark
	}
	size := 0
	for _, name := range members {
		if size += len(name) + 1; name == "" || size > longest || strings.ContainsFunc(name, awkward) {
			return mark
		}
	}
	return mark + ";" + strings.Join(members, ",")
}

func awkward(r rune) bool { return r <= ' ' || r > '~' || r == ',' || r == ';' }

// Parse reads the header of an answer. It is not ok if it has another mark, or none.
func Parse(value, mark string) (members []string, known, ok bool) {
	bare, list, known := strings.Cut(value, ";")
	switch {
	case bare != mark:
		return nil, false, false
	case list == "":
		return nil, known, true
	}
	return strings.Split(list, ","), true, true
}
