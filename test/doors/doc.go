// Package doors asks what the scripts of package evaluator ask through every
// door: package evaluator itself, flagd's evaluation services, the OpenFeature
// Remote Evaluation Protocol, and the provider in both of its modes. It consists
// of tests.
package doors
