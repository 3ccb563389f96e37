package httppoll_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flagline/flagline/source/httppoll"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	one = `{"flags":{"a":{"n":1}}}`
	two = `{"flags":{"a":{"n":2}}}`
)

func TestNameIsTheURIUnlessItIsReplaced(t *testing.T) {
	for _, test := range []struct {
		cfg  httppoll.Config
		want string
	}{
		{httppoll.Config{URI: "https://h/flags?team=a"}, "https://h/flags?team=a"},
		{httppoll.Config{URI: "https://h/flags", Name: "second"}, "second"},
	} {
		if got := open(t, test.cfg).Name(); got != test.want {
			t.Errorf("Name() = %q, want %q", got, test.want)
		}
	}
}

func TestWhatMakesNoSenseIsRefusedAndNoSecretRepeated(t *testing.T) {
	for want, cfg := range map[string]httppoll.Config{
		"begins with http://":         {URI: "ftp://hunter2/flags"},
		"which this one does not":     {URI: "https:///hunter2"},
		"not a URL":                   {URI: "http://h/\x7fhunter2"},
		"put them into a header":      {URI: "http://me:hunter2@h/flags"},
		"at most 24h0m0s":             {URI: "http://h/?hunter2", Interval: 25 * time.Hour},
		"the interval is -1s":         {URI: "http://h/?hunter2", Interval: -time.Second},
		"the timeout is -1s":          {URI: "http://h/?hunter2", Timeout: -time.Second},
		"has -1 bytes":                {URI: "http://h/?hunter2", MaxBytes: -1},
		"the header Authorization":    {URI: "http://h", AuthHeader: "hunter2\r\nX: y"},
		"the header X-Key":            {URI: "http://h", Headers: map[string]string{"X-Key": "hunter2\n"}},
		"not the name of a header":    {URI: "http://h", Headers: map[string]string{"X Key": "hunter2"}},
		"the token URL":               {URI: "http://h", OAuth: &httppoll.OAuth{ClientID: "a", ClientSecret: "hunter2"}},
		"needs a client ID":           {URI: "http://h", OAuth: &httppoll.OAuth{TokenURL: "http://t", ClientSecret: "hunter2"}},
		"no such file":                {URI: "http://h", CAFile: t.TempDir() + "/gone.pem"},
		"there is no certificate":     {URI: "http://h", CAFile: "httppoll_test.go"},
		"http://h/flags: the timeout": {URI: "http://h/flags?sig=hunter2", Timeout: -1},
	} {
		_, err := httppoll.New(cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("New(%+v) = %v, want an error that says %q and no secret", cfg, err, want)
		}
	}
}

func TestUnchangedDocumentIsNotSentAgain(t *testing.T) {
	p := publish(t)
	p.do(tagged(`"v1"`, one))
	r := watch(t, httppoll.Config{URI: p.URL})
	at := awaitWell(t, r).Status.Confirmed
	awaitQuestions(t, r, p, 3)
	if got := p.questions()[2].Header.Get("If-None-Match"); got != `"v1"` {
		t.Errorf("the third question is for anything but %q, want %q", got, `"v1"`)
	}
	s := r.Await(t, "a later confirmation", func(s sourcetest.State) bool { return s.Status.Confirmed.After(at) })
	if len(s.Updates) != 1 {
		t.Errorf("an unchanged document made %d updates, want 1", len(s.Updates))
	}
	p.do(tagged(`"v2"`, two))
	awaitFlag(t, r, "2")
}

// tagged answers with body, or that it has not changed.
func tagged(etag, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, body)
	}
}

func TestBadDocumentWithAnETagStaysBadUntilItChanges(t *testing.T) {
	p := publish(t)
	p.do(tagged(`"good"`, one))
	r := watch(t, httppoll.Config{URI: p.URL})
	awaitWell(t, r)
	p.do(tagged(`"bad"`, `{"flags":`))
	s := awaitErr(t, r, "not JSON")
	at := s.Status.Confirmed
	for range 2 {
		s = r.Await(t, "the next report", func(next sourcetest.State) bool { return next.Reports > s.Reports })
		if s.Status.Err == nil || !s.Status.Connected || !s.Status.Confirmed.Equal(at) || len(s.Updates) != 1 {
			t.Fatalf("while the document is bad the status is %+v after %d updates", s.Status, len(s.Updates))
		}
	}
	p.do(tagged(`"good"`, one))
	if s := awaitWell(t, r); len(s.Updates) != 1 {
		t.Errorf("the same good document made %d updates, want 1", len(s.Updates))
	}
}

func TestWithoutETagsTheBytesAreCompared(t *testing.T) {
	p := publish(t)
	p.answer(one)
	r := watch(t, httppoll.Config{URI: p.URL})
	awaitQuestions(t, r, p, 4)
	if n := len(r.State().Updates); n != 1 {
		t.Errorf("the same bytes made %d updates, want 1", n)
	}
	p.answer(two)
	s := awaitFlag(t, r, "2")
	if u := s.Updates[1]; u.Version.Generation != 2 || !u.Replace || u.Version.Time.IsZero() {
		t.Errorf("the second update is %+v", u.Version)
	}
}

func TestTimeOfAStateIsTheServers(t *testing.T) {
	p := publish(t)
	p.answer(one, "Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT")
	r := watch(t, httppoll.Config{URI: p.URL})
	want := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	if got := awaitWell(t, r).Updates[0].Version.Time; !got.Equal(want) {
		t.Errorf("the state is of %v, want %v", got, want)
	}
}

func TestNotationIsThatOfTheMediaTypeOrElseOfTheExtension(t *testing.T) {
	const yaml = "flags:\n  a: {n: 1} # one\n"
	for _, test := range []struct{ path, mediaType, body string }{
		{"/flags", "application/yaml", yaml},
		{"/flags.json", "text/x-yaml; charset=utf-8", yaml},
		{"/flags.json", "application/vnd.flags+yaml", yaml},
		{"/flags.yaml", "text/plain", yaml},
		{"/flags.YML?v=1.json", "", yaml},
		{"/flags.yaml", "application/json", one},
		{"/flags", "text/plain; charset=utf-8", one},
		{"/flags", "application/octet-stream", one},
	} {
		p := publish(t)
		p.answer(test.body, "Content-Type", test.mediaType)
		r := watch(t, httppoll.Config{URI: p.URL + test.path})
		if s := awaitWell(t, r); s.Records[sourcetest.ID{Key: "a"}] != `{"n":1}` {
			t.Errorf("%v gives %v", test, s.Records)
		}
	}
}

func TestBadAnswersKeepTheLastGoodFlags(t *testing.T) {
	p := publish(t)
	p.answer(one)
	r := watch(t, httppoll.Config{URI: p.URL + "/flags?sig=hunter2", MaxBytes: 100, Timeout: 200 * time.Millisecond})
	awaitWell(t, r)
	for _, test := range []struct {
		name, want string
		connected  bool
		serve      http.HandlerFunc
	}{
		{"busy", "answers 503 Service Unavailable, and to ask again after 1s", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}},
		{"too many questions", "answers 429 Too Many Requests", false, status(http.StatusTooManyRequests, two)},
		{"not found", "answers 404 Not Found", false, http.NotFound},
		{"not JSON", "line 1, column 1: not JSON", true, say("<html>")},
		{"no flags", `no member "flags"`, true, say("{}")},
		{"empty", "the document is empty", true, say(" \n")},
		{"too long", "longer than 100 bytes", false, say(one + strings.Repeat(" ", 100))},
		{"partial", "answers 206 Partial Content", false, status(http.StatusPartialContent, two)},
		{"unasked", "it was not asked", false, status(http.StatusNotModified, "")},
		{"cut off", "read the answer", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, two)
		}},
		{"hung up", "EOF", false, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"late", "no whole answer within 200ms", false, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, two)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		{"half of a YAML document", "where the document ends", true, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\nContent-Type: text/yaml\r\n\r\nflags:\n  a: {n: 2}\n")
		}},
	} {
		p.do(test.serve)
		s := awaitErr(t, r, test.want)
		if s.Status.Connected != test.connected || len(s.Updates) != 1 {
			t.Errorf("%s: connected %v after %d updates, want %v after 1", test.name, s.Status.Connected, len(s.Updates), test.connected)
		}
		if text := s.Status.Err.Error(); !strings.HasPrefix(text, p.URL+"/flags: ") || strings.Contains(text, "hunter2") {
			t.Errorf("%s: the error %q names the URL wrongly", test.name, text)
		}
	}
	p.answer(two)
	awaitFlag(t, r, "2")
}

func say(body string) http.HandlerFunc { return status(http.StatusOK, body) }

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestEndOfTheWatchIsNoTroubleOfTheServer(t *testing.T) {
	p := publish(t)
	came := make(chan struct{})
	p.do(func(_ http.ResponseWriter, r *http.Request) {
		close(came)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, done := new(sourcetest.Recorder), make(chan error)
	go func() { done <- open(t, httppoll.Config{URI: p.URL}).Watch(ctx, r) }()
	<-came
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Watch returned %v", err)
	}
	if s := r.State(); s.Reports != 0 {
		t.Errorf("the end was reported as %+v", s.Status)
	}
}

// watch watches until the test ends.
func watch(t *testing.T, cfg httppoll.Config) *sourcetest.Recorder {
	t.Helper()
	src := open(t, cfg)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r, done := new(sourcetest.Recorder), make(chan error)
	go func() { done <- src.Watch(ctx, r) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	})
	return r
}

func awaitWell(t *testing.T, r *sourcetest.Recorder) sourcetest.State {
	t.Helper()
	return r.Await(t, "a report that all is well", func(s sourcetest.State) bool {
		return s.Status.Connected && s.Status.Err == nil
	})
}

func awaitErr(t *testing.T, r *sourcetest.Recorder, part string) sourcetest.State {
	t.Helper()
	return r.Await(t, "an error that says "+part, func(s sourcetest.State) bool {
		return s.Status.Err != nil && strings.Contains(s.Status.Err.Error(), part)
	})
}

func awaitFlag(t *testing.T, r *sourcetest.Recorder, n string) sourcetest.State {
	t.Helper()
	return r.Await(t, "flag a to be "+n, func(s sourcetest.State) bool {
		return s.Records[sourcetest.ID{Key: "a"}] == `{"n":`+n+`}`
	})
}

// awaitQuestions waits until p was asked n times and the last was answered.
func awaitQuestions(t *testing.T, r *sourcetest.Recorder, p *publication, n int) {
	t.Helper()
	r.Await(t, fmt.Sprint(n, " questions"), func(s sourcetest.State) bool { return s.Reports >= n && len(p.questions()) >= n })
}

// What a document is depends on what the server calls it, too.
func TestADocumentUnderTheWrongNameIsTakenOnceTheNameIsRight(t *testing.T) {
	p := publish(t)
	const body = "flags:\n  a:\n    variants: {x: 1}\n    defaultVariant: x\n"
	p.answer(body, "Content-Type", "application/json", "ETag", `"same"`)
	r := watch(t, httppoll.Config{URI: p.URL + "/flags"})
	awaitErr(t, r, "not JSON")
	p.answer(body, "Content-Type", "application/yaml", "ETag", `"same"`)
	awaitWell(t, r)
}
