// Package system gives each system that is compared the same work: the flags
// and the subjects of a workload, in its own language and its own types.
//
// Whatever a system can do beforehand it does beforehand, and its own way of
// being asked often is used: programs are compiled, contexts are built, types
// are declared. What is left to [System.Answer] is to evaluate.
package system
