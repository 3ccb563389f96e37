package gate

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// minToken is the length of the shortest token. What is shorter can be found by
// trying.
const minToken = 16

// tokens are the digests of what callers may name. They are all of one length,
// so that comparing tells nothing of the tokens, not even how long they are.
type tokens [][sha256.Size]byte

// has looks at all tokens, whichever it is.
func (t tokens) has(token string) bool {
	digest := sha256.Sum256([]byte(token))
	found := 0
	for i := range t {
		found |= subtle.ConstantTimeCompare(digest[:], t[i][:])
	}
	return found == 1
}

// parseTokens reads one token a line. Its errors name lines and repeat nothing.
func parseTokens(contents [][]byte) (*tokens, error) {
	var all tokens
	number := 0
	for line := range bytes.Lines(contents[0]) {
		number++
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#':
			continue
		case bytes.ContainsFunc(line, func(r rune) bool { return r <= ' ' || r > '~' }):
			return nil, fmt.Errorf("line %d is no token: it has other characters than letters, digits and punctuation of ASCII", number)
		case len(line) < minToken:
			return nil, fmt.Errorf("the token in line %d is shorter than %d characters", number, minToken)
		}
		all = append(all, sha256.Sum256(line))
	}
	if len(all) == 0 {
		return nil, errors.New("there is no token in it")
	}
	return &all, nil
}

// Allowed reports whether one of the values of an authorization header names a
// token, as "Bearer TOKEN". Without tokens every caller is allowed.
func (g *Gate) Allowed(authorization []string) bool {
	return g.tokens == nil || slices.ContainsFunc(authorization, func(value string) bool {
		scheme, token, _ := strings.Cut(value, " ")
		return strings.EqualFold(scheme, "Bearer") && g.tokens.load().has(strings.TrimSpace(token))
	})
}

// Handler returns a handler that asks next if the request names a token, as
// "Authorization: Bearer TOKEN" or "X-API-Key: TOKEN", or if open says that it
// need not. Others get the answer that denied writes. Without tokens it is next
// itself. Neither function may be nil.
func (g *Gate) Handler(
	open func(*http.Request) bool, denied func(http.ResponseWriter, *http.Request), next http.Handler,
) http.Handler {
	if g.tokens == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := g.Allowed(r.Header.Values("Authorization")) ||
			slices.ContainsFunc(r.Header.Values("X-Api-Key"), g.tokens.load().has)
		if known || open(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		denied(w, r)
	})
}
