package main

import (
	"strings"
	"testing"
)

func TestUnknownMembersOfASourceAreRefused(t *testing.T) {
	for sources, want := range map[string]string{
		`[{"uri":"flags.json","selektor":"a"}]`:                           `source 0 (flags.json): there is no member "selektor"; did you mean "selector"?`,
		`[{"uri":"file:a"},{"uri":"http://h/x?sig=hunter2","timeout":3}]`: `source 1 (http://h/x): there is no member "timeout"; did you mean "timeoutS"?`,
		`[{"uri":"http://me:hunter2@h/x","authHeder":"hunter2"}]`:         `source 0: there is no member "authHeder"; did you mean "authHeader"?`,
		`[{"colour":"red"}]`: `source 0: there is no member "colour"; there are uri, provider,`,
		`[{"uri":"http://h/","oauth":{"clientId":"a","clientSecrets":"hunter2"}}]`: `there is no member "oauth.clientSecrets"; did you mean "oauth.clientSecret"?`,
		`[{"uri":"flags.json","interval":"hunter2"}]`:                              `source 0 (flags.json): the member "interval" cannot be a string`,
		`[{"uri":"flags.json","interval":1.5}]`:                                    `the member "interval" cannot be a number`,
		`["hunter2"]`:                                                              "source 0: this is not a JSON object",
	} {
		_, err := (&settings{sources: sources}).parseSources()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s gives %v, want %q and no secret", sources, err, want)
		}
	}
}

func TestCaseOfMembersDoesNotMatter(t *testing.T) {
	got, err := (&settings{sources: `[{"URI":"flags.json","Provider":"file"}]`}).parseSources()
	if err != nil || len(got) != 1 || got[0].path != "flags.json" {
		t.Errorf("it is read as %+v, %v", got, err)
	}
}

func TestNearestNameIsFound(t *testing.T) {
	known := []string{"uri", "selector", "authHeader", "tls"}
	for name, want := range map[string]string{
		"URL": "uri", "selektor": "selector", "authheaders": "authHeader", "slector": "selector",
		"": "", "x": "", "colour": "", "bearer": "",
	} {
		if got, _ := nearest(name, known); got != want {
			t.Errorf("%q is like %q, want %q", name, got, want)
		}
	}
}

func TestOriginsThatNoPageHasAreRefused(t *testing.T) {
	for pattern, want := range map[string]bool{
		"*": true, "null": true, "https://a.example": true, "HTTPS://A.example:8443": true, "http://[::1]:80": true,
		"https://*.example": true, "http://localhost:*": true, "*://a.example": true, "*.example": true, "http*://a": true,
		"chrome-extension://abc": true,
		"":                       false, "not an origin": false, "a.example": false, "https://a.example/": false, "https://a.example/*": false,
		"https://*.a.*": false, "https://": false, " https://a": false, "https://me@a": false, "a.example:80": false,
	} {
		if got := isOrigin(pattern); got != want {
			t.Errorf("%q is an origin: %t, want %t", pattern, got, want)
		}
	}
}
