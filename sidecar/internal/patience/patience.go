// Package patience hangs up on those who take too long: to say what they want,
// or to read what they are told.
package patience

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

var errSlow = errors.New("the body of the request did not come in time")

// Handler returns next for callers who send the body of a request within read,
// and take each piece of the answer within write. An answer as a whole may take
// any time. Both are at least a few seconds where networks are slow. If read is 0
// it is the server's ReadTimeout that limits requests, at less cost, and next's to
// lift where what comes after a request may last.
func Handler(read, write time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if read > 0 && r.Body != nil && r.Body != http.NoBody && control.SetReadDeadline(time.Now().Add(read)) == nil {
			r.Body = &body{ReadCloser: r.Body, control: control, answer: w, second: r.ProtoMajor > 1}
		}
		next.ServeHTTP(&writer{ResponseWriter: w, control: control, patience: write}, r)
	})
}

// A body lifts the deadline once it was read to its end: it would end what comes
// after it, a stream of events for example, as well. A body that broke off keeps
// the deadline, and takes its connection with it: what comes later of it must not
// be taken for another request.
type body struct {
	io.ReadCloser

	control *http.ResponseController
	answer  http.ResponseWriter
	second  bool // HTTP/2, where streams do not run into each other
	ended   bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil || b.ended:
		return n, err
	case errors.Is(err, io.EOF):
		_ = b.control.SetReadDeadline(time.Time{}) // it could be set, so it can be lifted
	case !b.second:
		b.answer.Header().Set("Connection", "close")
	}
	b.ended = true
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errSlow // which says nothing of addresses
	}
	return n, err
}

// piece is how much of an answer has the time of its own. Many answers are written
// at once, and whoever reads them steadily is not slow.
const piece = 64 << 10

// A writer sets a deadline for each piece.
type writer struct {
	http.ResponseWriter

	control  *http.ResponseController
	patience time.Duration
}

func (w *writer) Write(p []byte) (written int, err error) {
	for {
		part := p[written:min(len(p), written+piece)]
		_ = w.control.SetWriteDeadline(time.Now().Add(w.patience)) // a writer that has none is not slow
		n, err := w.ResponseWriter.Write(part)
		if written += n; err != nil || written == len(p) {
			return written, err
		}
	}
}

// Flush implements [http.Flusher], which connect-go asks for. It is where streams
// come to rest, so it lifts the deadline: over HTTP/2 that would end a stream which
// is only silent.
func (w *writer) Flush() {
	_ = w.control.Flush() // what went wrong, the next write tells
	_ = w.control.SetWriteDeadline(time.Time{})
}

// Unwrap is how [http.ResponseController] finds what it needs.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
