// Package natsconf writes the configuration of NATS servers that hold
// environments: who may do what, and how what is acknowledged is kept.
//
// One account, FLAGS, owns the environments. The readers of each environment
// have an account of their own that has no JetStream and reaches the data
// through imports, so that neither a request nor the reply subject of one can
// write. docs/decisions/0002-readers-without-jetstream.md says why. Nobody is
// written down without a list of what they may publish and subscribe to, except
// operators.
//
// [Server] is the server that stores, alone or as a node of a cluster; [Edge]
// is a leaf node near readers of one environment. What they write holds no
// secret: of an NKey the public half, of a password the name of the environment
// variable that it is in.
package natsconf

import "github.com/flagline/flagline/internal/wire"

// A Server describes a NATS server that stores environments.
type Server struct {
	// Name tells the nodes of a cluster from each other; alone, a server may
	// be without one.
	Name string

	// Listen is host:port for clients; "" leaves it to whoever starts the
	// server.
	Listen string

	// StoreDir is where streams are kept.
	StoreDir string

	// Environments are what the server holds; at least one.
	Environments []Environment

	// Publishers are control planes. Each may change every environment, and
	// do nothing else that a control plane does not need.
	Publishers []User

	// Operators may do anything to the environments: restore one, for
	// instance. No program uses such a user from day to day.
	Operators []User

	// Anyone, if it is set, reads every environment, and so does whoever
	// connects without saying who it is. That is for loopback: environments
	// have no readers or leaf nodes of their own then.
	Anyone *User

	// Cluster is nil for a server that stands alone.
	Cluster *Cluster

	// LeafListen is host:port for leaf nodes; "" admits none.
	LeafListen string
}

// An Environment is one with its readers.
type Environment struct {
	Name    string
	Readers []User
	Leaves  []Leaf
}

// A Leaf is the user by which a leaf node connects for readers of one
// environment. It may do what they may, and nothing else.
type Leaf struct {
	User
	Readers []string // the names of those behind it
}

// A Cluster is what the nodes of one have in common, but for Listen.
type Cluster struct {
	Name   string
	Listen string   // host:port for the other nodes
	Routes []string // nats://host:port of the nodes
}

// Text is the configuration.
func (s Server) Text() (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	w := new(writer)
	w.setting("server_name", s.Name)
	w.setting("listen", s.Listen)
	w.line("max_payload: 1MB")
	w.blank()
	s.jetStream(w)
	s.cluster(w)
	if s.LeafListen != "" {
		w.open("leafnodes {")
		w.setting("listen", s.LeafListen)
		w.shut("}")
		w.blank()
	}
	s.accounts(w)
	return w.String(), nil
}

// jetStream writes that nothing is acknowledged before it is on the disk, and
// that batches which a publisher abandons are soon forgotten.
func (s Server) jetStream(w *writer) {
	w.open("jetstream {")
	w.setting("store_dir", s.StoreDir)
	w.line("sync_interval: always")
	w.line(`limits { batch { max_inflight_per_stream: 10, timeout: "5s" } }`)
	w.shut("}")
	w.blank()
}

func (s Server) cluster(w *writer) {
	if s.Cluster == nil {
		return
	}
	w.open("cluster {")
	w.setting("name", s.Cluster.Name)
	w.setting("listen", s.Cluster.Listen)
	w.list("routes", s.Cluster.Routes)
	w.shut("}")
	w.blank()
}

func (s Server) accounts(w *writer) {
	w.open("accounts {")
	w.open(owner + " {")
	w.line("jetstream: enabled")
	w.open("users: [")
	for _, u := range s.Operators {
		w.user(u, u.Name, nil)
	}
	for _, u := range s.Publishers {
		w.user(u, u.Name, s.publisher())
	}
	w.shut("]")
	s.exchange(w, "exports", exports)
	s.exchange(w, "imports", fleetImports)
	w.shut("}")
	if s.Anyone != nil {
		s.openAccount(w)
	} else {
		s.readerAccounts(w)
	}
	w.shut("}")
	if s.Anyone != nil {
		w.line("no_auth_user: " + s.Anyone.Key)
	}
}

// exchange writes what the owner exports to, or imports from, each account of
// readers.
func (s Server) exchange(w *writer, what string, lines func(wire.Environment, string) []string) {
	var all []string
	for _, e := range s.Environments {
		all = append(all, lines(wire.Environment(e.Name), s.account(e))...)
	}
	w.block(what, all)
}

// account is the name of the account that the readers of e are in.
func (s Server) account(e Environment) string {
	if s.Anyone != nil {
		return "READERS"
	}
	return account(wire.Environment(e.Name))
}

func (s Server) readerAccounts(w *writer) {
	for _, e := range s.Environments {
		env := wire.Environment(e.Name)
		w.open(s.account(e) + " {")
		w.open("users: [")
		for _, u := range e.Readers {
			w.user(u, e.Name+"/"+u.Name, reader(env, u.Name))
		}
		for _, l := range e.Leaves {
			w.user(l.User, e.Name+"/"+l.Name, reader(env, l.Readers...))
		}
		w.shut("]")
		w.block("exports", fleetExports(env))
		w.block("imports", imports(env))
		w.shut("}")
	}
}

// openAccount writes the account that reads everything.
func (s Server) openAccount(w *writer) {
	var all rights
	var out, in []string
	for _, e := range s.Environments {
		env := wire.Environment(e.Name)
		all.publish = append(all.publish, gets(env), env.FleetAll())
		all.subscribe = append(all.subscribe, env.Changes())
		out, in = append(out, fleetExports(env)...), append(in, imports(env)...)
	}
	all.subscribe = append(all.subscribe, "_INBOX.>")
	w.open("READERS {")
	w.open("users: [")
	w.user(*s.Anyone, s.Anyone.Name, &all)
	w.shut("]")
	w.block("exports", out)
	w.block("imports", in)
	w.shut("}")
}

// An Edge describes a leaf node: a server near the readers of one environment,
// which stores nothing.
type Edge struct {
	Name   string
	Listen string // host:port for clients; "" leaves it to whoever starts the server

	// Environment is the one that the leaf node is for, with those who may
	// read it there. It has no leaf nodes of its own.
	Environment Environment

	// Hub is where servers listen for leaf nodes, as nats://host:port.
	Hub []string

	// Seed is the environment variable, as $NAME, that holds the seed of the
	// NKey by which the servers know the leaf node.
	Seed string
}

// Text is the configuration.
func (e Edge) Text() (string, error) {
	if err := e.check(); err != nil {
		return "", err
	}
	env := wire.Environment(e.Environment.Name)
	w := new(writer)
	w.setting("server_name", e.Name)
	w.setting("listen", e.Listen)
	w.line("max_payload: 1MB")
	w.blank()
	w.open("leafnodes {")
	w.open("remotes: [")
	w.open("{")
	w.list("urls", e.Hub)
	w.line("account: "+account(env), "nkey: "+e.Seed)
	w.shut("}")
	w.shut("]")
	w.shut("}")
	w.blank()
	w.open("accounts {")
	w.open(account(env) + " {")
	w.open("users: [")
	for _, u := range e.Environment.Readers {
		w.user(u, e.Environment.Name+"/"+u.Name, reader(env, u.Name))
	}
	w.shut("]")
	w.shut("}")
	w.shut("}")
	return w.String(), nil
}
