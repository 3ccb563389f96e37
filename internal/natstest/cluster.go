package natstest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/flagline/flagline/internal/natsconf"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/wire"
)

// Elsewhere is the other environment that servers from [StartCluster] hold.
const Elsewhere = "elsewhere"

// The users of servers from [StartCluster]; readers have their environment
// before a slash.
const (
	Operator      = "operator"
	ControlPlane  = "control-plane"
	Checkout      = Environment + "/checkout"
	Search        = Environment + "/search"
	Billing       = Environment + "/billing"
	AtTheEdge     = Environment + "/edge" // the leaf node itself
	ElsewhereOnly = Elsewhere + "/other"
)

// A Cluster is one server or several, each a process of its own, with the
// accounts of production.
type Cluster struct {
	Nodes []*Node

	dir   string
	keys  map[string]string // public, by user
	leafs []string          // where the nodes listen for leaf nodes
}

// StartCluster starts n servers that end with the test; several of them are a
// cluster. TestMain of the package has to be [Main].
func StartCluster(t testing.TB, n int) *Cluster {
	t.Helper()
	if os.Getenv(nodeVariable) != "" {
		t.Fatal("a server runs tests: TestMain of this package has to call natstest.Main")
	}
	c := &Cluster{dir: t.TempDir(), keys: make(map[string]string)}
	for _, user := range []string{Operator, ControlPlane, Checkout, Search, Billing, AtTheEdge, ElsewhereOnly} {
		c.keys[user] = makeKey(t, c.Credential(user))
	}
	// A port that was free a moment ago may be taken by now.
	for attempt := 1; ; attempt++ {
		err := c.start(t, n)
		if err == nil {
			break
		}
		if attempt == 3 {
			t.Fatal(err)
		}
	}
	c.awaitJetStream(t)
	return c
}

func (c *Cluster) start(t testing.TB, n int) error {
	clients, routes, leafs := freePorts(t, n), freePorts(t, n), freePorts(t, n)
	c.Nodes, c.leafs = nil, leafs
	for i := range n {
		name := fmt.Sprintf("n%d", i+1)
		conf := natsconf.Server{
			Name: name, Listen: clients[i], LeafListen: leafs[i],
			StoreDir:     filepath.Join(c.dir, name),
			Environments: c.environments(),
			Operators:    []natsconf.User{c.user(Operator)},
			Publishers:   []natsconf.User{c.user(ControlPlane)},
		}
		if n > 1 {
			conf.Cluster = &natsconf.Cluster{Name: "test", Listen: routes[i], Routes: urls(routes)}
		}
		text, err := conf.Text()
		if err != nil {
			t.Fatal(err)
		}
		c.Nodes = append(c.Nodes, newNode(t, c.dir, name, clients[i], text))
	}
	for _, node := range c.Nodes {
		if err := node.start(t); err != nil {
			for _, other := range c.Nodes {
				other.Kill()
			}
			return err
		}
	}
	return nil
}

func (c *Cluster) environments() []natsconf.Environment {
	edge := natsconf.Leaf{User: c.user(AtTheEdge), Readers: []string{"checkout", "search"}}
	return []natsconf.Environment{
		{
			Name:    Environment,
			Readers: []natsconf.User{c.user(Checkout), c.user(Search), c.user(Billing)},
			Leaves:  []natsconf.Leaf{edge},
		},
		{Name: Elsewhere, Readers: []natsconf.User{c.user(ElsewhereOnly)}},
	}
}

func (c *Cluster) user(name string) natsconf.User {
	return natsconf.User{Name: name[strings.Index(name, "/")+1:], Key: c.keys[name]}
}

// StartEdge starts a leaf node of the cluster for checkout and search.
func (c *Cluster) StartEdge(t testing.TB) *Node {
	t.Helper()
	seed, err := os.ReadFile(c.Credential(AtTheEdge))
	if err != nil {
		t.Fatal(err)
	}
	for attempt := 1; ; attempt++ {
		client := freePorts(t, 1)[0]
		text, err := natsconf.Edge{
			Name: "edge", Listen: client, Hub: urls(c.leafs), Seed: "$EDGE_SEED",
			Environment: natsconf.Environment{
				Name: Environment, Readers: []natsconf.User{c.user(Checkout), c.user(Search)},
			},
		}.Text()
		if err != nil {
			t.Fatal(err)
		}
		edge := newNode(t, c.dir, "edge", client, text, "EDGE_SEED="+strings.TrimSpace(string(seed)))
		if err = edge.start(t); err == nil {
			return edge
		}
		if attempt == 3 {
			t.Fatal(err)
		}
	}
}

// Credential is the file with the credential of a user.
func (c *Cluster) Credential(user string) string {
	return filepath.Join(c.dir, strings.ReplaceAll(user, "/", "-")+".nk")
}

// URLs are where all nodes take connections, separated by commas.
func (c *Cluster) URLs() string {
	var all []string
	for _, n := range c.Nodes {
		all = append(all, n.URL())
	}
	return strings.Join(all, ",")
}

// Connect connects to servers as a user does, readers with their own inbox.
func (c *Cluster) Connect(t testing.TB, servers, user string, more ...nats.Option) *nats.Conn {
	t.Helper()
	opts, err := natslog.Options(t.Name(), c.Credential(user))
	if err != nil {
		t.Fatal(err)
	}
	opts = append(opts, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if _, name, ok := strings.Cut(user, "/"); ok {
		opts = append(opts, nats.CustomInboxPrefix(wire.Inbox(name)))
	}
	nc, err := nats.Connect(servers, append(opts, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// Leader is the node that leads the stream of env now.
func (c *Cluster) Leader(t testing.TB, js jetstream.JetStream, env string) *Node {
	t.Helper()
	var leader *Node
	await(t, "a leader of environment "+env, func(ctx context.Context) error {
		s, err := js.Stream(ctx, wire.Environment(env).Stream())
		if err != nil {
			return err
		}
		info := s.CachedInfo().Cluster
		for _, n := range c.Nodes {
			if info != nil && n.Name() == info.Leader && n.Running() {
				leader = n
				return nil
			}
		}
		return fmt.Errorf("it is led by %+v", info)
	})
	return leader
}

// awaitJetStream waits until the servers have found each other and agreed who
// leads.
func (c *Cluster) awaitJetStream(t testing.TB) {
	t.Helper()
	for _, n := range c.Nodes {
		nc := c.Connect(t, n.URL(), Operator)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		await(t, "JetStream on node "+n.Name(), func(ctx context.Context) error {
			_, err := js.AccountInfo(ctx)
			return err
		})
		nc.Close()
	}
}

// await tries until it works.
func await(t testing.TB, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		one, cancel := context.WithTimeout(ctx, time.Second)
		err := try(one)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
}

func makeKey(t testing.TB, file string) (public string) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(seed, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return public
}

// freePorts returns n addresses of ports that were free a moment ago, all
// different.
func freePorts(t testing.TB, n int) (addresses []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

func urls(addresses []string) (all []string) {
	for _, a := range addresses {
		all = append(all, "nats://"+a)
	}
	return all
}
