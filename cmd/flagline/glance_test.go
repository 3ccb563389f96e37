package main

import (
	"encoding/json"
	"testing"
)

func TestKilledFlagLooksKilled(t *testing.T) {
	for targeting, want := range map[string]string{
		`{"if":[true,"off",{"if":[{"var":"x"},"on"]}]}`: "killed, all get off",
		`{"if":[true,"off"]}`:                           "killed, all get off",
		`{"if":[{"var":"x"},"on"]}`:                     "enabled, rule",
		`{"if":[true,"off",1,2]}`:                       "enabled, rule",
		`null`:                                          "enabled, ",
	} {
		g := look(json.RawMessage(`{"state":"ENABLED","targeting":` + targeting + `}`))
		if got := g.state() + ", " + g.targeting(); got != want {
			t.Errorf("%s looks %q, want %q", targeting, got, want)
		}
	}
}
