// Package provider connects the OpenFeature SDK to Flagline.
//
//	p, err := provider.New()
//	if err != nil {
//		return err // an option or a variable that makes no sense
//	}
//	if err := openfeature.SetProviderWithContextAndWait(ctx, p); err != nil {
//		log.Print(err) // not the end: it becomes ready later, by itself
//	}
//	defer openfeature.Shutdown()
//
//	client := openfeature.NewClient("checkout")
//	if client.Boolean(ctx, "new-checkout", false, openfeature.NewEvaluationContext("user-7", nil)) {
//		...
//	}
//
// # Where answers come from
//
// In sidecar mode, the default, the provider asks a server beside the application:
// the Flagline sidecar, or any other that speaks flagd's evaluation protocol.
// In-process it has the flags itself and answers from memory. The application sees
// no difference but in what an answer costs, and in the words of errors.
//
//	WithSidecar("localhost:8013")              a sidecar, by port
//	WithSidecar("unix:/run/flagline.sock")     by socket
//	WithSidecar("dns:///flags.internal:8013")  by a target of gRPC's
//	WithSyncStream("localhost:8015")           in-process, flags pushed by a sidecar or flagd
//	WithFile("flags.json")                     in-process, flags from a file
//	WithSource(src)                            in-process, flags from anywhere
//
// A source for an environment on NATS is in package source/natskv. This package
// does not link it: an application pays for what it names. Package provider/auto
// links everything and lets the environment choose.
//
// # The environment
//
// Where no option says otherwise, the variables of flagd's providers count:
// FLAGD_HOST, FLAGD_PORT, FLAGD_RESOLVER and so on, and before each of them its
// FLAGLINE_ namesake. docs/provider-settings.md lists them all.
// [WithoutEnvironment] reads none.
//
// # Staying up
//
// A provider is READY while it hears from where its flags come from. It turns
// STALE as soon as that is lost and ERROR after a grace period of 10 seconds, and
// it turns READY again, and says that the configuration changed, when the
// connection is back. It never stops trying. In-process it goes on answering from
// the flags it has, whatever its state. A provider that is set before its server
// is up fails its initialisation within the deadline and becomes READY later,
// by itself. After a shutdown it is as before its initialisation, and may be set
// again.
//
// One provider may be set for many domains, and an application may have many
// providers, each with connections of its own.
//
// # What is kept in sidecar mode
//
// Answers that do not depend on the context (reason STATIC) are asked for once,
// until the server says that their flag has changed. A Flagline sidecar also says
// which answers depend on the flag and the context alone, and for most rules on
// which of its attributes; those are asked for once for all contexts that are alike
// in these. Kept answers have the reason CACHED. There are at most 1,000 of them, see
// [WithCache], and no context is kept with them. The same question asked by several
// callers at once goes out once.
//
// What is kept ends with the change of its flag, before the event about it is
// told: whoever has heard of a change gets no older answer. It also ends every ten
// minutes, when the stream of changes is renewed. When the server is lost
// it goes on answering while the provider is STALE, and is forgotten in ERROR.
// [Provider.Stats] counts what this saves.
//
// A server that is there but does not answer, as when it is paused, costs one
// caller at a time the deadline; the others get their default values at once.
// Metadata of gRPC in the context of a call go along with the question, whose answer
// is then neither kept nor shared.
//
// # Contexts
//
// Values of an evaluation context mean the same in all modes: what
// encoding/json would make of them. A [time.Time] is an RFC 3339 string, a
// [time.Duration] a number of nanoseconds, a struct an object, a named string a
// string. If there is a value that encoding/json cannot encode, such as a channel,
// flags whose rule looks at it are answered with INVALID_CONTEXT and the default
// value; so are flags that may look at anything, because they go through arrays for
// example, and those of servers that do not say what they look at.
//
// # Metadata, hooks and metrics
//
// Each answer carries the metadata of its flag set, overlaid with those of its
// flag, so that hooks find flagSetId and version there. Package provider/otelhook
// has hooks and metrics for OpenTelemetry.
//
// # Hot loops
//
// The OpenFeature SDK takes about a microsecond and a dozen allocations to ask a
// provider. A [Handle] asks for one flag without it: in-process in tens of
// nanoseconds, in sidecar mode in tens to hundreds where the answer is kept.
package provider
