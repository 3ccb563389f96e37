// Package flagtest gives the tests of an application flags of their own.
//
//	func TestNewCheckout(t *testing.T) {
//		t.Parallel()
//		flags := flagtest.New(t)
//		flags.Set("new-checkout", true)
//		shop := NewShop(flags.Client())
//		...
//	}
//
// Flags are set for one test and are gone with it, so that tests can run in
// parallel. A change answers from the moment that the call which made it
// returns, and the handlers of the client hear of it as they would in
// production. There are no files, no network, and no goroutine is left behind.
//
// # What answers
//
// It is package provider itself, with the evaluator that the sidecar has: a
// flag of a test can have targeting rules, a test can load the very document
// that production uses, and a context means what it means there. A flag that
// nobody has set is FLAG_NOT_FOUND, and the caller's default applies.
//
// The SDK brings two providers for tests. Package memprovider takes Go
// functions in the place of rules, so that what is tested is not what runs.
// The TestProvider of its package testing finds a test's flags by the
// goroutine, and panics in one that the code under test has started.
//
// # Code that uses the global API
//
// Most applications call openfeature.NewClient and never see an API of their
// own. Their tests hand on the flags in the context.Context:
//
//	ctx := flags.Context(t.Context())
//	shop.Checkout(ctx, cart) // asks openfeature.NewClient("shop")
//
// Each question is answered with the flags of the context that it is asked
// with, whichever goroutine asks, in any number of parallel tests. For an HTTP
// server, set its BaseContext. What this cannot do is follow a question whose
// context is not derived from the test's: one asked with context.Background,
// or in another process. It is answered with the caller's default and an error
// that says so, once on standard error, too. Where such code cannot be
// changed, [Flags.SetGlobal] makes one test at a time answer everybody.
// Handlers of the global API hear nothing, because an event belongs to no
// context: test them with [Flags.Client].
package flagtest
