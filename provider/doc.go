// Package provider connects the OpenFeature SDK to Flagline.
//
// A [Provider] answers in one of two modes. In sidecar mode, the default, it
// asks the Flagline sidecar (or any flagd) beside the application for each
// evaluation. In-process it receives the flags itself and answers from
// memory. What an application sees is the same in both:
//
//	p, err := provider.New(provider.WithSidecar("localhost:8013"))
//	...
//	err = openfeature.SetProviderWithContextAndWait(ctx, p)
//
// In-process mode takes its flags from sources: [WithFile] for a file of
// flagd's format, [WithSource] for anything else, such as an environment on
// NATS (package source/natskv). This package links none of them but the file,
// so an application pays only for the sources that it names.
//
// # Staying up
//
// A provider is READY while it hears from where its flags come from. It turns
// STALE as soon as that is lost and ERROR after a grace period, and it turns
// READY again, and says that the configuration changed, when the connection
// is back. It never stops trying. In-process it goes on answering from the
// flags it has, whatever its state. A provider that is set before its server
// is up fails its initialisation within the deadline and becomes READY later,
// by itself.
//
// # Contexts
//
// Values of an evaluation context mean the same in both modes: what
// encoding/json would make of them. A [time.Time] is an RFC 3339 string, a
// [time.Duration] a number of nanoseconds, a struct an object. A context that
// encoding/json cannot encode is answered with INVALID_CONTEXT.
package provider
