package httppoll_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/httppoll"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestHTTPKeepsTheContractOfSources(t *testing.T) {
	sourcetest.Run(t, sourcetest.Harness{Open: func(t *testing.T) sourcetest.Origin {
		pub := publish(t)
		return &origin{publication: pub, link: link.New(t, strings.TrimPrefix(pub.URL, "http://"))}
	}})
}

// An origin is a server behind a link that can be cut.
type origin struct {
	*publication
	link *link.Link
}

func (o *origin) Source(t *testing.T) source.Source {
	return open(t, httppoll.Config{URI: "http://" + o.link.Address() + "/flags.json"})
}

func (o *origin) Write(_ *testing.T, doc flagdoc.Document) { o.answer(string(flagdoc.Format(doc))) }
func (o *origin) Break(*testing.T)                         { o.link.Cut() }
func (o *origin) Mend(*testing.T)                          { o.link.Restore() }

// open makes a source that asks often.
func open(t *testing.T, cfg httppoll.Config) *httppoll.Source {
	t.Helper()
	if cfg.Interval == 0 {
		cfg.Interval = 20 * time.Millisecond
	}
	src, err := httppoll.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// A publication is a server with one document.
type publication struct {
	*httptest.Server

	mu    sync.Mutex
	serve http.HandlerFunc // nil is 404
	asked []*http.Request
}

// publish starts a server that has nothing yet.
func publish(t *testing.T) *publication {
	t.Helper()
	p := new(publication)
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *publication) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r)
	serve := p.serve
	p.mu.Unlock()
	if serve == nil {
		serve = http.NotFound
	}
	serve(w, r)
}

// do makes serve what answers.
func (p *publication) do(serve http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serve = serve
}

// answer makes body the document; header is a list of names and values.
func (p *publication) answer(body string, header ...string) {
	p.do(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = w.Write([]byte(body))
	})
}

// questions returns what was asked so far.
func (p *publication) questions() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clip(p.asked)
}

var _ source.Source = (*httppoll.Source)(nil)
