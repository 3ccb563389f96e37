package natstest

import (
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/internal/natsd"
)

// A Link carries connections to a server of NATS, and can be cut.
type Link struct{ *link.Link }

// NewLink opens a link to s that ends with the test.
func NewLink(t testing.TB, s *natsd.Server) *Link {
	t.Helper()
	return &Link{link.New(t, strings.TrimPrefix(s.URL(), "nats://"))}
}

// URL is where the link takes connections.
func (l *Link) URL() string { return "nats://" + l.Address() }
