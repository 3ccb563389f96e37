package main

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/flagline/flagline/sidecar"
)

func TestSettingsReachTheSidecar(t *testing.T) {
	for _, test := range []struct {
		args []string
		want sidecar.Config
	}{
		{nil, sidecar.Config{
			Evaluation:       sidecar.Door{Address: "127.0.0.1:8013"},
			Management:       sidecar.Door{Address: ":8014"},
			Sync:             sidecar.Door{Address: "127.0.0.1:8015"},
			OFREP:            sidecar.Door{Address: "127.0.0.1:8016"},
			Context:          map[string]any{},
			MaxRequestBody:   1_000_000,
			MaxRequestHeader: 1_000_000,
			KeepAliveMinTime: 5 * time.Second,
			SSEInactivity:    2 * time.Minute,
			CollectorReload:  time.Hour,
			StaleAfter:       time.Minute,
			Instance:         "i",
		}},
		{
			[]string{
				"--bind=::1", "-d/run/e", "-e", "/run/s", "-m", "1", "-r2",
				"-c=c", "-k=k", "--tls-listeners=sync,ofrep", "--client-ca-path=ca",
				"--auth-token-path=t", "--auth-listeners=management,ofrep",
				"-C", "https://a,https://b", "-X", "a=1", "-H", "B=b",
				"-B", "0", "-R", "5", "--keep-alive-min-time=1s", "--keep-alive-permit-without-stream=false",
				"--stream-deadline=2s", "--disable-sync-metadata", "--sync-http-enabled=false",
				"--ofrep-sse-enabled=false", "--ofrep-sse-inactivity-delay=3", "--ofrep-sse-public-url=https://flags",
				"-t", "otel", "-o", "h:1", "-D", "oc", "-K", "ok", "-A", "oa", "-I", "4s", "--stale-after=5s",
			},
			sidecar.Config{
				Evaluation:                   sidecar.Door{Address: "unix:/run/e"},
				Management:                   sidecar.Door{Address: "[::1]:1", TokenFile: "t"},
				Sync:                         sidecar.Door{Address: "unix:/run/s", CertFile: "c", KeyFile: "k", ClientCAFile: "ca"},
				OFREP:                        sidecar.Door{Address: "[::1]:2", CertFile: "c", KeyFile: "k", ClientCAFile: "ca", TokenFile: "t"},
				Context:                      map[string]any{"a": "1"},
				Headers:                      map[string]string{"B": "b"},
				CORSOrigins:                  []string{"https://a", "https://b"},
				MaxRequestBody:               -1,
				MaxRequestHeader:             5,
				KeepAliveMinTime:             time.Second,
				KeepAliveForbidWithoutStream: true,
				StreamDeadline:               2 * time.Second,
				DisableSyncMetadata:          true,
				DisableSyncHTTP:              true,
				DisableSSE:                   true,
				SSEInactivity:                3 * time.Second,
				SSEPublicURL:                 "https://flags",
				MetricsExporter:              "otel",
				CollectorURI:                 "h:1",
				CollectorCertFile:            "oc",
				CollectorKeyFile:             "ok",
				CollectorCAFile:              "oa",
				CollectorReload:              4 * time.Second,
				StaleAfter:                   5 * time.Second,
				Instance:                     "i",
			},
		},
	} {
		s := new(settings)
		flags := pflag.NewFlagSet("start", pflag.ContinueOnError)
		s.register(flags)
		if err := flags.Parse(append([]string{"-f", "file:a.json", "--instance=i"}, test.args...)); err != nil {
			t.Fatal(err)
		}
		if err := s.check(flags); err != nil {
			t.Errorf("%q: %v", test.args, err)
		}
		origins, err := s.origins()
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.sidecar(origins, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Sources) != 1 || got.Version != version() {
			t.Errorf("%q makes version %s with %d sources", test.args, got.Version, len(got.Sources))
		}
		got.Sources, got.Logger, got.Version = nil, nil, ""
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q becomes\n%+v, want\n%+v", test.args, got, test.want)
		}
	}
}
