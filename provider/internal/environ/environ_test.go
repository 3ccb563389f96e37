package environ_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/provider/internal/environ"
)

// An env is an environment.
type env map[string]string

func (e env) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

func read(t *testing.T, e env) environ.Settings {
	t.Helper()
	s, err := environ.Read(e.lookup)
	if err != nil {
		t.Fatalf("Read(%v): %v", e, err)
	}
	return s
}

func expect(t *testing.T, e env, got, want environ.Settings) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Read(%v) = %s, want %s", e, show(got), show(want))
	}
}

// show writes the fields of s that say something.
func show(s environ.Settings) string {
	var said []string
	for field, v := range reflect.ValueOf(s).Fields() {
		if !v.IsZero() {
			said = append(said, fmt.Sprintf("%s: %v", field.Name, reflect.Indirect(v)))
		}
	}
	return "{" + strings.Join(said, ", ") + "}"
}

func TestEachVariableSaysWhatItSays(t *testing.T) {
	for name, rows := range map[string]map[string]environ.Settings{
		"RESOLVER": {
			"rpc":        {Resolver: environ.ResolverRPC},
			"sidecar":    {Resolver: environ.ResolverRPC},
			"In-Process": {Resolver: environ.ResolverInProcess},
			"FILE":       {Resolver: environ.ResolverFile},
		},
		"HOST":             {"flagd.svc": {Host: "flagd.svc"}, "::1": {Host: "::1"}, "[fd00::7]": {Host: "fd00::7"}},
		"PORT":             {"1": {Port: 1}, "65535": {Port: 65535}, " 8013\n": {Port: 8013}},
		"SYNC_PORT":        {"8015": {SyncPort: 8015}},
		"SOCKET_PATH":      {"/run/f d.sock": {SocketPath: "/run/f d.sock"}},
		"TARGET_URI":       {"dns:///flagd:8013": {TargetURI: "dns:///flagd:8013"}},
		"TLS":              {"true": {TLS: new(true)}, "False": {TLS: new(false)}, "1": {TLS: new(true)}},
		"SERVER_CERT_PATH": {"ca.pem": {CAFile: "ca.pem"}},
		"DEADLINE_MS":      {"1": {Deadline: new(time.Millisecond)}, "500": {Deadline: new(500 * time.Millisecond)}},
		"STREAM_DEADLINE_MS": {
			"0": {StreamDeadline: new(time.Duration(0))}, "600000": {StreamDeadline: new(10 * time.Minute)},
		},
		"KEEP_ALIVE_TIME_MS":   {"0": {KeepAlive: new(time.Duration(0))}, "20000": {KeepAlive: new(20 * time.Second)}},
		"RETRY_BACKOFF_MS":     {"1000": {RetryBackoff: new(time.Second)}},
		"RETRY_BACKOFF_MAX_MS": {"5000": {RetryBackoffMax: new(5 * time.Second)}},
		"RETRY_GRACE_PERIOD":   {"0": {GracePeriod: new(time.Duration(0))}, "10": {GracePeriod: new(10 * time.Second)}},
		"FATAL_STATUS_CODES": {
			"UNAUTHENTICATED":                     {FatalStatusCodes: []string{"UNAUTHENTICATED"}},
			" permission_denied , UNIMPLEMENTED,": {FatalStatusCodes: []string{"PERMISSION_DENIED", "UNIMPLEMENTED"}},
		},
		"CACHE": {
			"lru": {Cache: environ.CacheLRU}, "mem": {Cache: environ.CacheMem}, "Disabled": {Cache: environ.CacheDisabled},
		},
		"MAX_CACHE_SIZE":           {"0": {MaxCacheSize: new(0)}, "20": {MaxCacheSize: new(20)}},
		"MAX_EVENT_STREAM_RETRIES": {"5": {MaxEventStreamRetries: new(5)}},
		"SOURCE_SELECTOR":          {"flagSetId=shop": {Selector: "flagSetId=shop"}},
		"PROVIDER_ID":              {"shop-7": {ProviderID: "shop-7"}},
		"SOURCE_PROVIDER_ID":       {"shop-8": {ProviderID: "shop-8"}},
		"OFFLINE_FLAG_SOURCE_PATH": {"flags.json": {OfflinePath: "flags.json"}},
		"OFFLINE_POLL_MS":          {"5000": {PollInterval: new(5 * time.Second)}},
	} {
		for value, want := range rows {
			for _, prefix := range []string{"FLAGLINE_", "FLAGD_FLAGLINE_", "FLAGD_"} {
				e := env{prefix + name: value}
				expect(t, e, read(t, e), want)
			}
		}
	}
}

func TestOurOwnVariablesHaveNoNameInFlagd(t *testing.T) {
	for name, row := range map[string]struct {
		value string
		want  environ.Settings
	}{
		"CLIENT_CERT_PATH": {"client.pem", environ.Settings{CertFile: "client.pem"}},
		"CLIENT_KEY_PATH":  {"client.key", environ.Settings{KeyFile: "client.key"}},
		"TLS_SERVER_NAME":  {"flags.example.com", environ.Settings{ServerName: "flags.example.com"}},
		"STALE_AFTER":      {"1h30m", environ.Settings{StaleAfter: new(90 * time.Minute)}},
	} {
		for prefix, want := range map[string]environ.Settings{
			"FLAGLINE_": row.want, "FLAGD_FLAGLINE_": row.want, "FLAGD_": {},
		} {
			e := env{prefix + name: row.value}
			expect(t, e, read(t, e), want)
		}
	}
}

func TestOursCountsBeforeFlagds(t *testing.T) {
	e := env{"FLAGLINE_HOST": "ours", "FLAGD_FLAGLINE_HOST": "operator", "FLAGD_HOST": "flagd"}
	for _, step := range []struct{ want, without string }{
		{"ours", "FLAGLINE_HOST"}, {"operator", "FLAGD_FLAGLINE_HOST"}, {"flagd", "FLAGD_HOST"},
	} {
		if got := read(t, e).Host; got != step.want {
			t.Errorf("Read(%v) says host %q, want %q", e, got, step.want)
		}
		e[step.without] = "" // which counts as unset
	}
	expect(t, e, read(t, e), environ.Settings{})
	expect(t, nil, read(t, nil), environ.Settings{})
}

func TestProviderIDCountsBeforeItsOtherName(t *testing.T) {
	e := env{"FLAGD_PROVIDER_ID": "code", "FLAGD_SOURCE_PROVIDER_ID": "readme"}
	if got := read(t, e).ProviderID; got != "code" {
		t.Errorf("Read(%v) says the provider is %q, want code", e, got)
	}
}

// In every pod of a namespace with Services of these names, Kubernetes says
// where they are, in variables that happen to be called like settings.
func TestAddressesThatKubernetesLeavesAreNoPorts(t *testing.T) {
	for _, e := range []env{
		{"FLAGD_PORT": "tcp://10.0.0.1:8013"},
		{"FLAGLINE_PORT": "tcp://10.0.0.2:8013", "FLAGD_SYNC_PORT": "tcp://10.0.0.1:8015"},
		{"FLAGLINE_SYNC_PORT": "udp://[fd00::1]:8015", "FLAGD_FLAGLINE_PORT": "sctp://10.0.0.1:1"},
	} {
		expect(t, e, read(t, e), environ.Settings{})
	}
	e := env{"FLAGLINE_PORT": "tcp://10.0.0.1:8013", "FLAGD_PORT": "9013"}
	expect(t, e, read(t, e), environ.Settings{Port: 9013})
	e = env{"FLAGD_HOST": "tcp://10.0.0.1:8013"} // which Kubernetes never says
	if _, err := environ.Read(e.lookup); err == nil {
		t.Errorf("Read(%v) returned no error", e)
	}
}

func TestMistakesAreNamedAndSayTheWayOut(t *testing.T) {
	for want, e := range map[string]env{
		`FLAGLINE_RESOLVER="wasm": write rpc, in-process or file`:                    {"FLAGLINE_RESOLVER": "wasm", "FLAGD_RESOLVER": "rpc"},
		`FLAGD_PORT="0": write a port, 1 to 65535`:                                   {"FLAGD_PORT": "0"},
		`FLAGD_PORT="65536": write a port`:                                           {"FLAGD_PORT": "65536"},
		`FLAGD_PORT="-1": write a port`:                                              {"FLAGD_PORT": "-1"},
		`FLAGD_SYNC_PORT="http": write a port`:                                       {"FLAGD_SYNC_PORT": "http"},
		`FLAGD_PORT="http://10.0.0.1": write a port`:                                 {"FLAGD_PORT": "http://10.0.0.1"},
		`FLAGD_HOST="http://flagd": write a host alone`:                              {"FLAGD_HOST": "http://flagd"},
		`FLAGD_HOST="flagd:8013": write a host alone; its port`:                      {"FLAGD_HOST": "flagd:8013"},
		`FLAGD_HOST: write a host alone`:                                             {"FLAGD_HOST": "me:secret@flagd"},
		`FLAGD_TLS="yes": write true or false`:                                       {"FLAGD_TLS": "yes"},
		`FLAGD_DEADLINE_MS="0": write a whole number of milliseconds, 1 or more`:     {"FLAGD_DEADLINE_MS": "0"},
		`FLAGD_DEADLINE_MS="500ms": write a whole number of milliseconds`:            {"FLAGD_DEADLINE_MS": "500ms"},
		`FLAGD_DEADLINE_MS="9223372036855": write`:                                   {"FLAGD_DEADLINE_MS": "9223372036855"},
		`FLAGD_STREAM_DEADLINE_MS="-1": write a whole number of milliseconds, 0`:     {"FLAGD_STREAM_DEADLINE_MS": "-1"},
		`FLAGD_KEEP_ALIVE_TIME_MS="1.5": write`:                                      {"FLAGD_KEEP_ALIVE_TIME_MS": "1.5"},
		`FLAGD_RETRY_BACKOFF_MS="0": write`:                                          {"FLAGD_RETRY_BACKOFF_MS": "0"},
		`FLAGD_RETRY_BACKOFF_MAX_MS=" ": write`:                                      {"FLAGD_RETRY_BACKOFF_MAX_MS": " "},
		`FLAGD_RETRY_GRACE_PERIOD="10s": write a whole number of seconds, 0 or more`: {"FLAGD_RETRY_GRACE_PERIOD": "10s"},
		`FLAGD_FATAL_STATUS_CODES="NOPE": write the names of gRPC status codes`:      {"FLAGD_FATAL_STATUS_CODES": "NOPE"},
		`FLAGD_FATAL_STATUS_CODES="16": write`:                                       {"FLAGD_FATAL_STATUS_CODES": "16"},
		`FLAGD_CACHE="redis": write lru, mem or disabled`:                            {"FLAGD_CACHE": "redis"},
		`FLAGD_MAX_CACHE_SIZE="-1": write a whole number, 0 or more`:                 {"FLAGD_MAX_CACHE_SIZE": "-1"},
		`FLAGD_MAX_EVENT_STREAM_RETRIES="x": write`:                                  {"FLAGD_MAX_EVENT_STREAM_RETRIES": "x"},
		`FLAGD_OFFLINE_POLL_MS="0": write`:                                           {"FLAGD_OFFLINE_POLL_MS": "0"},
		`FLAGLINE_STALE_AFTER="300": write a duration`:                               {"FLAGLINE_STALE_AFTER": "300"},
		`FLAGLINE_STALE_AFTER="-5m": write a duration`:                               {"FLAGLINE_STALE_AFTER": "-5m"},
	} {

		s, err := environ.Read(e.lookup)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Read(%v) returned the error %v, want %q", e, err, want)
		}
		expect(t, e, s, environ.Settings{})
	}
}

func TestMistakesDoNotHideEachOtherNorWhatIsRight(t *testing.T) {
	e := env{"FLAGD_PORT": "x", "FLAGD_TLS": "maybe", "FLAGD_HOST": "flagd", "FLAGD_CACHE": strings.Repeat("x", 100)}
	s, err := environ.Read(e.lookup)
	if err == nil {
		t.Fatal("Read returned no error")
	}
	want := "FLAGD_PORT=\"x\": write a port, 1 to 65535\n" +
		"FLAGD_TLS=\"maybe\": write true or false\n" +
		"FLAGD_CACHE: write lru, mem or disabled"
	if err.Error() != want {
		t.Errorf("Read returned the error\n%v\nwant\n%s", err, want)
	}
	expect(t, e, s, environ.Settings{Host: "flagd"})
}

func TestWhoNamesACertificateAsksForTLS(t *testing.T) {
	for _, row := range []struct {
		s    environ.Settings
		want bool
	}{
		{environ.Settings{}, false},
		{environ.Settings{TLS: new(false)}, false},
		{environ.Settings{TLS: new(true)}, true},
		{environ.Settings{CAFile: "ca.pem"}, true},
		{environ.Settings{CAFile: "ca.pem", TLS: new(false)}, true},
		{environ.Settings{CertFile: "client.pem"}, true},
		{environ.Settings{KeyFile: "client.key"}, true},
		{environ.Settings{ServerName: "flags"}, true},
	} {
		if got := row.s.Secure(); got != row.want {
			t.Errorf("%s is secure: %t, want %t", show(row.s), got, row.want)
		}
	}
}

func TestBackoffGivesWayToWhatIsSaid(t *testing.T) {
	const least, most = time.Second, 5 * time.Second
	for _, row := range []struct {
		s                   environ.Settings
		wantLeast, wantMost time.Duration
	}{
		{environ.Settings{}, least, most},
		{environ.Settings{RetryBackoff: new(2 * time.Second)}, 2 * time.Second, most},
		{environ.Settings{RetryBackoff: new(time.Minute)}, time.Minute, time.Minute},
		{environ.Settings{RetryBackoffMax: new(time.Minute)}, least, time.Minute},
		{environ.Settings{RetryBackoffMax: new(time.Millisecond)}, time.Millisecond, time.Millisecond},
		{environ.Settings{RetryBackoff: new(time.Hour), RetryBackoffMax: new(time.Minute)}, time.Hour, time.Minute},
	} {
		if gotLeast, gotMost := row.s.Backoff(least, most); gotLeast != row.wantLeast || gotMost != row.wantMost {
			t.Errorf("%s waits %v to %v, want %v to %v", show(row.s), gotLeast, gotMost, row.wantLeast, row.wantMost)
		}
	}
}

func TestCacheHasTheSizeThatIsSaid(t *testing.T) {
	for _, row := range []struct {
		s       environ.Settings
		entries int
		said    bool
	}{
		{environ.Settings{}, 1000, false},
		{environ.Settings{Cache: environ.CacheLRU}, 1000, true},
		{environ.Settings{MaxCacheSize: new(7)}, 7, true},
		{environ.Settings{Cache: environ.CacheLRU, MaxCacheSize: new(0)}, 0, true},
		{environ.Settings{Cache: environ.CacheMem, MaxCacheSize: new(7)}, environ.MemCacheSize, true},
		{environ.Settings{Cache: environ.CacheDisabled, MaxCacheSize: new(7)}, 0, true},
	} {
		if entries, said := row.s.CacheEntries(); entries != row.entries || said != row.said {
			t.Errorf("%s keeps %d answers (said: %t), want %d (%t)", show(row.s), entries, said, row.entries, row.said)
		}
	}
}

func TestLookupIsForSettingsThatFlagdDoesNotHave(t *testing.T) {
	for want, e := range map[string]env{
		"FLAGLINE_NATS_URL":       {"FLAGLINE_NATS_URL": "nats://a", "FLAGD_FLAGLINE_NATS_URL": "nats://b"},
		"FLAGD_FLAGLINE_NATS_URL": {"FLAGLINE_NATS_URL": "", "FLAGD_FLAGLINE_NATS_URL": "nats://b"},
		"":                        {"FLAGD_NATS_URL": "nats://c"},
	} {
		if value, name := environ.Lookup(e.lookup, "NATS_URL"); name != want || value != e[want] {
			t.Errorf("Lookup in %v found %s=%q, want %s=%q", e, name, value, want, e[want])
		}
	}
}

func TestEachVariableIsExplainedOnce(t *testing.T) {
	seen := make(map[string]bool)
	for v := range environ.Variables() {
		if v.Means == "" {
			t.Errorf("%s is not explained", v.Name)
		}
		for _, name := range v.Spellings() {
			if seen[name] {
				t.Errorf("%s is two settings", name)
			}
			seen[name] = true
		}
		if slices.Contains(v.Spellings(), "FLAGD_"+v.Name) == v.Ours {
			t.Errorf("%s: flagd has it: %t", v.Name, v.Ours)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("PORT", "8013")
	f.Add("HOST", "[::1]")
	f.Add("FATAL_STATUS_CODES", "OK, ,UNKNOWN")
	f.Add("DEADLINE_MS", "9223372036854")
	f.Fuzz(func(t *testing.T, name, value string) {
		e := env{"FLAGD_" + name: value}
		s, err := environ.Read(e.lookup)
		if err != nil && !reflect.DeepEqual(s, environ.Settings{}) {
			t.Errorf("Read(%v) returned %s beside the error %v", e, show(s), err)
		}
		for _, d := range []*time.Duration{s.Deadline, s.StreamDeadline, s.KeepAlive, s.RetryBackoff, s.RetryBackoffMax, s.GracePeriod, s.PollInterval} {
			if d != nil && *d < 0 {
				t.Errorf("Read(%v) says %v", e, *d)
			}
		}
	})
}
