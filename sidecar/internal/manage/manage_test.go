package manage_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func watch(st *store.Store) *manage.Service {
	return manage.New(st, tally.New(), manage.Identity{Instance: "shop-1", Environment: "prod"}, time.Minute)
}

func serve(t *testing.T, s *manage.Service) string {
	t.Helper()
	server := httptest.NewUnstartedServer(s.Handler(t.Context().Done()))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func TestReadyOnceEverySourceHasDelivered(t *testing.T) {
	st := store.New()
	first, second := st.Add("first"), st.Add("second")
	address := serve(t, watch(st))

	want := func(when string, ready int) {
		t.Helper()
		if alive, _ := get(t, address+"/healthz"); alive != 200 {
			t.Errorf("healthz %s is %d, want 200", when, alive)
		}
		if got, _ := get(t, address+"/readyz"); got != ready {
			t.Errorf("readyz %s is %d, want %d", when, got, ready)
		}
	}
	want("before anything", 412)
	flagtest.Deliver(t, first, 1, `{"flags":{}}`)
	want("after one of two", 412)
	flagtest.Deliver(t, second, 1, `{"flags":{}}`)
	want("after both", 200)
	second.Report(source.Status{Err: errors.New("gone")})
	want("after a source was lost", 200)
}

func TestStatusIsWhatChecksRead(t *testing.T) {
	st := store.New()
	fallback, nats := st.Add("file.json"), st.Add("nats://h:4222/prod")
	s := watch(st)
	address := serve(t, s)
	now := time.Now()
	flagtest.Deliver(t, fallback, 7, `{"flags":{}}`)
	fallback.Report(source.Status{Connected: true, Confirmed: now})
	rejected := nats.Apply(source.Update{
		Version: source.Version{Environment: "prod", Epoch: 2, Generation: 412, Digest: "ab12"},
		Replace: true,
		Records: []source.Record{{Key: "bad", Body: []byte(`{"targeting":{"plus":[1]}}`)}},
	})
	s.Rejected(412, rejected)
	nats.Report(source.Status{Confirmed: now.Add(-2 * time.Hour), Err: errors.New("no answer")})

	_, body := get(t, address+"/status")
	for _, want := range []string{
		`{"instance":"shop-1","environment":"prod","epoch":2,"generation":412,"digest":"ab12","ageSeconds":72`,
		`"stale":true`,
		`"sources":[{"name":"file.json","connected":true,"generation":7,"error":""},` +
			`{"name":"nats://h:4222/prod","connected":false,"generation":412,"error":"no answer"}]`,
		`"rejected":[{"generation":412,"key":"bad","reason":"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("status lacks %s:\n%s", want, body)
		}
	}
}

func TestRejectedFlagKeepsTheGenerationThatBroughtItUntilItIsMended(t *testing.T) {
	const bad = `{"flags":{"bad":{"variants":{"x":1},"defaultVariant":"y"}}}`
	st, sink := flagtest.Store(t, `{"flags":{}}`)
	s := watch(st)
	address := serve(t, s)
	for generation := uint64(2); generation <= 3; generation++ {
		s.Rejected(generation, flagtest.Deliver(t, sink, generation, bad))
	}
	if _, body := get(t, address+"/status"); !strings.Contains(body, `"rejected":[{"generation":2,"key":"bad"`) {
		t.Errorf("status is %s, want bad to be rejected by generation 2", body)
	}
	s.Rejected(4, flagtest.Deliver(t, sink, 4, `{"flags":{}}`))
	if _, body := get(t, address+"/status"); !strings.Contains(body, `"rejected":[]`) {
		t.Errorf("status is %s, want nothing rejected", body)
	}
}

func TestStatusOfNothingHasEmptyLists(t *testing.T) {
	_, body := get(t, serve(t, watch(store.New()))+"/status")
	if !strings.Contains(body, `"sources":[],"rejected":[]`) || !strings.Contains(body, `"stale":false`) {
		t.Errorf("status is %s, want empty lists and nothing stale", body)
	}
}
