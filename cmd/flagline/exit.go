package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/flagline/flagline/admin/api"
)

// The exit codes. Scripts build on them.
const (
	exitOK               = 0
	exitNegative         = 1 // diff, lint, invalid input
	exitUsage            = 2
	exitNotFound         = 3
	exitDenied           = 4
	exitConflict         = 5
	exitApprovalRequired = 6
	exitNotConverged     = 7
	exitUnavailable      = 8
	exitInternal         = 10
)

// errNegative ends a command whose answer, which it has printed, is no.
var errNegative = errors.New("no")

func exitCode(code api.Code) int {
	switch code {
	case api.CodeInvalid:
		return exitNegative
	case api.CodeUsage:
		return exitUsage
	case api.CodeNotFound:
		return exitNotFound
	case api.CodeDenied:
		return exitDenied
	case api.CodeConflict:
		return exitConflict
	case api.CodeApprovalRequired:
		return exitApprovalRequired
	case api.CodeNotConverged:
		return exitNotConverged
	case api.CodeUnavailable:
		return exitUnavailable
	}
	return exitInternal
}

func usage(format string, args ...any) error {
	return &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf(format, args...)}
}

// fail tells what went wrong and returns the exit code for it.
func (a *app) fail(err error, args []string) int {
	if errors.Is(err, errNegative) {
		return exitNegative
	}
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		e = &api.Error{Code: api.CodeInternal, Message: err.Error()}
	}
	if a.wantsJSON(args) {
		if e.Details == nil {
			e.Details = []api.Detail{}
		}
		if text, err := indented(api.ErrorBody{Error: e}); err == nil {
			_, _ = a.err.Write(text)
		}
		return exitCode(e.Code)
	}
	fmt.Fprintf(a.err, "flagline: %s\n", e.Message)
	for _, d := range e.Details {
		if strings.Contains(e.Message, d.Message) {
			continue // a single mistake is in the sentence already
		}
		fmt.Fprintf(a.err, "  %s\n", detail(d.File, d.Pointer, d.Message))
	}
	return exitCode(e.Code)
}

// wantsJSON says how to tell of an error. The command line is looked at if it
// was not understood.
func (a *app) wantsJSON(args []string) bool {
	output := a.settings.output
	for i, arg := range args {
		if a.begun || arg == "--" {
			break
		}
		next := ""
		if i+1 < len(args) {
			next = args[i+1]
		}
		switch {
		case arg == "-o" || arg == "--output":
			output = next
		case strings.HasPrefix(arg, "-o"):
			output = strings.TrimPrefix(strings.TrimPrefix(arg, "-o"), "=")
		case strings.HasPrefix(arg, "--output="):
			output = strings.TrimPrefix(arg, "--output=")
		}
	}
	switch output {
	case outputJSON, outputYAML:
		return true
	case outputTable:
		return false
	}
	return !a.terminal
}

// detail names a mistake with its place, as far as that is known.
func detail(file, pointer, message string) string {
	var parts []string
	for _, part := range []string{file, pointer, message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}
