package syncstream

import (
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // lets servers compress: flags shrink to a tenth
	"google.golang.org/grpc/keepalive"

	"github.com/flagline/flagline/internal/clienttls"
)

// connecting is how long one attempt to reach an address may take.
const connecting = 10 * time.Second

// checkTLS says what of the settings of TLS makes no sense.
func (s *Source) checkTLS() error {
	c := s.cfg
	switch {
	case c.CAFile != "" && !s.target.secure:
		return errors.New("there is a file with authorities, but TLS is not asked for; say grpcs:// or turn TLS on")
	case (c.CertFile != "" || c.KeyFile != "") && !s.target.secure:
		return errors.New("there is a client certificate, but TLS is not asked for; say grpcs:// or turn TLS on")
	case c.ServerName != "" && !s.target.secure:
		return errors.New("there is a name for the server's certificate, but TLS is not asked for; say grpcs:// or turn TLS on")
	case !s.target.secure:
		return nil
	}
	return s.files().Check()
}

func (s *Source) files() clienttls.Files {
	return clienttls.Files{CA: s.cfg.CAFile, Cert: s.cfg.CertFile, Key: s.cfg.KeyFile, ServerName: s.cfg.ServerName}
}

func (s *Source) credentials() credentials.TransportCredentials {
	if !s.target.secure {
		return insecure.NewCredentials()
	}
	return s.files().Credentials()
}

// dial prepares a connection on which every sign of life is noted in heard.
func (s *Source) dial(keepAlive time.Duration, heard *atomic.Int64) (*grpc.ClientConn, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(listening{s.credentials(), heard}),
		grpc.WithUserAgent("flagline"),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connecting}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepAlive, Timeout: s.cfg.KeepAlive / 3}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(s.cfg.MaxMessage)),
	}
	if s.target.authority != "" {
		options = append(options, grpc.WithAuthority(s.target.authority))
	}
	return grpc.NewClient(s.target.dial, append(options, s.cfg.DialOptions...)...)
}
