package main

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/source/httppoll"
	"github.com/flagline/flagline/source/syncstream"
)

func TestURIsOfFlagdAreUnderstood(t *testing.T) {
	for uri, want := range map[string]origin{
		"file:flags.json":           {path: "flags.json"},
		"file:/etc/flags.yaml":      {path: "/etc/flags.yaml"},
		"http://h/flags.json":       {poll: &httppoll.Config{URI: "http://h/flags.json"}},
		"https://h:8443/flags?a=b":  {poll: &httppoll.Config{URI: "https://h:8443/flags?a=b"}},
		"grpc://h:8015":             {stream: &syncstream.Config{URI: "grpc://h:8015"}},
		"grpcs://h:8015":            {stream: &syncstream.Config{URI: "grpcs://h:8015"}},
		"grpcs://h":                 {stream: &syncstream.Config{URI: "grpcs://h"}},
		"grpc://[::1]:8015":         {stream: &syncstream.Config{URI: "grpc://[::1]:8015"}},
		"envoy://h:9211/flags.shop": {stream: &syncstream.Config{URI: "envoy://h:9211/flags.shop"}},
		"dns:///h:8015":             {stream: &syncstream.Config{URI: "dns:///h:8015"}},
		"unix:/run/flags.sock":      {stream: &syncstream.Config{URI: "unix:/run/flags.sock"}},
		"uds:/run/flags.sock":       {stream: &syncstream.Config{URI: "uds:/run/flags.sock"}},
		"nats://a:4222,b:4222/prod": {servers: "nats://a:4222,nats://b:4222", environment: "prod"},
	} {
		got, err := new(settings).parseURI(uri)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v, %v; want %+v", uri, got, err, want)
		}
	}
}

func TestEveryMemberOfASourceReachesIt(t *testing.T) {
	s := &settings{sources: `[
		{"uri": "flags.json", "provider": "file", "interval": 9},
		{"uri": "flags.json", "provider": "fsnotify"},
		{"uri": "file:flags.yaml", "provider": "fileinfo"},
		{"uri": "http://h/flags", "provider": "http", "interval": 77, "intervalSeed": "pod-1", "timeoutS": 3,
			"authHeader": "Basic eA==", "headers": {"X-Team": "shop"},
			"oauth": {"clientID": "me", "clientSecret": "s", "tokenURL": "http://t", "folder": "/f", "reloadDelayS": 60}},
		{"uri": "http://h/old", "provider": "http", "httpSyncBearerToken": "token"},
		{"uri": "http://h/older", "provider": "http", "bearerToken": "token"},
		{"uri": "h:8015", "provider": "grpc", "selector": "flagSetId=a", "providerID": "cart", "tls": true,
			"maxMsgSize": 1000, "headers": {"x-team": "shop"}, "authHeader": "Bearer x", "incrementalUpdates": true},
		{"uri": "grpc://h:8015", "provider": "flagd-proxy"},
		{"uri": "grpcs://h:8015"},
		{"uri": "h", "provider": "grpc", "tls": true},
		{"uri": "nats://h/prod", "provider": "nats"}
	]`}
	want := []origin{
		{path: "flags.json"},
		{path: "flags.json"},
		{path: "flags.yaml"},
		{poll: &httppoll.Config{
			URI: "http://h/flags", Interval: 77 * time.Second, IntervalSeed: "pod-1", Timeout: 3 * time.Second,
			AuthHeader: "Basic eA==", Headers: map[string]string{"X-Team": "shop"},
			OAuth: &httppoll.OAuth{ClientID: "me", ClientSecret: "s", TokenURL: "http://t", Folder: "/f", ReloadDelay: time.Minute},
		}},
		{poll: &httppoll.Config{URI: "http://h/old", AuthHeader: "Bearer token"}},
		{poll: &httppoll.Config{URI: "http://h/older", AuthHeader: "Bearer token"}},
		{stream: &syncstream.Config{
			URI: "h:8015", Selector: "flagSetId=a", ProviderID: "cart", TLS: true,
			MaxMessage: 1000, Headers: map[string]string{"x-team": "shop"}, AuthHeader: "Bearer x",
		}, incremental: true},
		{stream: &syncstream.Config{URI: "grpc://h:8015"}},
		{stream: &syncstream.Config{URI: "grpcs://h:8015"}},
		{stream: &syncstream.Config{URI: "h", TLS: true}},
		{servers: "nats://h", environment: "prod"},
	}
	got, err := s.origins()
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range got {
		if !reflect.DeepEqual(o, want[i]) {
			t.Errorf("source %d is read as %+v with %+v and %+v", i, o, o.poll, o.stream)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d sources, want %d", len(got), len(want))
	}
}

func TestSourcesThatAreNotOursSayWhatToDoInstead(t *testing.T) {
	for want, s := range map[string]*settings{
		"flagd-proxy":                {uris: []string{"core.openfeature.dev/ns/flags"}},
		"mount the flags as a file":  {sources: `[{"uri":"ns/flags","provider":"kubernetes"}]`},
		"an https:// URL":            {uris: []string{"gs://bucket/hunter2"}},
		"into a file":                {uris: []string{"s3://bucket/flags?secret=hunter2"}},
		"object storage":             {sources: `[{"uri":"azblob://bucket/flags","provider":"azblob"}]`},
		"storage is not read":        {sources: `[{"uri":"gs://bucket/flags","provider":"gcs"}]`},
		"as in dns:HOST:PORT":        {uris: []string{"xds:///flags"}},
		"grpc://, grpcs://":          {uris: []string{"ftp://hunter2"}},
		`there is no provider "ftp"`: {sources: `[{"uri":"hunter2","provider":"ftp"}]`},
		"source 1: there is no uri":  {sources: `[{"uri":"a.json","provider":"file"},{"provider":"file"}]`},
		"has no path behind it":      {uris: []string{"file:"}},
		`put them into "authHeader"`: {uris: []string{"https://me:hunter2@h/flags"}},
		`"authHeader" of --sources`:  {uris: []string{"grpc://me:hunter2@h:8015"}},
		"at most 24h0m0s":            {sources: `[{"uri":"http://h/","provider":"http","interval":86401}]`},
		"the timeout is -1s":         {sources: `[{"uri":"http://h/","provider":"http","timeoutS":-1}]`},
		"begins with http://":        {sources: `[{"uri":"h/flags","provider":"http"}]`},
		"TLS is not asked for":       {sources: `[{"uri":"h:1","provider":"grpc","certPath":"ca.pem"}]`},
		`array: [{"uri":…}]`:         {sources: `{"uri":"hunter2"}`},
		"not a JSON array":           {sources: `[{"uri":"hunter2"}`},
		"grpc://h has no port":       {uris: []string{"grpc://h"}},
		"flagd's sync port is 8015":  {sources: `[{"uri":"h","provider":"grpc"}]`},
		"say file:flags.txt":         {uris: []string{"flags.txt"}},
		"a source says what it is":   {uris: []string{"flags?sig=hunter2"}},
	} {
		_, err := s.origins()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q and %s give %v, want %q and no secret", s.uris, s.sources, err, want)
		}
	}
}

func TestSourcesOfOneURIHaveNamesOfTheirOwn(t *testing.T) {
	s := &settings{sources: `[
		{"uri":"h:1","provider":"grpc","selector":"flagSetId=a"},
		{"uri":"h:1","provider":"grpc","selector":"flagSetId=b"},
		{"uri":"h:1","provider":"grpc","selector":"flagSetId=c"},
		{"uri":"http://h/x","provider":"http","authHeader":"Bearer a"},
		{"uri":"http://h/x","provider":"http","authHeader":"Bearer b"}]`}
	origins, err := s.origins()
	if err != nil {
		t.Fatal(err)
	}
	sources, err := s.open(origins, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, src := range sources {
		names = append(names, src.Name())
	}
	if got, want := strings.Join(names, " "), "h:1 h:1#2 h:1#3 http://h/x http://h/x#2"; got != want {
		t.Errorf("the sources are named %s, want %s", got, want)
	}
	for _, twice := range []string{"file:a.json", "http://h/x?sig=hunter2", "grpc://h:1"} {
		s := &settings{uris: []string{twice, twice}}
		origins, err := s.origins()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.open(origins, slog.New(slog.DiscardHandler)); err == nil ||
			!strings.Contains(err.Error(), "given twice") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s twice gives %v, want an error and no secret", twice, err)
		}
	}
}

func TestSecondsDoNotOverflow(t *testing.T) {
	for n, positive := range map[int64]bool{1: true, 1 << 62: true, -1: false, -1 << 63: false} {
		if got := seconds(n); got > 0 != positive {
			t.Errorf("%d seconds are %v", n, got)
		}
	}
}

func FuzzSourcesAreReadOrRefused(f *testing.F) {
	f.Add(`[{"uri":"http://h/","provider":"http","oauth":{"tokenUrl":"http://t","folder":"x"}}]`)
	f.Add(`[{"uri":"envoy://h:1/x"},{"uri":"[::1]:8","provider":"grpc"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		s := &settings{sources: text, uris: []string{text}}
		if _, err := s.parseSources(); err != nil && err.Error() == "" {
			t.Error("an error says nothing")
		}
		if _, err := s.parseURI(text); err != nil && err.Error() == "" {
			t.Error("an error says nothing")
		}
	})
}
