package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/flagline/flagline/internal/natsconf"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natslog"
)

const environment = "bench"

// servers are one NATS server, or a cluster, in this process. All store on one
// disk and sync every write.
type servers struct {
	dir        string
	url        string // of the first
	credential string // a file
	nodes      []*natsd.Server
}

// start starts n servers and waits until they can store.
func start(ctx context.Context, n int) (*servers, error) {
	dir, err := os.MkdirTemp("", "flagline-bench-")
	if err != nil {
		return nil, err
	}
	s := &servers{dir: dir}
	if n == 1 {
		err = s.single(ctx)
	} else {
		err = s.cluster(ctx, n)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *servers) close() {
	for _, node := range s.nodes {
		node.Close()
	}
	os.RemoveAll(s.dir)
}

func (s *servers) single(ctx context.Context) error {
	server, err := natsd.Start(ctx, natsd.Config{DataDir: s.dir, Listen: "127.0.0.1:0", Environments: []string{environment}})
	if err != nil {
		return err
	}
	s.nodes, s.url, s.credential = []*natsd.Server{server}, server.URL(), server.PublisherFile()
	return nil
}

func (s *servers) cluster(ctx context.Context, n int) error {
	s.credential = filepath.Join(s.dir, "operator.nk")
	operator, err := newKey(s.credential)
	if err != nil {
		return err
	}
	reader, err := newKey(filepath.Join(s.dir, "reader.nk"))
	if err != nil {
		return err
	}
	ports, err := freePorts(ctx, 2*n)
	if err != nil {
		return err
	}
	clients, routes := ports[:n], ports[n:]
	var urls []string
	for _, r := range routes {
		urls = append(urls, "nats://"+r)
	}
	for i := range n {
		conf, err := natsconf.Server{
			Name: nodeName(i), Listen: clients[i], StoreDir: filepath.Join(s.dir, nodeName(i)),
			Environments: []natsconf.Environment{{Name: environment}},
			Operators:    []natsconf.User{{Name: "operator", Key: operator}},
			Anyone:       &natsconf.User{Name: "anyone", Key: reader},
			Cluster:      &natsconf.Cluster{Name: "bench", Listen: routes[i], Routes: urls},
		}.Text()
		if err != nil {
			return err
		}
		node, err := natsd.Run(ctx, conf, nil)
		if err != nil {
			return fmt.Errorf("node %s: %w", nodeName(i), err)
		}
		s.nodes = append(s.nodes, node)
	}
	s.url = s.nodes[0].URL()
	return s.awaitJetStream(ctx)
}

func nodeName(i int) string { return fmt.Sprintf("n%d", i+1) }

// awaitJetStream waits until every node knows who leads the cluster.
func (s *servers) awaitJetStream(ctx context.Context) error {
	for i, node := range s.nodes {
		nc, err := s.connect(node.URL())
		if err != nil {
			return err
		}
		js, err := jetstream.New(nc)
		if err == nil {
			err = await(ctx, func(ctx context.Context) error {
				_, err := js.AccountInfo(ctx)
				return err
			})
		}
		nc.Close()
		if err != nil {
			return fmt.Errorf("JetStream on node %s: %w", nodeName(i), err)
		}
	}
	return nil
}

// connect connects as a user who may do anything.
func (s *servers) connect(url string) (*nats.Conn, error) {
	opts, err := natslog.Options("bench", s.credential)
	if err != nil {
		return nil, err
	}
	return nats.Connect(url, opts...)
}

// lead makes the first node lead a stream, if there are several.
func (s *servers) lead(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, stream string) error {
	if len(s.nodes) == 1 {
		return nil
	}
	err := await(ctx, func(ctx context.Context) error {
		handle, err := js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		c := handle.CachedInfo().Cluster
		if c != nil && c.Leader == nodeName(0) {
			return nil
		}
		request := fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, nodeName(0))
		if _, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, request); err != nil {
			return err
		}
		return errors.New("another node leads it")
	})
	if err != nil {
		return fmt.Errorf("make node %s lead stream %s: %w", nodeName(0), stream, err)
	}
	return nil
}

// await tries until it works, for a minute at most.
func await(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		one, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := try(one)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// newKey makes a key, keeps its seed in file and returns its public half.
func newKey(file string) (public string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", err
	}
	seed, err := pair.Seed()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, append(seed, '\n'), 0o600); err != nil {
		return "", err
	}
	return pair.PublicKey()
}

// freePorts returns n addresses of ports that were free a moment ago, all
// different: nodes have to know each other before they start.
func freePorts(ctx context.Context, n int) (addresses []string, err error) {
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
