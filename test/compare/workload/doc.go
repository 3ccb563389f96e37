// Package workload says what is compared: flags, subjects and pairs of them,
// in words that belong to no system.
//
// A flag is a list of rules, written with five conditions that every flag
// system has in some form. Package system translates it into the language of
// each, and the flagd document is made here, since a document is also what is
// loaded. Everything is derived from numbers: two runs compare the same.
package workload
