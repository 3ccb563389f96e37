// Package rest offers the words of package admin over HTTP, as the contract
// schemas/openapi.json describes it.
//
// Every answer is JSON, errors included. Whoever holds the token may do
// everything; without it there is only the health of the process and the
// contract itself.
package rest

import (
	"net/http"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/schemas"
)

// MaxBody is the largest request body in bytes.
const MaxBody = 16 << 20

// A Config says what a [Handler] serves.
type Config struct {
	// Environments are what there is to read and to change, by name. The
	// map must not change while the handler is in use.
	Environments map[string]Environment

	// Token is what a caller must present as "Authorization: Bearer …". An
	// empty token lets nobody in.
	Token []byte

	// Loopback says that the handler listens on loopback only. It then
	// refuses requests with the name of another host, so that a web page
	// cannot reach it by a name that it made resolve to 127.0.0.1.
	Loopback bool

	// Ready says whether the control plane can do its work: nil, or why not.
	// If it is nil, it always can.
	Ready func() error
}

// An Environment is one environment to serve.
type Environment struct {
	Ledger admin.Ledger
	Fleet  *admin.Fleet // nil is a fleet without instances
}

// Handler serves cfg. It may be used by any number of connections at once.
func Handler(cfg Config) http.Handler {
	s := &server{cfg}
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		h := s.answer(r.serve)
		if !r.open {
			h = s.authorized(h)
		}
		mux.Handle(r.method+" "+r.path, h)
	}
	mux.Handle("/", s.unknown(mux))
	return s.fromHere(mux)
}

type server struct{ cfg Config }

// A route is one operation of the contract.
type route struct {
	method, path string
	serve        serveFunc
	open         bool // to callers without a token
}

// A serveFunc answers a request: with a body to be encoded, with bytes of JSON
// as they are, or with an error.
type serveFunc func(*http.Request) (body any, err error)

func (s *server) routes() []route {
	const env = "/v1/environments/{environment}"
	return []route{
		{method: "GET", path: "/healthz", serve: s.healthy, open: true},
		{method: "GET", path: "/readyz", serve: s.ready, open: true},
		{method: "GET", path: "/v1/openapi.json", serve: s.contract, open: true},
		{method: "GET", path: "/v1/environments", serve: s.environments},
		{method: "GET", path: env + "/flags", serve: s.in(s.flags)},
		{method: "GET", path: env + "/flags/{key}", serve: s.in(s.flag)},
		{method: "POST", path: env + "/changes", serve: s.in(s.change)},
		{method: "GET", path: env + "/history", serve: s.in(s.history)},
		{method: "POST", path: env + "/diff", serve: s.in(s.diff)},
		{method: "GET", path: env + "/export", serve: s.in(s.export)},
		{method: "POST", path: env + "/evaluate", serve: s.in(s.evaluate)},
		{method: "GET", path: env + "/fleet", serve: s.in(s.fleet)},
	}
}

// in finds the environment that a request is about.
func (s *server) in(serve func(*http.Request, Environment) (any, error)) serveFunc {
	return func(r *http.Request) (any, error) {
		name := r.PathValue("environment")
		env, ok := s.cfg.Environments[name]
		if err := s.waiting(); !ok && err != nil {
			return nil, err
		}
		if !ok {
			return nil, &admin.NotFoundError{Kind: "environment", Name: name, Hint: s.hint()}
		}
		return serve(r, env)
	}
}

// waiting is an error while there is nothing to serve yet: then nobody can say
// which environments there are.
func (s *server) waiting() error {
	if s.cfg.Environments != nil || s.cfg.Ready == nil {
		return nil
	}
	if err := s.cfg.Ready(); err != nil {
		return &admin.UnavailableError{Err: err}
	}
	return nil
}

func (s *server) healthy(*http.Request) (any, error) {
	return map[string]string{"status": "ok"}, nil
}

func (s *server) ready(*http.Request) (any, error) {
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(); err != nil {
			return nil, &admin.UnavailableError{Err: err}
		}
	}
	return map[string]string{"status": "ready"}, nil
}

func (s *server) contract(*http.Request) (any, error) { return raw(schemas.OpenAPI), nil }
