package httppoll

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// An answer is what a server says about its document.
type answer struct {
	unchanged bool // since the last answer; the rest is then empty

	body      []byte
	bounded   bool // whether a body that was cut off would have been noticed
	mediaType string
	etag      string
	modified  time.Time
}

// A busyError is a server that wants to be left in peace.
type busyError struct {
	status string
	rest   time.Duration // 0 if it does not say for how long
}

func (e *busyError) Error() string {
	if e.rest > 0 {
		return fmt.Sprintf("the server answers %s, and to ask again after %v", e.status, e.rest.Round(time.Second))
	}
	return "the server answers " + e.status
}

// read reads a response to its end, but no more than limit bytes of it.
func read(resp *http.Response, limit int64) (*answer, error) {
	status := statusOf(resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusNotModified:
		return &answer{unchanged: true}, nil
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		return nil, &busyError{status: status, rest: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	case resp.StatusCode == http.StatusPartialContent, resp.StatusCode < 200, resp.StatusCode > 299:
		return nil, fmt.Errorf("the server answers %s", status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("the document is longer than %d bytes", limit)
	}
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // "" says nothing, too
	return &answer{
		body:      body,
		bounded:   bounded(resp),
		mediaType: mediaType,
		etag:      resp.Header.Get("ETag"),
		modified:  modified(resp.Header),
	}, nil
}

// statusOf names a status, in words that are not the server's own.
func statusOf(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// bounded reports whether the end of a body was marked, by its length, by
// chunks, by frames or by compression.
func bounded(resp *http.Response) bool {
	return resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || resp.ProtoMajor >= 2 || resp.Uncompressed
}

// isYAML goes by the media type or, if that says nothing about it, by the
// extension in the URL.
func isYAML(mediaType, at string) bool {
	_, kind, _ := strings.Cut(mediaType, "/")
	switch kind = kind[strings.LastIndexByte(kind, '+')+1:]; kind {
	case "json":
		return false
	case "yaml", "x-yaml":
		return true
	}
	extension := strings.ToLower(path.Ext(at))
	return extension == ".yaml" || extension == ".yml"
}

// modified returns when the document was made as far as the server knows, or
// else when it came.
func modified(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Last-Modified")); err == nil {
		return t
	}
	return time.Now()
}

// retryAfter reads a number of seconds, or a date. What is neither, or has
// passed, is 0.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}
