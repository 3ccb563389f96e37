package ofrep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/flagline/flagline/sidecar/internal/scope"
)

// bulk answers every flag that the selector shows, each key once. The ETag is
// that of the body, so a subject whose answers stay the same gets a 304
// whatever changed for others.
func (s *Service) bulk(w http.ResponseWriter, r *http.Request) {
	sel, ec, refused := s.read(w, r)
	if refused != nil {
		refused.send(w, failure{})
		return
	}
	answers := []any{}
	for key, flag := range s.Store.Current().Flags(sel) {
		answer := flag.Evaluate(ec)
		s.observe(key, answer)
		answers = append(answers, bodyOf(key, answer))
	}
	body, err := json.Marshal(struct {
		Flags    []any          `json:"flags"`
		Metadata map[string]any `json:"metadata"`
	}{answers, scope.Metadata(sel)})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("ETag", etag)
	if matches(r.Header.Values("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	sendJSON(w, http.StatusOK, body)
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
