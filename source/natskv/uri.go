package natskv

import (
	"errors"
	"strings"
)

// Errors of [ParseURI].
var (
	ErrCredentials = errors.New("the address holds credentials; put them into a file")

	errPlace = errors.New("the environment stands behind the last server, as in nats://host:4222,host:4222/prod")
)

// ParseURI reads the address of an environment, nats://host:port,host:port/environment,
// into what [Config] has for it. Each server may have its scheme, or the first that
// of all; the environment may be missing. Credentials are [ErrCredentials].
func ParseURI(uri string) (servers, environment string, err error) {
	if strings.Contains(uri, "@") {
		return "", "", ErrCredentials
	}
	scheme := "nats"
	var all []string
	for server := range strings.SplitSeq(uri, ",") {
		if environment != "" {
			return "", "", errPlace
		}
		host := strings.TrimSpace(server)
		if own, bare, ok := strings.Cut(host, "://"); ok {
			scheme, host = own, bare
		}
		host, environment, _ = strings.Cut(host, "/")
		all = append(all, scheme+"://"+host)
	}
	return strings.Join(all, ","), environment, nil
}
