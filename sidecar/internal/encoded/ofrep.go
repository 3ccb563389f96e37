package encoded

import (
	"fmt"
	"net/http"

	"github.com/flagline/flagline/evaluator"
)

// encodeOFREP writes the answer about key as flagd words it. Value and variant
// are left out if the caller's own default applies.
func (a *Answer) encodeOFREP(key string) {
	if a.Reason == evaluator.ReasonError {
		a.Status, a.OFREP = Failure(key, a.Code, a.MetadataJSON)
		return
	}
	b := []byte{'{'}
	if a.ValueJSON != nil {
		b = append(b, `"value":`...)
		b = append(b, a.ValueJSON...)
		b = append(b, ',')
	}
	b = append(b, `"key":`...)
	b = append(b, Text(key)...)
	b = append(b, `,"reason":`...)
	b = append(b, Text(string(a.Reason))...)
	if a.Variant != "" {
		b = append(b, `,"variant":`...)
		b = append(b, Text(a.Variant)...)
	}
	b = append(b, `,"metadata":`...)
	b = append(b, a.MetadataJSON...)
	a.Status, a.OFREP = http.StatusOK, append(b, '}')
}

// Failure returns how OFREP tells that key could not be resolved: the status,
// and the body, of which metadata, a JSON object, becomes a part. The mistakes
// that only an author can mend share one text.
func Failure(key string, code evaluator.ErrorCode, metadata []byte) (status int, body []byte) {
	status = http.StatusBadRequest
	var details string
	switch code {
	case evaluator.CodeFlagNotFound:
		status, details = http.StatusNotFound, fmt.Sprintf("flag `%s` does not exist", key)
	case evaluator.CodeParseError:
		details = fmt.Sprintf("error parsing the flag `%s`", key)
	default:
		code, details = evaluator.CodeGeneral, "error processing the flag for evaluation"
	}
	return status, fmt.Appendf(nil, `{"key":%s,"errorCode":%s,"errorDetails":%s,"metadata":%s}`,
		Text(key), Text(string(code)), Text(details), metadata)
}
