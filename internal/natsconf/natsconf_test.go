package natsconf_test

import (
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/natsconf"
)

const (
	key   = "UCHZWTAZWMNJ5F2ZDF5IB6PGPNI6OLZ3HZUHFRX5S3ZJ3NJM7JND3VXT"
	other = "UB75JNTOTO3MO5EXEWWN523LYDPFHRTAG3IALR65RHS4NPIJWJGPJRTE"
)

func server() natsconf.Server {
	return natsconf.Server{
		StoreDir:     `C:\data "1"`,
		Environments: []natsconf.Environment{{Name: "eu-prod", Readers: []natsconf.User{{Name: "checkout", Key: other}}}},
		Publishers:   []natsconf.User{{Name: "control-plane", Key: key}},
	}
}

func TestNobodyButAnOperatorIsWithoutLimits(t *testing.T) {
	s := server()
	s.Environments[0].Leaves = []natsconf.Leaf{{User: natsconf.User{Name: "edge", Key: "$EDGE"}, Readers: []string{"search"}}}
	s.LeafListen = "0.0.0.0:7422"
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	users := strings.Count(text, "nkey: ") + strings.Count(text, "password: ")
	if limits := strings.Count(text, "permissions: {"); users != 3 || limits != users {
		t.Errorf("%d users with %d lists of permissions:\n%s", users, limits, text)
	}
	if strings.Count(text, "jetstream: enabled") != 1 {
		t.Errorf("more than the owner's account has JetStream:\n%s", text)
	}
}

func TestEveryServerThatStoresSyncsBeforeItAcknowledges(t *testing.T) {
	alone, local, node := server(), server(), server()
	local.Environments[0].Readers = nil
	local.Anyone = &natsconf.User{Name: "anyone", Key: other}
	node.Name = "n1"
	node.Cluster = &natsconf.Cluster{Name: "c", Listen: "0.0.0.0:6222", Routes: []string{"nats://n2:6222"}}
	for name, s := range map[string]natsconf.Server{"alone": alone, "local": local, "node": node} {
		text, err := s.Text()
		if err != nil || !strings.Contains(text, "\n  sync_interval: always\n") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

func TestNamesThatTheServerReadsArePlain(t *testing.T) {
	text, err := server().Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"READERS_EU_PROD {", `store_dir: "C:\\data \"1\""`, `"_INBOX_checkout.>"`, `"flagline.eu-prod.fleet.checkout"`} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	reader := natsconf.User{Name: "a", Key: other}
	for want, change := range map[string]func(*natsconf.Server){
		"no directory":      func(s *natsconf.Server) { s.StoreDir = "" },
		"of its own":        func(s *natsconf.Server) { s.Anyone = &natsconf.User{Name: "anyone", Key: "$X"} },
		"not by a password": func(s *natsconf.Server) { s.Anyone = &natsconf.User{Name: "anyone", Key: "$X"} },
		"is there twice":    func(s *natsconf.Server) { s.Environments[0].Readers = []natsconf.User{reader, reader} },
		"nothing listens": func(s *natsconf.Server) {
			s.Environments[0].Leaves = []natsconf.Leaf{{User: natsconf.User{Name: "e", Key: "$E"}}}
		},
		"listen for the others": func(s *natsconf.Server) { s.Name, s.Cluster = "n", &natsconf.Cluster{Name: "c"} },
		`cluster "a b"`:         func(s *natsconf.Server) { s.Name, s.Cluster = "n", &natsconf.Cluster{Name: "a b"} },
		`user "eu-prod/a.b"`:    func(s *natsconf.Server) { s.Environments[0].Readers[0].Name = "a.b" },
		"environment variable":  func(s *natsconf.Server) { s.Publishers[0].Key = "$1 2" },
	} {
		s := server()
		change(&s)
		if text, err := s.Text(); err == nil || !strings.Contains(err.Error(), want) || text != "" {
			t.Errorf("Text gives %q, %v, want something about %q", text, err, want)
		}
	}
}

func TestEdgeNeedsAHubAndReaders(t *testing.T) {
	edge := natsconf.Edge{
		Name: "edge", Hub: []string{"nats://hub:7422"}, Seed: "$SEED",
		Environment: natsconf.Environment{Name: "prod", Readers: []natsconf.User{{Name: "a", Key: key}}},
	}
	if text, err := edge.Text(); err != nil || strings.Contains(text, "jetstream") {
		t.Errorf("Text gives %v\n%s", err, text)
	}
	for want, change := range map[string]func(*natsconf.Edge){
		"without readers": func(e *natsconf.Edge) { e.Environment.Readers = nil },
		"where the":       func(e *natsconf.Edge) { e.Hub = nil },
		"nats://host":     func(e *natsconf.Edge) { e.Hub = []string{"hub"} },
		"as $NAME":        func(e *natsconf.Edge) { e.Seed = "literal" },
		"of its own":      func(e *natsconf.Edge) { e.Environment.Leaves = []natsconf.Leaf{{}} },
	} {
		e := edge
		change(&e)
		if text, err := e.Text(); err == nil || !strings.Contains(err.Error(), want) || text != "" {
			t.Errorf("Text gives %q, %v, want something about %q", text, err, want)
		}
	}
}
