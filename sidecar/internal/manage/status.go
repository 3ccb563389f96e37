package manage

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

// A status is what GET /status answers.
type status struct {
	Instance    string           `json:"instance"`
	Environment string           `json:"environment"`
	Epoch       uint64           `json:"epoch"`
	Generation  uint64           `json:"generation"`
	Digest      string           `json:"digest"`
	AgeSeconds  float64          `json:"ageSeconds"`
	Stale       bool             `json:"stale"`
	Sources     []sourceStatus   `json:"sources"`
	Rejected    []rejectedStatus `json:"rejected"`
}

type sourceStatus struct {
	Name       string `json:"name"`
	Connected  bool   `json:"connected"`
	Generation uint64 `json:"generation"`
	Error      string `json:"error"`
}

type rejectedStatus struct {
	Generation uint64 `json:"generation"`
	Key        string `json:"key"`
	Reason     string `json:"reason"`
}

func (s *Service) serveStatus(w http.ResponseWriter, _ *http.Request) {
	body, err := json.Marshal(s.status())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (s *Service) status() status {
	sources := s.store.Sources()
	leading := leading(sources)
	age := s.age(sources)
	st := status{
		Instance:    s.identity.Instance,
		Environment: s.identity.Environment,
		Epoch:       leading.Epoch,
		Generation:  leading.Generation,
		Digest:      leading.Digest,
		AgeSeconds:  age.Seconds(),
		Stale:       age > s.stale,
		Sources:     []sourceStatus{},
		Rejected:    s.rejected(),
	}
	if leading.Environment != "" {
		st.Environment = leading.Environment
	}
	for _, src := range sources {
		shown := sourceStatus{Name: Shown(src.Name), Connected: src.Status.Connected, Generation: src.Version.Generation}
		if src.Status.Err != nil {
			shown.Error = src.Status.Err.Error()
		}
		st.Sources = append(st.Sources, shown)
	}
	return st
}

// leading returns the version that stands for the whole sidecar: that of the
// environment with the highest priority, or, without an environment, that of
// the last source.
func leading(sources []store.SourceState) (v source.Version) {
	for _, src := range slices.Backward(sources) {
		if src.Version.Environment != "" {
			return src.Version
		}
	}
	if len(sources) > 0 {
		v = sources[len(sources)-1].Version
	}
	return v
}

// age is how long ago the least current source knew to be current. A source
// that never knew counts from the start of the sidecar.
func (s *Service) age(sources []store.SourceState) (age time.Duration) {
	for _, src := range sources {
		confirmed := src.Status.Confirmed
		if confirmed.IsZero() {
			confirmed = s.started
		}
		age = max(age, time.Since(confirmed))
	}
	return age
}

// rejected lists what is quarantined, with the generations that brought it.
func (s *Service) rejected() []rejectedStatus {
	quarantined := s.store.Current().Rejected()
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := []rejectedStatus{}
	for _, r := range quarantined {
		shown = append(shown, rejectedStatus{Generation: s.rejectedAt[r], Key: r.Key, Reason: r.Reason})
	}
	return shown
}
