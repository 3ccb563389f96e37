package flagtest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider/flagtest"
)

func TestConstantsOfEachTypeAnswer(t *testing.T) {
	t.Parallel()
	type size struct {
		Width int `json:"width"`
	}
	flags := flagtest.New(t)
	flags.Set("bool", true)
	flags.Set("string", "hi")
	flags.Set("int", int32(7))
	flags.Set("float", 2.5)
	flags.Set("object", map[string]any{"width": 7})
	flags.Set("struct", size{Width: 7})
	client := flags.Client()

	for flag, got := range map[string]any{
		"bool":   client.Boolean(t.Context(), "bool", false, nobody),
		"string": client.String(t.Context(), "string", "", nobody),
		"int":    client.Int(t.Context(), "int", 0, nobody),
		"float":  client.Float(t.Context(), "float", 0, nobody),
		"object": client.Object(t.Context(), "object", nil, nobody),
		"struct": client.Object(t.Context(), "struct", nil, nobody),
	} {
		want := map[string]string{
			"bool": "true", "string": "hi", "int": "7", "float": "2.5", "object": "map[width:7]", "struct": "map[width:7]",
		}[flag]
		if fmt.Sprint(got) != want {
			t.Errorf("flag %q answers %v, want %v", flag, got, want)
		}
	}
	d, err := client.BooleanValueDetails(t.Context(), "bool", false, nobody)
	if err != nil || d.Variant != "on" || d.Reason != openfeature.StaticReason {
		t.Errorf("got %q %s, %v, want on STATIC", d.Variant, d.Reason, err)
	}
}

func TestChangeAnswersOnceTheCallReturned(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	client := flags.Client()
	for i := range 1000 {
		flags.Set("n", i)
		if n := client.Int(t.Context(), "n", -1, nobody); n != int64(i) {
			t.Fatalf("after Set(%d) the flag answers %d", i, n)
		}
	}
	flags.Unset("n")
	d, err := client.IntValueDetails(t.Context(), "n", -1, nobody)
	if err == nil || d.ErrorCode != openfeature.FlagNotFoundCode || d.Value != -1 {
		t.Errorf("after Unset the flag answers %d, %v", d.Value, err)
	}
}

func TestRulesAreEvaluated(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	flags.Load("testdata/flags.json")
	flags.SetJSON("banner", `{
		"state": "ENABLED", "variants": {"red": "r", "blue": "b"}, "defaultVariant": "blue",
		"targeting": {"if": [{"$ref": "staff"}, "red", null]}
	}`)
	client := flags.Client()
	staff := openfeature.NewEvaluationContext("ada", map[string]any{"email": "ada@example.com"})
	for flag, want := range map[string][2]string{"greeting": {"good day", "hi"}, "banner": {"r", "b"}} {
		if got := client.String(t.Context(), flag, "", staff); got != want[0] {
			t.Errorf("flag %q answers %q to staff, want %q", flag, got, want[0])
		}
		if got := client.String(t.Context(), flag, "", nobody); got != want[1] {
			t.Errorf("flag %q answers %q to others, want %q", flag, got, want[1])
		}
	}
	d, err := client.StringValueDetails(t.Context(), "banner", "", staff)
	if err != nil || d.FlagMetadata["flagSetId"] != "shop" || d.FlagMetadata["version"] != "7" {
		t.Errorf("metadata %v, %v: want those of the document", d.FlagMetadata, err)
	}
}

func TestWhatWasSetLastAnswersWhicheverSetItIsIn(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	client := flags.Client()
	on := func() bool { return client.Boolean(t.Context(), "new-checkout", false, nobody) }

	flags.Load("testdata/flags.json")
	flags.Load("testdata/overrides.yaml")
	if !on() {
		t.Error("the document loaded last does not answer")
	}
	flags.Load("testdata/flags.json")
	if on() {
		t.Error("the document loaded again does not answer")
	}
	flags.Set("new-checkout", true)
	if !on() {
		t.Error("a constant does not answer for a flag of a document")
	}
	if got := client.String(t.Context(), "greeting", "", nobody); got != "hi" {
		t.Errorf("the other flag answers %q", got)
	}
}

func TestDisabledFlagAnswersWithTheDefault(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	flags.Load("testdata/flags.json")
	flags.Disable("greeting")
	d, err := flags.Client().StringValueDetails(t.Context(), "greeting", "mine", nobody)
	if err != nil || d.Value != "mine" || d.Reason != openfeature.DisabledReason {
		t.Errorf("got %q %s, %v, want the caller's default and DISABLED", d.Value, d.Reason, err)
	}
	flags.Set("greeting", "back")
	if got := flags.Client().String(t.Context(), "greeting", "mine", nobody); got != "back" {
		t.Errorf("set again, the flag answers %q", got)
	}
}

func TestFailingFlagFailsUntilItIsSet(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	client := flags.Client()
	for _, code := range []openfeature.ErrorCode{
		openfeature.ProviderNotReadyCode, openfeature.ProviderFatalCode, openfeature.FlagNotFoundCode, openfeature.ParseErrorCode,
		openfeature.TypeMismatchCode, openfeature.TargetingKeyMissingCode, openfeature.InvalidContextCode, openfeature.GeneralCode,
	} {
		flags.Fail("price", code)
		d, err := client.FloatValueDetails(t.Context(), "price", 9.5, nobody)
		if err == nil || d.ErrorCode != code || d.Value != 9.5 || d.Reason != openfeature.ErrorReason {
			t.Errorf("%s: got %v %s %s, %v", code, d.Value, d.Reason, d.ErrorCode, err)
		}
	}
	flags.Set("price", 1)
	if got := client.Float(t.Context(), "price", 9.5, nobody); got != 1 {
		t.Errorf("set again, the flag answers %v", got)
	}
}

func TestHandlersHearOfEachKindOfChange(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	heard := make(chan string, 100)
	heardOf := func(d openfeature.EventDetails) { heard <- strings.Join(d.FlagChanges, " ") }
	flags.API().AddHandler(openfeature.ProviderConfigChange, &heardOf)
	for name, change := range map[string]func(){
		"set":      func() { flags.Set("a", true) },
		"disabled": func() { flags.Disable("a") },
		"failing":  func() { flags.Fail("a", openfeature.GeneralCode) },
		"removed":  func() { flags.Set("a", true); <-heard; flags.Unset("a") },
	} {
		flags.Set("a", name)
		if got := <-heard; got != "a" {
			t.Errorf("%s: the event names %q, want the flag", name, got)
		}
		change()
		if got := <-heard; got != "a" {
			t.Errorf("%s: the event names %q, want the flag", name, got)
		}
	}
}

func TestQuestionsAreRemembered(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	flags.Set("greeting", "hi")
	flags.API().SetEvaluationContext(openfeature.NewTargetlessEvaluationContext(map[string]any{"region": "eu"}))
	client := flags.Client()
	if q := flags.Asked("greeting"); len(q) != 0 {
		t.Errorf("asked before anybody asked: %v", q)
	}
	client.String(t.Context(), "greeting", "mine", openfeature.NewEvaluationContext("ada", map[string]any{"age": 36}))
	client.Boolean(t.Context(), "greeting", true, nobody)

	q := flags.Asked("greeting")
	if len(q) != 2 {
		t.Fatalf("remembers %d questions, want 2", len(q))
	}
	if got := fmt.Sprint(q[0].Context); got != "map[age:36 region:eu targetingKey:ada]" {
		t.Errorf("first context %s", got)
	}
	if q[0].Type != openfeature.String || q[0].Default != "mine" || q[0].Value != "hi" || q[0].Detail.Reason != openfeature.StaticReason {
		t.Errorf("first question %+v", q[0])
	}
	if q[1].Type != openfeature.Boolean || q[1].Value != true || q[1].Detail.ErrorCode != openfeature.TypeMismatchCode {
		t.Errorf("second question %+v", q[1])
	}
}

func TestOnlyTheNewestQuestionsAreRemembered(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	client := flags.Client()
	const asked = 4321
	for i := range asked {
		client.Int(t.Context(), "n", int64(i), nobody)
	}
	q := flags.Asked("n")
	if len(q) != 1000 || q[0].Default != int64(asked-1000) || q[999].Default != int64(asked-1) {
		t.Errorf("remembers %d questions, from %v", len(q), q[0].Default)
	}
}

func TestTrackedEventsAreRemembered(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	details := openfeature.NewTrackingEventDetails(9.5).Add("currency", "EUR")
	flags.Client().Track(t.Context(), "bought", openfeature.NewEvaluationContext("ada", nil), details)
	got := flags.Tracked("bought")
	if len(got) != 1 || got[0].Value != 9.5 || got[0].Attributes["currency"] != "EUR" || got[0].Context["targetingKey"] != "ada" {
		t.Errorf("tracked %+v", got)
	}
}

func TestFlagsStayFreshHoweverFarTheClockIsTurned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flags := flagtest.New(t)
		flags.Set("a", true)
		client := flags.Client()
		time.Sleep(3 * 365 * 24 * time.Hour)
		synctest.Wait()
		if s := client.State(); s != openfeature.ReadyState {
			t.Errorf("after three years the provider is %s", s)
		}
		if !client.Boolean(t.Context(), "a", false, nobody) {
			t.Error("after three years the flag does not answer")
		}
	})
}

func TestEnvironmentHasNoSay(t *testing.T) {
	t.Setenv("FLAGD_RESOLVER", "file")
	t.Setenv("FLAGLINE_PORT", "http")
	flags := flagtest.New(t)
	flags.Set("a", true)
	if !flags.Client().Boolean(t.Context(), "a", false, nobody) {
		t.Error("the flag does not answer")
	}
}

func TestManyMaySetAndAskAtOnce(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	client := flags.Client()
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			flag := fmt.Sprint("flag-", g)
			for i := range 100 {
				flags.Set(flag, i)
				if n := client.Int(context.Background(), flag, -1, nobody); n != int64(i) {
					t.Errorf("after Set(%q, %d) it answers %d", flag, i, n)
				}
			}
			if n := len(flags.Asked(flag)); n != 100 {
				t.Errorf("remembers %d questions", n)
			}
		})
	}
	all.Wait()
}
