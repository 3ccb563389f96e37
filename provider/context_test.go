package provider

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

func TestNormalisedValuesAreWhatJSONMakesOfThem(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 30, 0, 123, time.FixedZone("", 3600))
	for _, v := range []any{
		nil, true, "text", "a\xff\xfeb", 1.5, 7, int8(-7), int64(1) << 60, uint64(1) << 63, float32(0.1),
		at, &at, time.Minute, json.Number("12.50"), []byte("abc"),
		[]string{"a", "\xff"},
		[]int{1, 2},
		[]any{1, "a", []any{nil, 2}},
		[2]bool{true},
		[]any(nil),
		[]string{},
		map[string]int{"a": 1},
		map[int]string{1: "a"},
		map[string]any{"a": map[string]any{"\xff": at}},
		map[string]any(nil),
		struct {
			Name string `json:"name"`
			none int
		}{Name: "x"},
	} {
		marshalled, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(marshalled, &want); err != nil {
			t.Fatal(err)
		}
		got, err := normalise(openfeature.FlattenedContext{"v": v})
		if err != nil || !reflect.DeepEqual(got["v"], want) {
			t.Errorf("normalise(%#v) = %#v (%v), want %#v", v, got["v"], err, want)
		}
	}
}

func TestNormaliseRefusesWhatJSONDoesNotHave(t *testing.T) {
	circle := map[string]any{}
	circle["again"] = []any{circle}
	for _, v := range []any{
		math.NaN(), math.Inf(1), func() {}, make(chan int), complex(1, 2),
		[]any{math.NaN()},
		map[string]any{"deep": math.Inf(-1)},
		circle, json.Number("twelve"),
	} {
		if got, err := normalise(openfeature.FlattenedContext{"v": v}); err == nil || !strings.Contains(err.Error(), `"v"`) {
			t.Errorf("normalise(%T) = %v (%v), want an error that names the attribute", v, got["v"], err)
		}
	}
}

func TestNormaliseLeavesTheCallersValuesAlone(t *testing.T) {
	inner := map[string]any{"count": 1, "\xff": true}
	list := []any{1, inner}
	fc := openfeature.FlattenedContext{"inner": inner, "list": list, "n": 2, "\xff": "key"}
	before := fmt.Sprintf("%#v", fc)
	ec, err := normalise(fc)
	if err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprintf("%#v", fc); after != before {
		t.Errorf("the caller's context became %s, was %s", after, before)
	}
	if got := ec["list"].([]any)[1].(map[string]any)["count"]; got != 1.0 {
		t.Errorf("count = %#v, want 1.0", got)
	}
	if ec["\ufffd"] != "key" || len(ec) != len(fc) {
		t.Errorf("the key that is no UTF-8 was not mended: %#v", ec)
	}
}

func TestPlainContextIsNotCopied(t *testing.T) {
	fc := openfeature.FlattenedContext{
		"targetingKey": "ada", "tier": "gold", "beta": true, "age": 36.0,
		"address": map[string]any{"country": "DE"}, "tags": []any{"a", "b"},
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = normalise(fc) }); n != 0 {
		t.Errorf("normalising a plain context allocates %v times, want 0", n)
	}
}
