package scope_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/flagline/flagline/sidecar/internal/scope"
)

func TestSelectorIsToldBack(t *testing.T) {
	tests := []struct {
		header string
		want   map[string]any
	}{
		{"", map[string]any{}},
		{"flagSetId=shop", map[string]any{"flagSetId": "shop"}},
		{"flagSetId=", map[string]any{}},
		{"source=./a.json", map[string]any{"source": "./a.json"}},
		{"./a.json", map[string]any{"source": "./a.json"}},
	}
	for _, test := range tests {
		headers := http.Header{}
		headers.Set(scope.Header, test.header)
		sel, err := scope.Of(headers)
		if err != nil {
			t.Errorf("Of(%q): %v", test.header, err)
			continue
		}
		if got := scope.Metadata(sel); !maps.Equal(got, test.want) {
			t.Errorf("metadata of %q is %v, want %v", test.header, got, test.want)
		}
	}
}

func TestUnknownKeyOfASelectorIsAnError(t *testing.T) {
	headers := http.Header{}
	headers.Set(scope.Header, "owner=me")
	if sel, err := scope.Of(headers); err == nil {
		t.Errorf("Of(owner=me) = %+v, want an error", sel)
	}
}
