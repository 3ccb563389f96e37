package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A port is the value of a setting that names one.
type port uint16

func newPort(at *uint16, usual uint16) *port {
	*at = usual
	return (*port)(at)
}

func (p *port) String() string { return strconv.Itoa(int(*p)) }
func (p *port) Type() string   { return "port" }

func (p *port) Set(text string) error {
	n, err := strconv.ParseUint(text, 0, 16) // 0x1f4d is taken, as flagd does
	if err != nil {
		return noPortError(text)
	}
	*p = port(n)
	return nil
}

// A noPortError is the text that should have been a port.
type noPortError string

func (e noPortError) Error() string { return fmt.Sprintf("%q is no port (0 to 65535)", string(e)) }

// bare takes from an error what pflag says around the reason, if the reason
// says enough itself. Who knows where the value stands puts that before it.
func bare(err error) error {
	if reason, ok := errors.AsType[noPortError](err); ok {
		return reason
	}
	return err
}

// spelled says what is wrong with the command line.
func spelled(_ *cobra.Command, err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if reason, known := errors.AsType[noPortError](err); ok && known {
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, reason)
	}
	return err
}
