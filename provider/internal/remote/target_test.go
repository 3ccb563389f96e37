package remote

import (
	"strings"
	"testing"
)

func TestAddressesAreTargets(t *testing.T) {
	for addr, want := range map[string]target{
		"localhost:8013":               {dial: "passthrough:///localhost:8013"},
		"[::1]:8013":                   {dial: "passthrough:///[::1]:8013"},
		"dns:8013":                     {dial: "passthrough:///dns:8013"},
		"unix:/run/flags.sock":         {dial: "unix:/run/flags.sock", authority: "localhost"},
		"unix:///run/flags.sock":       {dial: "unix:/run/flags.sock", authority: "localhost"},
		"unix:flags.sock":              {dial: "unix:flags.sock", authority: "localhost"},
		"dns:///flags.example:8013":    {dial: "dns:///flags.example:8013"},
		"dns:flags.example:8013":       {dial: "dns:flags.example:8013"},
		"envoy://localhost:9211/flags": {dial: "passthrough:///localhost:9211", authority: "flags"},
	} {
		got, err := parseTarget(addr)
		if err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", addr, got, err, want)
		}
	}
}

func TestMistakenAddressSaysHowItIsSpelled(t *testing.T) {
	for addr, want := range map[string]string{
		"":                      "host:port",
		"localhost":             "host:port",
		"localhost:http":        "host:port",
		":8013":                 "host:port",
		"a b:8013":              "host:port",
		"unix:":                 "the path of the socket is missing",
		"xds:///flags":          "nothing that this program links understands xds:",
		"http://localhost:8013": "nothing that this program links understands http:",
		"envoy://localhost":     "envoy://host:port/service",
		"envoy://h:1/a/b":       "envoy://host:port/service",
		"envoy://h:1/a%0d%0aX:": "envoy://host:port/service",
	} {
		if got, err := parseTarget(addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %+v, %v; want an error that says %q", addr, got, err, want)
		}
	}
}
