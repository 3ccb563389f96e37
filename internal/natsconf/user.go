package natsconf

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/flagline/flagline/internal/wire"
)

// A User is somebody whom the server lets in.
type User struct {
	// Name is 1 to 64 of A-Z, a-z, 0-9, "_" and "-". A reader reports to the
	// fleet as the instance of that name, and its answers come to the inbox
	// of that name: see [wire.Inbox].
	Name string

	// Key is the public half of an NKey, or $NAME for the environment
	// variable of the server that holds a password. With a password, the
	// user of a reader is its environment, a slash and its name.
	Key string
}

// A roster is who has been named, so that nobody is named twice.
type roster map[string]bool

func (r roster) addEnvironment(e Environment) error {
	if _, err := wire.ParseEnvironment(e.Name); err != nil {
		return err
	}
	if r["environment "+e.Name] {
		return fmt.Errorf("environment %q is there twice", e.Name)
	}
	r["environment "+e.Name] = true
	var errs []error
	for _, u := range e.Readers {
		errs = append(errs, r.add(e.Name+"/", u))
	}
	for _, l := range e.Leaves {
		errs = append(errs, r.add(e.Name+"/", l.User))
		if len(l.Readers) == 0 {
			errs = append(errs, fmt.Errorf("leaf node %q: no readers behind it", l.Name))
		}
		for _, name := range l.Readers {
			if !isName(name) {
				errs = append(errs, fmt.Errorf("leaf node %q: reader %q: %s", l.Name, name, nameRule))
			}
		}
	}
	return errors.Join(errs...)
}

func (r roster) add(where string, u User) error {
	name := where + u.Name
	switch {
	case !isName(u.Name):
		return fmt.Errorf("user %q: %s", name, nameRule)
	case r["user "+name]:
		return fmt.Errorf("user %q is there twice", name)
	case !isVariable(u.Key) && !nkeys.IsValidPublicUserKey(u.Key):
		// What was given is not shown: it may be a seed or a password.
		return fmt.Errorf("user %q: a credential is the public half of a user's NKey, which begins with U, "+
			"or $NAME for the environment variable that holds a password", name)
	case !isVariable(u.Key) && r["key "+u.Key]:
		return fmt.Errorf("user %q: another user has the key %s; the server tells users apart by their keys", name, u.Key)
	}
	r["user "+name] = true
	r["key "+u.Key] = true
	return nil
}

const nameRule = `a name has 1 to 64 of A-Z, a-z, 0-9, "_" and "-"`

func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool { return !inName(r) }) < 0
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

func isVariable(s string) bool {
	name, ok := strings.CutPrefix(s, "$")
	return ok && isName(name) && !strings.Contains(name, "-")
}

func checkAddress(what, s string) error {
	if s == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s %q: write it as host:port", what, s)
	}
	return nil
}

func checkURL(what, s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		// Neither the error nor the text is shown: a password may be in it.
		return fmt.Errorf("%s: not an address; write it as nats://host:port", what)
	case u.User != nil:
		return fmt.Errorf("%s %s: credentials do not belong in an address", what, u.Host)
	case u.Scheme != "nats" && u.Scheme != "tls" || u.Host == "":
		return fmt.Errorf("%s %q: write it as nats://host:port, or tls://host:port", what, s)
	}
	return nil
}
