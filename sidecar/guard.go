package sidecar

import (
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/sidecar/internal/gate"
)

const noToken = `this needs a token: send "Authorization: Bearer" and the token`

var errNoToken = status.Error(codes.Unauthenticated, noToken)

// guard asks the gate who calls over gRPC.
func guard(g *gate.Gate, header metadata.MD) error {
	if g.Allowed(header.Get("authorization")) {
		return nil
	}
	for _, key := range header.Get("x-api-key") {
		if g.Allowed([]string{"Bearer " + key}) {
			return nil
		}
	}
	return errNoToken
}

func nobody(*http.Request) bool { return false }

// isProbe says whether somebody only asks whether the sidecar is healthy, which
// kubelets do without a token.
func isProbe(r *http.Request) bool {
	return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || strings.HasPrefix(r.URL.Path, "/grpc.health.v1.Health/")
}

// deniedRPC answers in the protocol that the caller speaks.
func deniedRPC(w http.ResponseWriter, r *http.Request) {
	errs := connect.NewErrorWriter()
	if !errs.IsSupported(r) {
		denied(w, r)
		return
	}
	// A caller that is gone is nobody's mistake.
	_ = errs.Write(w, r, connect.NewError(connect.CodeUnauthenticated, errors.New(noToken)))
}

func denied(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, noToken, http.StatusUnauthorized)
}

// deniedOFREP has a body like all errors of that protocol.
func deniedOFREP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"errorDetails":"this needs a token: send \"Authorization: Bearer\" and the token"}`))
}
