package ofrep_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/ofrep"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

func withEvents(st *store.Store, closing <-chan struct{}) *ofrep.Service {
	s := ofrep.New(st, tally.New())
	s.Events = &ofrep.Events{Inactivity: 2 * time.Minute, KeepAlive: time.Hour, Closing: closing}
	return s
}

// An event is one that a page would get.
type event struct{ kind, id, data string }

// A listener reads a stream of events.
type listener struct {
	t     *testing.T
	lines *bufio.Scanner
}

func listen(t *testing.T, url string, header ...string) *listener {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("the stream begins with %d %s", resp.StatusCode, kind)
	}
	return &listener{t, bufio.NewScanner(resp.Body)}
}

// next returns the next event, or false at the end of the stream. Comments are
// events that have nothing but data.
func (l *listener) next() (e event, ok bool) {
	for l.lines.Scan() {
		line := l.lines.Text()
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "":
			return e, true
		case name == "event":
			e.kind = value
		case name == "id":
			e.id = value
		default:
			e.data = value
		}
	}
	return e, false
}

func (l *listener) expectRefetch() (id, etag string) {
	l.t.Helper()
	for {
		e, ok := l.next()
		if !ok {
			l.t.Fatal("the stream ended")
		}
		if e.kind == "" {
			continue
		}
		var data struct {
			Type, ETag   string
			LastModified int64
		}
		if err := json.Unmarshal([]byte(e.data), &data); err != nil {
			l.t.Fatalf("the data %q is not JSON: %v", e.data, err)
		}
		if e.kind != "message" || e.id == "" || data.Type != "refetchEvaluation" || data.ETag == "" || data.LastModified == 0 {
			l.t.Fatalf("the event is %+v, want one to ask again", e)
		}
		return e.id, data.ETag
	}
}

// announced returns the address of the events of what a bulk answer shows.
func announced(t *testing.T, address string, header ...string) string {
	t.Helper()
	var body struct {
		EventStreams []struct {
			Type               string
			Endpoint           struct{ Origin, RequestURI string }
			InactivityDelaySec int
		}
	}
	answer := ask(t, http.MethodPost, address+path, "", header...)
	if err := json.Unmarshal([]byte(answer.body), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.EventStreams) != 1 || body.EventStreams[0].Type != "sse" || body.EventStreams[0].InactivityDelaySec != 120 {
		t.Fatalf("event streams are announced as %+v", body.EventStreams)
	}
	return body.EventStreams[0].Endpoint.Origin + body.EventStreams[0].Endpoint.RequestURI
}

func TestAPageIsToldToAskAgainWheneverTheFlagsChange(t *testing.T) {
	st, sink := flagtest.Store(t, flagtest.Document)
	address := serve(t, withEvents(st, nil))
	l := listen(t, address+announced(t, address))
	firstID, first := l.expectRefetch() // it may have missed a change on its way here
	flagtest.Deliver(t, sink, 2, flagtest.Document)
	flagtest.Deliver(t, sink, 3, strings.Replace(flagtest.Document, "1.5", "2.5", 1))
	if id, etag := l.expectRefetch(); etag == first || id == firstID {
		t.Errorf("the second event is %s %s, as the first", id, etag)
	}
}

// Between two streams a page may have asked when the flags were others, and they
// may be again what they were.
func TestAPageThatComesBackIsToldWhatIs(t *testing.T) {
	st, sink := flagtest.Store(t, flagtest.Document)
	address := serve(t, withEvents(st, nil))
	id, first := listen(t, address+"/ofrep/v1/sse").expectRefetch()
	if _, etag := listen(t, address+"/ofrep/v1/sse", "Last-Event-ID", id).expectRefetch(); etag != first {
		t.Errorf("who comes back is told of %s, want %s again", etag, first)
	}
	flagtest.Deliver(t, sink, 2, strings.Replace(flagtest.Document, "1.5", "2.5", 1))
	if _, etag := listen(t, address+"/ofrep/v1/sse", "Last-Event-ID", id).expectRefetch(); etag == first {
		t.Error("who missed a change is told of the state before")
	}
}

func TestAChannelIsAboutWhatItsSelectorShows(t *testing.T) {
	st, sink := flagtest.Store(t, flagtest.Document)
	other := st.Add("a/b?.json")
	flagtest.Deliver(t, other, 1, `{"flags":{}}`)
	address := serve(t, withEvents(st, nil))
	uri := announced(t, address, scope.Header, "source=a/b?.json")
	if want := "/ofrep/v1/sse/" + url.PathEscape("source=a/b?.json"); uri != want {
		t.Fatalf("the events are announced at %s, want %s", uri, want)
	}
	l := listen(t, address+uri)
	_, before := l.expectRefetch()
	flagtest.Deliver(t, sink, 2, `{"flags":{}}`) // which is none of theirs
	flagtest.Deliver(t, other, 2, flagtest.Document)
	_, after := l.expectRefetch()
	third := listen(t, address+uri)
	if _, now := third.expectRefetch(); now != after || now == before {
		t.Errorf("the channel was told of %s, then %s, and shows %s", before, after, now)
	}
}

func TestABadChannelIsRefused(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, withEvents(st, nil))
	if got := ask(t, http.MethodGet, address+"/ofrep/v1/sse/owner=me", ""); got.status != http.StatusBadRequest {
		t.Errorf("an unknown selector gives %d %s, want 400", got.status, got.body)
	}
	if got := ask(t, http.MethodPost, address+"/ofrep/v1/sse", ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("POST gives %d, want 405", got.status)
	}
}

func TestStreamsSayThatTheyLiveAndEndWithTheService(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	closing := make(chan struct{})
	s := withEvents(st, closing)
	s.Events.KeepAlive = time.Millisecond
	l := listen(t, serve(t, s)+"/ofrep/v1/sse")
	for {
		e, ok := l.next()
		if !ok {
			t.Fatal("the stream ended before the service")
		}
		if e == (event{data: "keep-alive"}) {
			break
		}
	}
	close(closing)
	for {
		if _, ok := l.next(); !ok {
			return
		}
	}
}

func TestWithoutEventsNoneAreAnnounced(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, ofrep.New(st, tally.New()))
	if got := ask(t, http.MethodPost, address+path, ""); strings.Contains(got.body, "eventStreams") {
		t.Errorf("the answer is %s", got.body)
	}
	if got := ask(t, http.MethodGet, address+"/ofrep/v1/sse", ""); got.status != http.StatusNotFound {
		t.Errorf("the stream is %d, want 404", got.status)
	}
}

func TestATagOfOtherFlagsForbidsNotModified(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, withEvents(st, nil))
	etag := ask(t, http.MethodPost, address+path, "").header.Get("ETag")
	_, now := listen(t, address+"/ofrep/v1/sse").expectRefetch()
	for query, want := range map[string]int{
		"": http.StatusNotModified, "?flagConfigEtag=" + now: http.StatusNotModified,
		"?flagConfigEtag=%22" + now + "%22": http.StatusNotModified, "?flagConfigEtag=other": http.StatusOK,
	} {
		if got := ask(t, http.MethodPost, address+path+query, "", "If-None-Match", etag); got.status != want {
			t.Errorf("with %q the answer is %d, want %d", query, got.status, want)
		}
	}
}
