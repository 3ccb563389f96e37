package ofrep

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/scope"
)

// bulk answers every flag that the selector shows, each key once. The ETag tells
// what the body says, whether that is compressed or not, so a subject whose
// answers stay the same gets a 304 whatever changed for others.
func (s *Service) bulk(w http.ResponseWriter, r *http.Request) {
	_, span := s.Tracer.Start(r.Context(), "evaluateAll", r.Header)
	defer span.End()
	q, refused := s.read(w, r, true)
	if refused != nil {
		refused.send(w, r, "")
		return
	}
	if !s.store.Ready() {
		s.notReady(w, r)
		return
	}
	// Looked at first: answers may be newer than what is told of them, not older.
	upToDate := s.isUpToDate(q.sel, r.URL.Query())
	answers := s.answers(s.store.Current(), &q, r.Header)
	for _, a := range answers.list {
		a.Count.Bulk()
	}
	end := s.end(q.sel)
	etag := answers.tag(end)
	w.Header().Set("ETag", etag)
	w.Header().Add("Vary", scope.Header)
	if upToDate && matches(r.Header.Values("If-None-Match"), etag) {
		w.Header().Add("Vary", "Accept-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, _ := bodies.Get().(*[]byte)
	*body = answers.append((*body)[:0], end)
	send(w, r, http.StatusOK, *body)
	bodies.Put(body)
}

// bodies are used again, because each is as long as all answers together.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// end is what a bulk answer says after the flags.
func (s *Service) end(sel store.Selector) []byte {
	b := []byte(`]`)
	if s.Events != nil && !s.Hidden {
		b = append(b, s.Events.announcement(sel)...)
	}
	b = append(b, `,"metadata":`...)
	return append(append(b, encoded.Object(scope.Metadata(sel))...), '}')
}

// answers are those to a question about all flags.
type answers struct {
	list []*encoded.Answer
	size int // of their bodies

	// The tag, once it is known: it is asked for again if the answers are.
	tagged sync.Once
	etag   string
}

func (a *answers) add(answer *encoded.Answer) {
	a.list = append(a.list, answer)
	a.size += len(answer.OFREP) + len(",")
}

// tag returns the ETag of the body that ends so, which is the same for the same
// question.
func (a *answers) tag(end []byte) string {
	a.tagged.Do(func() {
		hash := sha256.New()
		for _, answer := range a.list {
			hash.Write(answer.Hash[:])
		}
		hash.Write(end)
		var sum [sha256.Size]byte
		a.etag = `"` + hex.EncodeToString(hash.Sum(sum[:0])) + `"`
	})
	return a.etag
}

// append appends the body that ends so.
func (a *answers) append(body, end []byte) []byte {
	const begin = `{"flags":[`
	body = append(slices.Grow(body, len(begin)+a.size+len(end)), begin...)
	for i, answer := range a.list {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, answer.OFREP...)
	}
	return append(body, end...)
}

// isUpToDate says whether the flags are those that a caller has been told of.
// One that names others came here past somebody who is ahead or behind, and what
// it has may be that of somebody else.
func (s *Service) isUpToDate(sel store.Selector, query url.Values) bool {
	told := query.Get("flagConfigEtag")
	return told == "" || strings.Trim(told, `"`) == s.configs.Of(s.store.Current(), sel).etag
}

// matches says whether one of the tags that the caller has is etag. The
// comparison is the weak one, as RFC 9110 wants it for If-None-Match.
func matches(had []string, etag string) bool {
	for _, line := range had {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}
