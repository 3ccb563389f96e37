// Package cputime tells the processor time that benchmarks use: all threads of
// the process, in user and in system mode, with whatever servers run in it.
package cputime
