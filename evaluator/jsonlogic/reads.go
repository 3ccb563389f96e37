package jsonlogic

import "slices"

// Reads are the members of the context that a rule may look at.
type reads struct {
	members []string // in byte order
	any     bool     // it may look at those that are not listed
}

// collect adds what evaluating n may look at. A variable that is only known when it
// is read may be any, and so may those inside of loops.
func (r *reads) collect(n *node) {
	switch {
	case n.op == opVar, n.op == opMissing, n.op == opMissingSome, n.loop != nil:
		r.any = true
	case n.op == opPath, n.op == opSlot:
		r.add(n.path[0])
	case n.op == opFractional:
		r.add(subjectPath[0]) // if it does not say whom to distribute
	}
	for i := range n.args {
		r.collect(&n.args[i])
	}
}

func (r *reads) add(member string) {
	if member == flagdProperties {
		return // which is not the caller's
	}
	if i, known := slices.BinarySearch(r.members, member); !known {
		r.members = slices.Insert(r.members, i, member)
	}
}
