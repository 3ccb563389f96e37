package ofrep

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// worthwhile is from how many bytes on a body is compressed for who can read it.
const worthwhile = 1024

// kindJSON is shared by all answers.
var kindJSON = []string{"application/json"}

// send sends a body. A caller that is gone is nobody's mistake.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = kindJSON
	if len(body) < worthwhile {
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return
	}
	header.Add("Vary", "Accept-Encoding")
	if !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		header.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return
	}
	header.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z, _ := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(w)
	_, _ = z.Write(body)
	_ = z.Close()
}

// compressors are reused, because each takes hundreds of kilobytes. The level is
// the fastest: the texts of flags repeat themselves, and shrink at any.
var compressors = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		return gzip.NewWriter(nil) // unreachable: there is such a level
	}
	return z
}}

// acceptsGzip reads what RFC 9110 calls a list of codings with weights.
func acceptsGzip(accepted []string) bool {
	named, allowed := false, false
	for _, line := range accepted {
		for element := range strings.SplitSeq(line, ",") {
			coding, parameters, _ := strings.Cut(element, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding == "gzip" || coding == "x-gzip" || coding == "*" && !named {
				named = coding != "*"
				allowed = !isZero(parameters)
			}
		}
	}
	return allowed
}

// isZero says whether a coding is given no weight, which forbids it.
func isZero(parameters string) bool {
	name, value, ok := strings.Cut(strings.TrimSpace(parameters), "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && weight <= 0
}
