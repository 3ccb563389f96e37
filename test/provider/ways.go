package main

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	flagdprovider "github.com/open-feature/go-sdk-contrib/providers/flagd/pkg"
	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/test/provider/churn"
)

// The ways to ask. A socket is one in the file system.
const (
	constant  = "constant"
	ours      = "ours, in-process"
	flagd     = "flagd, in-process"
	goFeature = "GO Feature Flag, in-process"

	oursKnown  = "ours, sidecar, known answer"
	flagdKnown = "flagd, rpc, known answer"

	oursAsking       = "ours, sidecar, no cache"
	oursAskingSocket = "ours, sidecar, no cache, socket"
	oursFresh        = "ours, sidecar, always another subject"
	oursFreshSocket  = "ours, sidecar, always another subject, socket"
	flagdAsking      = "flagd, rpc"
	flagdSocket      = "flagd, rpc, socket"
	flagdFresh       = "flagd, rpc, always another subject"
	flagdFreshSocket = "flagd, rpc, always another subject, socket"

	bareHTTP2 = "bare connection, HTTP/2"
	bareHTTP1 = "bare connection, HTTP/1.1"

	oursHandle = "ours, handle"
	flagInHand = "evaluator, flag in hand"
	flagByKey  = "evaluator, by key"
	goByHand   = "Go by hand"
)

// known is how many answers are kept by those who keep them; flagd's default,
// and ours.
const known = 1000

// never is for sources that are at rest.
func never() bool { return false }

// ways are all ways to ask, by their names. It starts what they need.
func (b *bench) ways(ctx context.Context) (map[string]*way, error) {
	tcp, err := b.serve(ctx, "")
	if err != nil {
		return nil, err
	}
	socket, err := b.serve(ctx, filepath.Join(b.dir, "sidecar.sock"))
	if err != nil {
		return nil, err
	}
	all := make(map[string]*way)
	if err := b.clients(ctx, all, tcp, socket); err != nil {
		return nil, err
	}
	all[constant].constant = true
	// What flagd's provider does for a flag with a rule is always the same.
	all[flagdAsking], all[flagdFresh] = all[flagdKnown].as(flagdAsking), all[flagdKnown].as(flagdFresh)
	all[flagdFreshSocket] = all[flagdSocket].as(flagdFreshSocket)
	for _, name := range []string{oursFresh, oursFreshSocket, flagdFresh, flagdFreshSocket} {
		all[name].fresh = true
	}
	if all[flagInHand], all[flagByKey], err = evaluators(b.document); err != nil {
		return nil, err
	}
	all[bareHTTP2] = b.bare(ctx, bareHTTP2, tcp.rpc, onHTTP2)
	all[bareHTTP1] = b.bare(ctx, bareHTTP1, tcp.rpc, onHTTP1)
	all[goByHand] = byHand()
	return all, nil
}

// clients adds the ways that lead through the SDK, and our handle.
func (b *bench) clients(ctx context.Context, all map[string]*way, tcp, socket *server) error {
	memory, err := churn.New(b.document, 1, never)
	if err != nil {
		return err
	}
	inProcess := provider.WithSource(memory)
	onSocket := provider.WithSidecar("unix:" + socket.rpc)
	for name, p := range map[string]func() (openfeature.FeatureProvider, error){
		constant:  func() (openfeature.FeatureProvider, error) { return constantProvider{}, nil },
		ours:      func() (openfeature.FeatureProvider, error) { return newOurs(inProcess) },
		goFeature: newGOFF,
		flagd: func() (openfeature.FeatureProvider, error) {
			return newFlagd(flagdprovider.WithInProcessResolver(), at(tcp.sync))
		},
		oursKnown: func() (openfeature.FeatureProvider, error) { return newOurs(provider.WithSidecar(tcp.rpc)) },
		oursAsking: func() (openfeature.FeatureProvider, error) {
			return newOurs(provider.WithSidecar(tcp.rpc), provider.WithCache(0))
		},
		oursAskingSocket: func() (openfeature.FeatureProvider, error) { return newOurs(onSocket, provider.WithCache(0)) },
		oursFresh:        func() (openfeature.FeatureProvider, error) { return newOurs(provider.WithSidecar(tcp.rpc)) },
		oursFreshSocket:  func() (openfeature.FeatureProvider, error) { return newOurs(onSocket) },
		flagdKnown: func() (openfeature.FeatureProvider, error) {
			return newFlagd(flagdprovider.WithRPCResolver(), at(tcp.rpc), flagdprovider.WithLRUCache(known))
		},
		flagdSocket: func() (openfeature.FeatureProvider, error) {
			return newFlagd(flagdprovider.WithRPCResolver(), flagdprovider.WithSocketPath(socket.rpc), flagdprovider.WithLRUCache(known))
		},
	} {
		made, err := p()
		if err != nil {
			return err
		}
		client, err := b.set(ctx, name, made)
		if err != nil {
			return err
		}
		all[name] = throughClient(name, client)
		if name == ours {
			all[oursHandle] = throughHandle(ctx, oursHandle, made.(*provider.Provider))
		}
	}
	return nil
}

// newOurs is our provider, with more patience than applications need: the machine
// may be busy.
func newOurs(opts ...provider.Option) (*provider.Provider, error) {
	const patience = 10 * time.Second
	return provider.New(append([]provider.Option{provider.WithoutEnvironment(), provider.WithDeadline(patience)}, opts...)...)
}

// newFlagd is flagd's provider, which says nothing.
func newFlagd(opts ...flagdprovider.ProviderOption) (openfeature.FeatureProvider, error) {
	p, err := flagdprovider.NewProvider(append(opts, flagdprovider.WithLogger(logr.Discard()))...)
	return p, err
}

// at tells flagd's provider an address.
func at(address string) flagdprovider.ProviderOption {
	host, port, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseUint(port, 10, 16)
	return func(c *flagdprovider.ProviderConfiguration) {
		flagdprovider.WithHost(host)(c)
		flagdprovider.WithPort(uint16(n))(c)
	}
}
