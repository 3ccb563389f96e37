package httppoll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// idle is how long a connection is kept for the next question.
const idle = 90 * time.Second

// clients returns who asks for the document, and who for tokens. A token
// server may be a public one, so for that the system's authorities count, too.
func clients(cfg Config) (documents, tokens *http.Client, err error) {
	var alone, besides *x509.CertPool // nil is the system's
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, nil, fmt.Errorf("read the certificates: %w", err)
		}
		if besides, err = x509.SystemCertPool(); err != nil {
			besides = x509.NewCertPool()
		}
		alone = x509.NewCertPool()
		if !alone.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("%s: there is no certificate in this file", cfg.CAFile)
		}
		besides.AppendCertsFromPEM(pem)
	}
	documents = &http.Client{Transport: transport(alone), CheckRedirect: redirect(cfg)}
	tokens = &http.Client{Transport: transport(besides), CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the client secret stays where it was meant to go
	}}
	return documents, tokens, nil
}

func transport(authorities *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     idle,
	}
}

// redirect returns what decides whether to follow a redirect. No credential
// and no header of the configuration leaves the host that it was meant for.
func redirect(cfg Config) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		switch {
		case len(via) >= 10:
			return errors.New("the server redirects again and again")
		case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
			return errors.New("the server redirects from https to http, which is not followed")
		case strings.EqualFold(req.URL.Host, via[0].URL.Host):
			return nil
		}
		for name := range cfg.Headers {
			req.Header.Del(name)
		}
		req.Header.Del("Authorization")
		req.Header.Del("Referer")
		return nil
	}
}

// request returns the question, without what depends on earlier answers.
func (s *Source) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.URI, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Accept", "application/json, application/yaml")
	req.Header.Set("User-Agent", "flagline")
	if s.cfg.AuthHeader != "" {
		req.Header.Set("Authorization", s.cfg.AuthHeader)
	}
	for name, value := range s.cfg.Headers {
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// withoutURL returns what err says besides the URL, which may hold a secret.
func withoutURL(err error) error {
	if at, ok := errors.AsType[*url.Error](err); ok {
		return at.Err
	}
	return err
}

// checkHeaders refuses headers that could not be sent, without repeating their
// values.
func checkHeaders(cfg Config) error {
	if !sendable(cfg.AuthHeader) {
		return errors.New("the header Authorization has a line break or another control character")
	}
	for name, value := range cfg.Headers {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !tokenRune(r) }) {
			return fmt.Errorf("%q is not the name of a header", name)
		}
		if !sendable(value) {
			return fmt.Errorf("the header %s has a line break or another control character", name)
		}
	}
	return nil
}

func sendable(value string) bool {
	return !slices.ContainsFunc([]byte(value), func(b byte) bool { return b < ' ' && b != '\t' || b == 0x7f })
}

func tokenRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
