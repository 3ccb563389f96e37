package ofrep

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/flagline/flagline/evaluator"
)

// A success is the answer about a flag that could be resolved. Value and
// variant are left out if the caller's own default applies.
type success struct {
	Value    any            `json:"value,omitempty"`
	Key      string         `json:"key"`
	Reason   string         `json:"reason"`
	Variant  string         `json:"variant,omitempty"`
	Metadata map[string]any `json:"metadata"`
}

// A failure is the answer about a flag that could not be resolved, and, without
// a key, to a bulk request that was refused.
type failure struct {
	Key          *string             `json:"key,omitempty"`
	ErrorCode    evaluator.ErrorCode `json:"errorCode"`
	ErrorDetails string              `json:"errorDetails"`
	Metadata     map[string]any      `json:"metadata"`
}

// bodyOf is what the protocol says of an answer, alone or among many.
func bodyOf(key string, r evaluator.Resolution) any {
	if r.Err != nil {
		_, body := failureOf(key, r.Err.Code, r.Metadata)
		return body
	}
	return success{
		Value: r.Value, Key: key, Reason: string(r.Reason), Variant: r.Variant, Metadata: orEmpty(r.Metadata),
	}
}

func statusOf(r evaluator.Resolution) int {
	if r.Err == nil {
		return http.StatusOK
	}
	status, _ := failureOf("", r.Err.Code, nil)
	return status
}

// failureOf returns the status and the body that tell code. The mistakes that
// only an author can mend share one text.
func failureOf(key string, code evaluator.ErrorCode, metadata map[string]any) (int, failure) {
	body := failure{Key: &key, Metadata: orEmpty(metadata)}
	switch code {
	case evaluator.CodeFlagNotFound:
		body.ErrorCode, body.ErrorDetails = code, fmt.Sprintf("flag `%s` does not exist", key)
		return http.StatusNotFound, body
	case evaluator.CodeParseError:
		body.ErrorCode, body.ErrorDetails = code, fmt.Sprintf("error parsing the flag `%s`", key)
	default:
		body.ErrorCode, body.ErrorDetails = evaluator.CodeGeneral, "error processing the flag for evaluation"
	}
	return http.StatusBadRequest, body
}

// send answers with the refusal, in the shape that body begins.
func (r *refusal) send(w http.ResponseWriter, body failure) {
	if r.code == "" {
		send(w, r.status, struct {
			ErrorDetails string `json:"errorDetails"`
		}{r.details})
		return
	}
	body.ErrorCode, body.ErrorDetails = r.code, r.details
	send(w, r.status, body)
}

func send(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		// Values come out of JSON documents, so this is unreachable; but an
		// answer that cannot be encoded must not look like one.
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sendJSON(w, status, data)
}

// sendJSON sends data. A caller that is gone is nobody's mistake.
func sendJSON(w http.ResponseWriter, status int, data []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// orEmpty makes sure that metadata is sent as an object.
func orEmpty(metadata map[string]any) map[string]any {
	if metadata == nil {
		return map[string]any{}
	}
	return metadata
}
