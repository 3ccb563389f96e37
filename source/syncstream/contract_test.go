package syncstream_test

import (
	"testing"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
	"github.com/flagline/flagline/source/syncstream"
)

func TestStreamKeepsTheContractOfSources(t *testing.T) {
	t.Parallel() // it waits for a sign of life
	sourcetest.Run(t, sourcetest.Harness{Open: func(t *testing.T) sourcetest.Origin {
		s := serve(t)
		return &origin{server: s, link: link.New(t, s.address)}
	}})
}

// An origin is a server behind a link that can be cut.
type origin struct {
	server *server
	link   *link.Link
}

func (o *origin) Source(t *testing.T) source.Source {
	return open(t, syncstream.Config{URI: "grpc://" + o.link.Address()})
}

func (o *origin) Write(_ *testing.T, doc flagdoc.Document) {
	o.server.send(string(flagdoc.Format(doc)))
}
func (o *origin) Break(*testing.T) { o.link.Cut() }
func (o *origin) Mend(*testing.T)  { o.link.Restore() }

var _ source.Source = (*syncstream.Source)(nil)
