package ofrep

import (
	"encoding/json"
	"reflect"
	"testing"
)

// checkContext compares what is read of a body with what encoding/json reads, as
// flagd does.
func checkContext(t *testing.T, body []byte) {
	t.Helper()
	asked, ok := readContext(body)
	if len(body) == 0 {
		if !ok || asked != nil {
			t.Errorf("nothing is read as %v, %v", asked, ok)
		}
		return
	}
	var request struct {
		Context any `json:"context"`
	}
	err := json.Unmarshal(body, &request)
	if (err == nil) != ok {
		t.Fatalf("%s is read: %v, and by encoding/json: %v", body, ok, err)
	}
	want, _ := request.Context.(map[string]any)
	if ok && !reflect.DeepEqual(asked, want) {
		t.Errorf("%s is read as %v, and by encoding/json as %v", body, asked, want)
	}
}

func contexts() []string {
	return []string{
		``, ` `, `null`, `{}`, `[]`, `"x"`, `1`, `{"context":{}}`, `{"context":null}`, `{"context":[1]}`, `{"context":"x"}`,
		`{"context":{"targetingKey":"u","a":[1,{"b":null}]}}`, `{"other":1,"context":{"a":1e3}}`, `{"context":{"a":1}} {}`,
		`{"other":1e700,"context":{"a":1}}`, `{"context":{"a":1`, `{"context":{"a":1e999}}`, "{\"context\":{\"a\":\"\xff\"}}", `{"context":{"a":"\ud800"}}`,
	}
}

func TestContextsAreReadAsFlagdReadsThem(t *testing.T) {
	for _, body := range contexts() {
		checkContext(t, []byte(body))
	}
	if asked, ok := readContext([]byte(`{"Context":{"a":1}}`)); !ok || asked["a"] != 1.0 {
		t.Errorf("Context is read as %v, %v", asked, ok)
	}
}

func FuzzContext(f *testing.F) {
	for _, body := range contexts() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		// Of several members that are the same but for their case, or several
		// of the same name, we take another one than encoding/json may.
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) == nil && len(members) > 1 {
			return
		}
		checkContext(t, body)
	})
}
