// Package process builds programs, starts them, and tells what they use of the
// machine, to the nanosecond and without their help.
package process
