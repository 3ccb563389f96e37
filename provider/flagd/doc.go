// Package flagd is Flagline's provider with the options of the official flagd
// provider, v0.6.0, so that one line changes a program over. It was
//
//	flagd "github.com/open-feature/go-sdk-contrib/providers/flagd/pkg"
//
// and becomes
//
//	flagd "github.com/flagline/flagline/provider/flagd"
//
// Options, environment variables and the provider's name in telemetry, "flagd",
// are the same, and so are the answers. It speaks to flagd as it does to
// Flagline's sidecar. What is different is said at each option; in short:
//
//   - It never gives up. What ends an outage in the official provider's RPC
//     mode, five failed attempts, is not counted here, and a server that comes
//     up after the application makes it READY.
//   - It is STALE before it is in ERROR, in every mode.
//   - The defaults of [WithRetryBackoffMaxMs] and [WithRetryGracePeriod] are
//     those of flagd's specification of August 2026, 5 s and 10 s.
//   - A target URI, a unix socket, a selector, fatal status codes and dial
//     options work in both remote modes, and certificates of clients, the
//     deadline of streams, their keep-alive and the poll interval of files can
//     be set by environment variables.
//   - It logs where [WithLogger] says, in every mode.
//
// A variable that makes no sense is logged and passed over, as there; in package
// provider it is an error. Options of that package can be mixed in by
// [WithOptions], until a program is at home there.
//
// Two of the official package's exported names are missing: the interface
// IService, which describes the inside of that provider, and which no function
// takes or returns; and the provider's method Status, since the state is what
// the SDK's clients say it is, in their method State.
package flagd
