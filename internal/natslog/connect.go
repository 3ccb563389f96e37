package natslog

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Options are how every program of ours connects: it retries for ever, and
// notices a dead connection within half a minute. name is shown by the server;
// credentials is a file or "".
func Options(name, credentials string) ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name(name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		// A credential may be rotated under us, or reach the server after
		// us: being refused twice is no reason to give up for ever.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(2 * time.Second),
	}
	if credentials == "" {
		return opts, nil
	}
	data, err := os.ReadFile(credentials)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("SU")) {
		opt, err := nats.NkeyOptionFromSeed(credentials)
		if err != nil {
			return nil, fmt.Errorf("credentials %s: %w", credentials, err)
		}
		return append(opts, opt), nil
	}
	if !bytes.Contains(data, []byte("NATS USER JWT")) {
		return nil, fmt.Errorf("credentials %s: neither a .creds file nor the seed of a user's NKey", credentials)
	}
	return append(opts, nats.UserCredentials(credentials)), nil
}

// CheckServers says what is wrong with a list of server addresses, separated
// by commas.
func CheckServers(servers string) error {
	if strings.TrimSpace(servers) == "" {
		return fmt.Errorf("no NATS server: give one as nats://host:4222")
	}
	for s := range strings.SplitSeq(servers, ",") {
		u, err := url.Parse(strings.TrimSpace(s))
		switch {
		case err != nil:
			// Neither the error nor the text is shown: a password may be in it.
			return fmt.Errorf("NATS server: not an address; write it as nats://host:4222")
		case u.User != nil:
			return fmt.Errorf("NATS server %s: credentials do not belong in an address; put them into a file", u.Host)
		case u.Host == "":
			return fmt.Errorf("NATS server %q: write it as nats://host:4222", s)
		case strings.Trim(u.Path, "/") != "":
			return fmt.Errorf("NATS server %q: what stands behind the host is no part of it; name the environment apart", s)
		}
	}
	return nil
}
