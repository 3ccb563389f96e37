package ofrep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/edition"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/scope"
)

// eventsPath is where changes are told, of what the selector in the last element
// of a longer path shows.
const eventsPath = "/ofrep/v1/sse"

// A config tells which flags a selector shows: not what they answer, which
// differs from subject to subject, but which they are.
type config struct {
	etag  string // of all that answers may depend on; also the id of the event
	event []byte // that tells it
}

func newConfigs() *edition.Shelf[config] {
	return edition.NewShelf(newConfig, func(a, b *config) bool { return a.etag == b.etag })
}

func newConfig(snapshot *store.Snapshot, sel store.Selector) *config {
	hash := sha256.New()
	for key, flag := range snapshot.Flags(sel) {
		sum := flag.Sum()
		hash.Write(sum[:])
		hash.Write([]byte(key))
	}
	c := &config{etag: hex.EncodeToString(hash.Sum(nil))}
	const form = "event: message\nid: %s\ndata: {\"type\":\"refetchEvaluation\",\"etag\":\"%s\",\"lastModified\":%d}\n\n"
	c.event = fmt.Appendf(nil, form, c.etag, c.etag, time.Now().Unix())
	return c
}

// announcement is what a bulk answer says of where changes are told.
func (e *Events) announcement(sel store.Selector) []byte {
	path := eventsPath
	if channel := sel.String(); channel != "" {
		path += "/" + url.PathEscape(channel)
	}
	b := []byte(`,"eventStreams":[{"type":"sse","endpoint":{`)
	if e.Origin != "" {
		b = append(append(append(b, `"origin":`...), encoded.Text(e.Origin)...), ',')
	}
	b = append(append(b, `"requestUri":`...), encoded.Text(path)...)
	return fmt.Appendf(b, `},"inactivityDelaySec":%d}]`, int(e.Inactivity.Seconds()))
}

// stream tells a caller to ask again, at once and whenever the flags are others,
// until the caller goes or the service closes. That a caller has heard of these
// flags before, as its Last-Event-ID says, is no reason to be silent: it may have
// asked in between, when they were others.
func (s *Service) stream(w http.ResponseWriter, r *http.Request) {
	sel, err := channel(r)
	if err != nil {
		refused := &refusal{http.StatusBadRequest, "GENERAL", fmt.Sprintf("invalid selector: %v", err)}
		refused.send(w, r, "")
		return
	}
	if s.Events.Streams != nil {
		defer s.Events.Streams()()
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Accel-Buffering", "no") // or nginx would hold events back
	w.WriteHeader(http.StatusOK)
	f := feed{service: s, sel: sel, to: w, control: http.NewResponseController(w)}
	// The server's limit is for requests, and this one is over.
	_ = f.control.SetReadDeadline(time.Time{}) // one that has no deadline needs none lifted
	f.run(r.Context())
}

// channel reads which flags a stream is about: the path wins over the header,
// which a page cannot set.
func channel(r *http.Request) (store.Selector, error) {
	if selector := r.PathValue("channel"); selector != "" {
		return store.ParseSelector(selector)
	}
	return scope.Of(r.Header)
}

// A feed is one stream.
type feed struct {
	service *Service
	sel     store.Selector
	to      http.ResponseWriter
	control *http.ResponseController
	heard   *config // the last that was told
}

func (f *feed) run(ctx context.Context) {
	s := f.service
	silence := time.NewTimer(s.Events.KeepAlive)
	defer silence.Stop()
	next := []byte("retry: 1000\n\n") // or browsers come back after three seconds
	for {
		if next != nil && f.send(next) != nil {
			return // who went away needs no word
		}
		next = nil
		shown := s.store.Current()
		if s.store.Ready() {
			if c := s.configs.Of(shown, f.sel); c != f.heard {
				next, f.heard = c.event, c
				continue
			}
		}
		select {
		case <-shown.Superseded():
		case <-silence.C:
			next = []byte(": keep-alive\n\n")
			silence.Reset(s.Events.KeepAlive)
		case <-s.Events.Closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *feed) send(event []byte) error {
	if _, err := f.to.Write(event); err != nil {
		return err
	}
	return f.control.Flush()
}
