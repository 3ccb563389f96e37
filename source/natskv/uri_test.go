package natskv_test

import (
	"testing"

	"github.com/flagline/flagline/source/natskv"
)

func TestAddressesOfEnvironments(t *testing.T) {
	for uri, want := range map[string][2]string{
		"nats://a:4222/prod":                        {"nats://a:4222", "prod"},
		"nats://a:4222,b:4222/prod":                 {"nats://a:4222,nats://b:4222", "prod"},
		"nats://a:4222,nats://b:4222/prod":          {"nats://a:4222,nats://b:4222", "prod"},
		"nats://a:4222, b:4222":                     {"nats://a:4222,nats://b:4222", ""},
		"tls://a:4222,b:4222/":                      {"tls://a:4222,tls://b:4222", ""},
		"a:4222/prod":                               {"nats://a:4222", "prod"},
		"nats://[::1]:4222/prod":                    {"nats://[::1]:4222", "prod"},
		"nats://a:4222,tls://b:4222,nats://c/stage": {"nats://a:4222,tls://b:4222,nats://c", "stage"},
	} {
		servers, environment, err := natskv.ParseURI(uri)
		if err != nil || servers != want[0] || environment != want[1] {
			t.Errorf("%s is %q and %q, %v; want %q", uri, servers, environment, err, want)
		}
	}
	for _, uri := range []string{"nats://me:secret@a:4222/prod", "nats://a:4222/prod,b:4222"} {
		if servers, environment, err := natskv.ParseURI(uri); err == nil {
			t.Errorf("%s is %q and %q", uri, servers, environment)
		}
	}
}
