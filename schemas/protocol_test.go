package schemas_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	commit(t, l, func(int) admin.Edit { return admin.Edit{Key: "broken", Body: []byte(`"no flag"`)} }, 1)
	if err := l.WriteBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, trusted := newKey(t)
	signed := open(t, nc, ledger.Config{Environment: natstest.Environment, SigningKeys: []string{key}, SignExisting: true})
	run(t, signed)
	// One that is told to refuse everything unsigned, and is shown such a thing.
	follow(t, natskv.Config{Servers: server.URL(), Environment: natstest.Environment, Instance: "pod/2", TrustedKeys: trusted})

	missing := map[string]int{
		"complete head": 1, "head with more": 1, "signed head": 1, "head with shrunk": 1,
		"beacon": 1, "signed beacon": 1, "report": 3, "report of a quarantined flag": 1, "report of a rejected generation": 1,
	}
	note := func(kind string) { delete(missing, kind) }
	begin := time.After(sourcetest.Patience)
	unsigned := unsignedChange(t, nc, signed)
	for len(missing) > 0 {
		select {
		case <-begin:
			t.Fatalf("waited in vain for %v", missing)
		case msg := <-heard:
			body := string(msg.Data)
			kind := map[string]string{"head": "head", "beacon": "beacon"}[msg.Subject[strings.LastIndex(msg.Subject, ".")+1:]]
			if kind == "" {
				kind = "report"
			}
			if err := validate(all[kind], body); err != nil {
				t.Errorf("%s is not what its schema says: %s: %v", kind, body, err)
			}
			sorts(kind, body, note)
			unsigned()
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
