// Package remote asks a server of flagd.evaluation.v2, such as the sidecar or
// flagd, about flags, over gRPC.
//
// All questions and the event stream share one connection: a loss is noticed once
// and for all of them, and there is nothing to pool. Messages are written and read
// by this package itself, which costs a fraction of what protobuf's messages would;
// tests hold it to flagd's generated ones. A server that knows only version 1 of
// the service is spoken to in that.
package remote
