package httppoll

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

// A watch is what one call of [Source.Watch] knows about the document.
type watch struct {
	source *Source
	sink   source.Sink
	tokens tokens
	status source.Status

	etag      string            // of what was read last
	seen      [sha256.Size]byte // what was read last
	bad       error             // why that could not be delivered
	delivered [sha256.Size]byte // what was delivered last
	sent      bool              // whether anything was
}

// poll asks once, delivers what is new, and reports. The error, which was
// reported, is what went wrong with the question; that the document is no good
// is not among it.
func (w *watch) poll(ctx context.Context) error {
	asked := time.Now()
	answer, err := w.ask(ctx)
	if ctx.Err() != nil {
		return nil // the end of the watch says nothing about the server
	}
	w.status.Connected = err == nil
	w.status.Err = err
	if err == nil {
		if w.status.Err = w.take(answer); w.status.Err == nil {
			w.status.Confirmed = asked
		}
	}
	w.sink.Report(w.status)
	return err
}

// ask asks for the document.
func (w *watch) ask(ctx context.Context) (*answer, error) {
	timeout := w.source.cfg.Timeout
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a, err := w.exchange(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("there was no whole answer within %v", timeout)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.source.shown, err)
	}
	return a, nil
}

func (w *watch) exchange(ctx context.Context) (*answer, error) {
	req, err := w.source.request(ctx)
	if err != nil {
		return nil, err
	}
	if w.etag != "" {
		req.Header.Set("If-None-Match", w.etag)
	}
	if err := w.tokens.authorize(ctx, req); err != nil {
		return nil, err
	}
	resp, err := w.source.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		w.tokens.forget()
	}
	if resp.StatusCode == http.StatusNotModified && w.etag == "" {
		return nil, errors.New("the server answers that nothing has changed, though it was not asked")
	}
	return read(resp, w.source.cfg.MaxBytes)
}

// take delivers what a holds, unless that was delivered already.
func (w *watch) take(a *answer) error {
	if a.unchanged {
		return w.bad
	}
	w.seen, w.etag = sha256.Sum256(a.body), a.etag
	if w.bad = w.deliver(a); w.bad != nil {
		// Whether a document is good depends on more than its bytes, such as what
		// the server calls it: what was refused is asked for again as a whole.
		w.bad, w.etag = fmt.Errorf("%s: %w", w.source.shown, w.bad), ""
	}
	return w.bad
}

// deliver hands the document of a on, as the only one that counts. What it
// cannot read it leaves alone.
func (w *watch) deliver(a *answer) error {
	if w.sent && w.seen == w.delivered {
		return nil
	}
	if len(bytes.TrimSpace(a.body)) == 0 {
		return errors.New("the document is empty")
	}
	parse := flagdoc.Parse
	if isYAML(a.mediaType, w.source.shown) {
		// Half a JSON document is none, but half a YAML document may be one.
		if !a.bounded {
			return errors.New("the server does not say where the document ends, and YAML does not either; let it send a Content-Length")
		}
		parse = flagdoc.ParseYAML
	}
	doc, err := parse(a.body)
	if err != nil {
		return err
	}
	w.delivered, w.sent = w.seen, true
	w.sink.Apply(source.Update{
		Version: source.Version{Generation: w.source.delivered.Add(1), Time: a.modified},
		Replace: true,
		Records: doc.Records(),
	})
	return nil
}
