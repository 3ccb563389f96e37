package schemas_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/schemas"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/sourcetest"
)

// protocolSchemas compiles the schemas of the protocol, by what they describe.
func protocolSchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	texts := map[string][]byte{"head": schemas.Head, "beacon": schemas.Beacon, "report": schemas.Report, "base-index": schemas.BaseIndex}
	for name, text := range texts {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("https://flagline.dev/schemas/"+name+".schema.json", doc); err != nil {
			t.Fatal(err)
		}
	}
	all := make(map[string]*jsonschema.Schema)
	for name := range texts {
		schema, err := compiler.Compile("https://flagline.dev/schemas/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		all[name] = schema
	}
	return all
}

func validate(schema *jsonschema.Schema, body string) error {
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(instance)
}

// What a control plane and a reader really send, on a real server, is what the
// schemas say: signed and unsigned heads, parts of a change, beacons, a base, and
// reports of all kinds.
func TestWhatTravelsIsWhatTheSchemasSay(t *testing.T) {
	all := protocolSchemas(t)
	server := natstest.Start(t)
	nc := natstest.Publisher(t, server)
	heard := make(chan *nats.Msg, 10_000)
	for _, subject := range []string{"flagline.test.changes.head", "flagline.test.changes.beacon", "flagline.test.fleet.*"} {
		if _, err := nc.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}

	l := open(t, nc, ledger.Config{Environment: natstest.Environment})
	follow(t, natskv.Config{Servers: server.URL(), Environment: natstest.Environment, Instance: "pod/1", Service: "checkout", Version: "1.2.3"})
	commit(t, l, func(i int) admin.Edit { return admin.Edit{Set: "größe", Key: fmt.Sprint(i), Body: []byte(`{}`)} }, 1500)
	commit(t, l, func(i int) admin.Edit { return admin.Edit{Set: "größe", Key: fmt.Sprint(i)} }, 1500)
	commit(t, l, func(int) admin.Edit { return admin.Edit{Key: broken, Body: []byte(`7`)} }, 1)
	if err := l.WriteBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	ours, _ := newKey(t)
	_, stranger := newKey(t)
	run(t, open(t, nc, ledger.Config{Environment: natstest.Environment, SigningKeys: []string{ours}, SignExisting: true}))
	follow(t, natskv.Config{Servers: server.URL(), Environment: natstest.Environment, Instance: "pod/2", TrustedKeys: stranger})

	// What has to come for the test to say anything.
	missing := map[string]func(what, body string) bool{
		"a complete head":      func(what, body string) bool { return what == "head" && strings.Contains(body, `"digest"`) },
		"a head with more":     func(what, body string) bool { return what == "head" && strings.Contains(body, `"more":true`) },
		"a head with shrunk":   func(what, body string) bool { return what == "head" && strings.Contains(body, `"shrunk"`) },
		"a signed head":        func(what, body string) bool { return what == "head" && strings.Contains(body, `"signatures"`) },
		"a signed beacon":      func(what, body string) bool { return what == "beacon" && strings.Contains(body, `"signatures"`) },
		"a quarantined flag":   func(what, body string) bool { return what == "report" && strings.Contains(body, `"quarantined"`) },
		"a rejected state":     func(what, body string) bool { return what == "report" && strings.Contains(body, `"rejected"`) },
		"an instance's report": func(what, body string) bool { return what == "report" && strings.Contains(body, `"checkout"`) },
	}
	deadline := time.After(sourcetest.Patience)
	for len(missing) > 0 {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %v", slices.Collect(maps.Keys(missing)))
		case msg := <-heard:
			what, body := kind(msg.Subject), string(msg.Data)
			if err := validate(all[what], body); err != nil {
				t.Errorf("%s is not what its schema says: %s: %v", what, body, err)
			}
			maps.DeleteFunc(missing, func(_ string, is func(string, string) bool) bool { return is(what, body) })
		}
	}
	index, err := nc.Request("$JS.API.DIRECT.GET.flags-test-base.flagline.test.base.index", nil, nats.DefaultTimeout)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(all["base-index"], string(index.Data)); err != nil {
		t.Errorf("the index of a base is not what its schema says: %s: %v", index.Data, err)
	}
}

func kind(subject string) string {
	switch subject {
	case "flagline.test.changes.head":
		return "head"
	case "flagline.test.changes.beacon":
		return "beacon"
	}
	return "report"
}

// broken is a flag that does not compile at the readers of this test.
const broken = "broken"

func open(t *testing.T, nc *nats.Conn, cfg ledger.Config) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs a control plane until the test ends.
func run(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	background(t, l.Run)
}

func follow(t *testing.T, cfg natskv.Config) {
	t.Helper()
	src, err := natskv.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{Reject: func(u source.Update) (rejected []source.Rejection) {
		for _, rec := range u.Records {
			if rec.Key == broken && rec.Body != nil {
				rejected = append(rejected, source.Rejection{Set: rec.Set, Key: rec.Key, Reason: "no flag"})
			}
		}
		return rejected
	}}
	background(t, func(ctx context.Context) error { return src.Watch(ctx, r) })
}

func background(t *testing.T, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// commit makes one change of n edits.
func commit(t *testing.T, l *ledger.Ledger, edit func(i int) admin.Edit, n int) {
	t.Helper()
	var edits []admin.Edit
	for i := range n {
		edits = append(edits, edit(i))
	}
	_, err := l.Commit(t.Context(), admin.Draft{
		Author: "ada", AllowShrink: true, Plan: func(admin.State) ([]admin.Edit, error) { return edits, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newKey makes a signing key, and the file of those who trust it.
func newKey(t *testing.T) (secret, trusted string) {
	t.Helper()
	text, line, err := signing.NewKey(false)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secret, trusted = filepath.Join(dir, "secret"), filepath.Join(dir, "trusted")
	for file, text := range map[string]string{secret: string(text), trusted: line} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return secret, trusted
}

// Of the examples, the good ones are what the schemas say, and of the bad ones
// those that a schema can tell are not.
func TestExamplesAreWhatTheSchemasSay(t *testing.T) {
	all := protocolSchemas(t)
	type example struct{ Name, Why, Body, Index string }
	var file struct {
		Heads, Beacons, Bases                            []example
		RefusedHeads, RefusedBeacons, RefusedBaseIndexes []example
	}
	text, err := os.ReadFile("protocol-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	// A schema compares no members with each other.
	beyond := []string{"a newer protocol", "another incarnation than its head", "another generation than its head"}
	for what, examples := range map[string][2][]example{
		"head": {file.Heads, file.RefusedHeads}, "beacon": {file.Beacons, file.RefusedBeacons},
		"base-index": {file.Bases, file.RefusedBaseIndexes},
	} {
		if len(examples[0]) == 0 || len(examples[1]) == 0 {
			t.Errorf("there are no examples of a %s", what)
		}
		for _, good := range examples[0] {
			if err := validate(all[what], good.Body+good.Index); err != nil {
				t.Errorf("%s %q: %v", what, good.Name, err)
			}
		}
		for _, bad := range examples[1] {
			if err := validate(all[what], bad.Body); err == nil && !slices.Contains(beyond, bad.Why) {
				t.Errorf("%s that is bad for %q passes: %s", what, bad.Why, bad.Body)
			}
		}
	}
}

func TestReportThatIsNoneIsFound(t *testing.T) {
	report := protocolSchemas(t)["report"]
	const good = `{"instance":"a","incarnation":"i","generation":1,"digest":"","state":"applied","ageSeconds":0.5,"time":"2026-11-20T12:00:00.5Z"}`
	if err := validate(report, good); err != nil {
		t.Error(err)
	}
	for from, to := range map[string]string{
		`"a"`: `""`, `"instance":"a",`: ``, `:1,`: `:-1,`, `:1,"digest"`: `:"1","digest"`, `"applied"`: `"fine"`, `applied`: `rejected`,
		`0.5`: `-1`, `.5Z`: `.50Z`, `"digest":""`: `"digest":"00"`, `}`: `,"quarantined":[{"key":"k"}]}`, `12:00:00.5Z`: `12:00:00+01:00`,
	} {
		bad := strings.Replace(good, from, to, 1)
		if err := validate(report, bad); err == nil || bad == good {
			t.Errorf("%s passes", bad)
		}
	}
}
