package main

import (
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/pflag"
)

// settings are common to all commands that speak to a server.
type settings struct {
	server      string
	tokenFile   string
	environment string
	set         string
	output      string
	wait        bool
	timeout     time.Duration
	expect      uint64
	reason      string
	author      string
	dryRun      bool

	setGiven    func() bool // whether set was said, even if it is empty
	expectGiven func() bool // whether expect was
}

// The values of --output.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputYAML  = "yaml"
)

func (s *settings) register(f *pflag.FlagSet) {
	f.StringVar(&s.server, "server", "http://127.0.0.1:8080", "the admin API to speak to")
	f.StringVar(&s.tokenFile, "token-file", "", "file with the token for the server (default: what a local server left for this user)")
	f.StringVarP(&s.environment, "environment", "E", "", "the environment (default: the only one there is)")
	f.StringVar(&s.set, "set", "", "the flag set (default: the one that has the flag, or that the document names)")
	f.StringVarP(&s.output, "output", "o", "", "table, json or yaml (default: table on a terminal, json otherwise)")
	f.BoolVar(&s.wait, "wait", false, "wait until every instance has applied the change")
	f.DurationVar(&s.timeout, "timeout", 30*time.Second, "how long to wait, for the server as for instances")
	f.Uint64Var(&s.expect, "expect-generation", 0, "refuse the change if the environment has another generation")
	f.StringVarP(&s.reason, "reason", "m", "", "why, for the record")
	f.StringVar(&s.author, "author", "", "who makes the change (default: $USER@host)")
	f.BoolVar(&s.dryRun, "dry-run", false, "only say what would change")
	s.expectGiven = func() bool { return f.Changed("expect-generation") }
	s.setGiven = func() bool { return f.Changed("set") }
}

func (s *settings) check() error {
	switch s.output {
	case "", outputTable, outputJSON, outputYAML:
	default:
		return fmt.Errorf("there is no output %q; there are table, json and yaml", s.output)
	}
	if s.expectGiven() && s.expect == 0 {
		return fmt.Errorf("generations are counted from 1: --expect-generation 0 would expect nothing")
	}
	if s.timeout <= 0 {
		return fmt.Errorf("a timeout of %v leaves no time at all", s.timeout)
	}
	if s.author == "" {
		s.author = whoami()
	}
	return nil
}

// flagSet is the set that was asked for, or nil.
func (s *settings) flagSet() *string {
	if !s.setGiven() {
		return nil
	}
	return &s.set
}

func whoami() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	if name == "" {
		name = "unknown"
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
