package api

import (
	"bytes"
	"encoding/json"
)

// A Code is the kind of an error, for programs.
type Code string

// The codes.
const (
	CodeUsage            Code = "usage"
	CodeInvalid          Code = "invalid" // what was to be published has mistakes
	CodeNotFound         Code = "not_found"
	CodeDenied           Code = "denied"
	CodeConflict         Code = "conflict"
	CodeApprovalRequired Code = "approval_required"
	CodeNotConverged     Code = "not_converged"
	CodeUnavailable      Code = "unavailable"
	CodeInternal         Code = "internal"
)

// An Error is why a request was not granted.
type Error struct {
	Code    Code     `json:"code"`
	Message string   `json:"message"`
	Details []Detail `json:"details"`
}

func (e *Error) Error() string { return e.Message }

// A Detail is one of several mistakes.
type Detail struct {
	File    string `json:"file"`
	Pointer string `json:"pointer"` // a JSON pointer
	Code    string `json:"code"`
	Message string `json:"message"`
}

// An ErrorBody is how an [Error] travels.
type ErrorBody struct {
	Error *Error `json:"error"`
}

// Marshal encodes v without the escapes that only HTML needs, so that flags
// keep the spelling they were written in.
func Marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
