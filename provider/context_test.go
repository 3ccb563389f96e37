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

	"github.com/flagline/flagline/internal/structwire"
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
		got, _, wrong := normalise(openfeature.FlattenedContext{"v": v})
		if len(wrong) > 0 {
			t.Errorf("normalise(%#v): %v", v, wrong)
			continue
		}
		sent, err := structwire.Read(structwire.Append(nil, got))
		if err != nil || !reflect.DeepEqual(sent["v"], want) {
			t.Errorf("%#v is sent as %#v (%v), want %#v", v, sent["v"], err, want)
		}
		if err := check(openfeature.FlattenedContext{"v": v}, nil, false); err != nil {
			t.Errorf("check(%#v): %v", v, err)
		}
	}
}

type broken struct{}

func (broken) MarshalJSON() ([]byte, error) { panic("not today") }

func TestNormaliseRefusesWhatJSONDoesNotHave(t *testing.T) {
	circle := map[string]any{}
	circle["again"] = []any{circle}
	for _, v := range []any{
		math.NaN(), math.Inf(1), func() {}, make(chan int), complex(1, 2),
		[]any{math.NaN()},
		map[string]any{"deep": math.Inf(-1)},
		circle, json.Number("twelve"),
		broken{},
	} {
		got, _, wrong := normalise(openfeature.FlattenedContext{"v": v, "good": "x"})
		if len(wrong) != 1 || wrong[0].attribute != "v" || len(got) != 1 || got["good"] != "x" {
			t.Errorf("normalise(%T) = %v (%v), want that it is left out", v, got, wrong)
		}
		if err := check(openfeature.FlattenedContext{"v": v}, []string{"w"}, true); err != nil {
			t.Errorf("check(%T): %v although nobody looks at it", v, err)
		}
		if err := check(openfeature.FlattenedContext{"v": v}, []string{"v"}, true); err == nil {
			t.Errorf("check(%T): nil although somebody looks at it", v)
		}
		if err := check(openfeature.FlattenedContext{"v": v}, nil, false); err == nil || !strings.Contains(err.Error(), `"v"`) {
			t.Errorf("check(%T): %v, want an error that names the attribute", v, err)
		}
	}
}

func TestNormaliseLeavesTheCallersValuesAlone(t *testing.T) {
	inner := map[string]any{"count": 1, "\xff": true}
	list := []any{1, time.Minute, inner}
	fc := openfeature.FlattenedContext{"inner": inner, "list": list, "n": 2, "\xff": "key"}
	before := fmt.Sprintf("%#v", fc)
	ec, _, wrong := normalise(fc)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if after := fmt.Sprintf("%#v", fc); after != before {
		t.Errorf("the caller's context became %s, was %s", after, before)
	}
	if got := ec["list"].([]any)[1]; got != 6e10 {
		t.Errorf("a minute = %#v, want its nanoseconds", got)
	}
	if ec["\ufffd"] != "key" || len(ec) != len(fc) {
		t.Errorf("the key that is no UTF-8 was not mended: %#v", ec)
	}
}

func TestPlainContextIsNotCopied(t *testing.T) {
	fc := openfeature.FlattenedContext{
		"targetingKey": "ada", "tier": "gold", "beta": true, "age": 36, "height": 1.7,
		"address": map[string]any{"country": "DE"}, "tags": []any{"a", "b"},
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = normalise(fc); _ = check(fc, nil, false) }); n != 0 {
		t.Errorf("normalising a plain context allocates %v times, want 0", n)
	}
	if _, same, _ := normalise(fc); !same {
		t.Error("a plain context is said to be another one")
	}
}
