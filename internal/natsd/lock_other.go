//go:build !unix

package natsd

// lock does nothing where there is no flock: there, nothing keeps two servers
// from sharing a data directory.
func lock(string) (unlock func(), err error) { return func() {}, nil }
