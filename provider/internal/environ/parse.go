package environ

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

type duration = time.Duration

// The functions below make what reads a value into a field. Space around a
// number or a word is what a file or a template left there.

func text(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		*field(s) = value
		return nil
	}
}

func word[T ~string](field func(*Settings) *T, words map[string]T, ways string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		known, ok := words[strings.ToLower(strings.TrimSpace(value))]
		if !ok {
			return fmt.Errorf("write %s", ways)
		}
		*field(s) = known
		return nil
	}
}

func port(field func(*Settings) *uint16) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
		if err != nil || n == 0 {
			return errors.New("write a port, 1 to 65535")
		}
		*field(s) = uint16(n)
		return nil
	}
}

func count(field func(*Settings) **int) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			return errors.New("write a whole number, 0 or more")
		}
		*field(s) = &n
		return nil
	}
}

func milliseconds(field func(*Settings) **duration, least int64) func(*Settings, string) error {
	return whole(field, time.Millisecond, least, "milliseconds")
}

func seconds(field func(*Settings) **duration) func(*Settings, string) error {
	return whole(field, time.Second, 0, "seconds")
}

func whole(field func(*Settings) **duration, unit duration, least int64, name string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil || n < least || n > math.MaxInt64/int64(unit) {
			return fmt.Errorf("write a whole number of %s, %d or more", name, least)
		}
		*field(s) = new(duration(n) * unit)
		return nil
	}
}

func span(field func(*Settings) **duration) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		d, err := time.ParseDuration(strings.TrimSpace(value))
		if err != nil || d <= 0 {
			return errors.New("write a duration of more than nothing, with its unit, such as 90s or 5m")
		}
		*field(s) = &d
		return nil
	}
}

// setHost refuses what would become an address that nobody meant.
func setHost(s *Settings, value string) error {
	host := strings.TrimSpace(value)
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	switch {
	case strings.ContainsAny(host, "/@ ") || bare == "":
		return errors.New("write a host alone, without scheme, path or credentials")
	case strings.Count(bare, ":") == 1:
		return errors.New("write a host alone; its port has a variable of its own")
	}
	s.Host = bare
	return nil
}

func setTLS(s *Settings, value string) error {
	on, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(value)))
	if err != nil {
		return errors.New("write true or false")
	}
	s.TLS = &on
	return nil
}

// setFatalStatusCodes takes all codes or none: of a list with a mistake, nobody
// can say what it was to mean.
func setFatalStatusCodes(s *Settings, value string) error {
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		name = strings.ToUpper(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		if !IsStatusCode(name) {
			return errors.New("write the names of gRPC status codes, with commas between them, such as UNAUTHENTICATED,PERMISSION_DENIED")
		}
		names = append(names, name)
	}
	s.FatalStatusCodes = names
	return nil
}

// IsStatusCode says whether name is one of gRPC's status codes, in upper case.
func IsStatusCode(name string) bool {
	return new(codes.Code).UnmarshalJSON([]byte(strconv.Quote(name))) == nil
}
