package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/provider"
)

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	src := newScript("twice")
	for want, options := range map[string][]provider.Option{
		`"localhost": write host:port`:               {provider.WithSidecar("localhost")},
		`links understands http:; write host:port`:   {provider.WithSidecar("http://localhost:8013")},
		`"localhost:http": write host:port`:          {provider.WithSidecar("localhost:http")},
		`":8013": write host:port`:                   {provider.WithSidecar(":8013")},
		`the path of the socket is missing`:          {provider.WithSidecar("unix:")},
		`WithSidecar excludes`:                       {provider.WithSidecar("localhost:8013"), provider.WithFile("flags.json")},
		`flag file: the path is empty`:               {provider.WithFile("")},
		`flag source: the source is nil`:             {provider.WithSource(nil)},
		`source "twice" is given twice`:              {provider.WithSource(src), provider.WithSource(src)},
		`deadline 0s: it must be positive`:           {provider.WithDeadline(0)},
		`stale after -1s: it must be positive`:       {provider.WithStaleAfter(-time.Second)},
		`grace period -1s: it must not be negative`:  {provider.WithGracePeriod(-time.Second)},
		`retry backoff 0s: it must be positive`:      {provider.WithRetryBackoff(0, time.Second)},
		`stream deadline -1s: it must not`:           {provider.WithStreamDeadline(-time.Second)},
		`keep-alive -1s: it must not be negative`:    {provider.WithKeepAlive(-time.Second)},
		`poll interval 0s: it must be positive`:      {provider.WithPollInterval(0)},
		`cache of -1 answers: it must not`:           {provider.WithCache(-1)},
		`gRPC has no code of that name`:              {provider.WithFatalStatusCodes("UNAUTHORISED")},
		`context enricher: it is nil`:                {provider.WithContextEnricher(nil)},
		`default source: there is nothing`:           {provider.WithDefaultSource(0, nil)},
		`name: it is empty`:                          {provider.WithName("")},
		`sync stream: `:                              {provider.WithSyncStream("http://localhost:8015")},
		`a client certificate needs its key`:         {provider.WithTLS(provider.TLS{CertFile: "client.pem"})},
		`read the certificates of authorities`:       {provider.WithTLS(provider.TLS{CAFile: "/there/is/none.pem"})},
		`selector: `:                                 {provider.WithFile("flags.json"), provider.WithSelector("nothing=like=this")},
		`the longest must not be below the shortest`: {provider.WithRetryBackoff(time.Second, time.Millisecond)},
	} {
		p, err := provider.New(options...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New returned %v, want an error with %q", err, want)
		}
		if p != nil {
			t.Errorf("New returned a provider beside the error %v", err)
		}
	}
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	_, err := provider.New(provider.WithSidecar("nowhere"), provider.WithDeadline(-1), provider.WithGracePeriod(-1))
	if err == nil {
		t.Fatal("New returned no error")
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 3 {
		t.Errorf("New returned %d mistakes, want 3: %v", len(lines), err)
	}
}

func TestNewOpensNothing(t *testing.T) {
	for _, options := range [][]provider.Option{
		nil,
		{provider.WithSidecar(freeAddress(t))},
		{provider.WithSidecar("[::1]:8013")},
		{provider.WithSidecar("unix:/there/is/no/socket")},
		{provider.WithFile("/there/is/no/file.json")},
	} {
		p, err := provider.New(options...)
		if err != nil {
			t.Errorf("New: %v", err)
			continue
		}
		if got := p.Metadata().Name; got != "flagline" {
			t.Errorf("the provider is called %q, want flagline", got)
		}
		p.Shutdown() // of what never ran
	}
}

func TestOptionThatIsNilSaysNothing(t *testing.T) {
	p, err := provider.New(nil, provider.WithName("mine"), nil)
	if err != nil || p.Metadata().Name != "mine" {
		t.Errorf("New returned %v", err)
	}
}
