package main

import "github.com/spf13/pflag"

// ignoredSettings are those that flagd once had, as name and short name. They
// are taken, with a warning, so that people's manifests go on working; without
// them this sidecar does what they asked for, or its sources say it themselves.
func ignoredSettings() [][2]string {
	return [][2]string{
		{"sync-provider-args", "a"},
		{"sync-provider", "y"},
		{"evaluator", ""},
		{"bearer-token", "b"},
		{"provider-id", "i"},
		{"service-provider", ""},
		{"metrics-port", ""},
	}
}

func registerIgnored(flags *pflag.FlagSet) {
	for _, name := range ignoredSettings() {
		// An array, because some of them may be given more than once.
		flags.StringArrayP(name[0], name[1], nil, "one of flagd's, without effect here")
		flags.Lookup(name[0]).Hidden = true
	}
}
