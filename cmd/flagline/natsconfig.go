package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flagline/flagline/internal/natsconf"
)

// natsConfig is what `flagline nats config` was asked to write.
type natsConfig struct {
	environments []string
	publishers   []string
	operators    []string
	readers      []string
	leaves       []string

	name        string
	listen      string
	storeDir    string
	cluster     string
	clusterAddr string
	routes      []string
	leafAddr    string

	hub  []string
	seed string
}

func (c *natsConfig) register(f *pflag.FlagSet) {
	f.StringSliceVar(&c.environments, "environments", nil, "what the server holds")
	f.StringArrayVar(&c.publishers, "publisher", nil, "who changes flags, as NAME=CREDENTIAL: a control plane; may be repeated")
	f.StringArrayVar(&c.operators, "operator", nil, "who may do anything to the environments, as NAME=CREDENTIAL; may be repeated")
	f.StringArrayVar(&c.readers, "reader", nil, "who reads an environment, as ENVIRONMENT/NAME=CREDENTIAL; may be repeated")
	f.StringArrayVar(&c.leaves, "leaf", nil,
		"a leaf node for some readers of an environment, as ENVIRONMENT/NAME=CREDENTIAL:READER,READER; may be repeated")
	f.StringVar(&c.name, "server-name", "", "name of the server; a node of a cluster needs one")
	f.StringVar(&c.listen, "listen", "0.0.0.0:4222", "where the server listens for clients")
	f.StringVar(&c.storeDir, "store-dir", "/data", "where the server keeps streams")
	f.StringVar(&c.cluster, "cluster", "", "name of the cluster that the server is a node of")
	f.StringVar(&c.clusterAddr, "cluster-listen", "0.0.0.0:6222", "where the server listens for the other nodes")
	f.StringSliceVar(&c.routes, "routes", nil, "where the nodes of the cluster find each other, as nats://HOST:6222")
	f.StringVar(&c.leafAddr, "leaf-listen", "0.0.0.0:7422", "where the server listens for leaf nodes, if there are any")
	f.StringSliceVar(&c.hub, "hub", nil, "write the leaf node itself instead; this is where it finds the servers, as nats://HOST:7422")
	f.StringVar(&c.seed, "hub-seed", "$FLAGLINE_LEAF_SEED", "the variable with the seed of the leaf node's key")
}

// natsConfigCommand writes the configuration of a NATS server for production.
func (a *app) natsConfigCommand() *cobra.Command {
	c := &natsConfig{}
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration of a NATS server of your own, with its accounts and permissions",
		Long: `Print the configuration of a NATS server of your own, with its accounts and permissions.

A credential is the public half of a user's NKey, which begins with U, or $NAME
for the environment variable of the server that holds a password. Nothing secret
is asked for, and none is printed. The user that a password belongs to is
ENVIRONMENT/NAME; programs of Flagline use NKeys.

A reader is an instance: it reports to the fleet under its name, and listens for
answers on an inbox of its own. So give a sidecar the name as --instance. Readers
of different environments are different users; where there is one environment
only, its name may be left out.

With --hub it prints the configuration of a leaf node: a server near the readers
of one environment, which stores nothing.`,
		Example: `flagline nats config --environments prod --store-dir /data \
  --publisher control-plane=UDOTS6RUZAPT4JYMUVDPCWFPPWQXBN5TEIQFGRMMMS4RAD5KECGVQSNU \
  --reader checkout=UALMGRIHJLNI2MIUXBOEH4TDXCJFJ6ZVEHBN5KGF4V75GFPSADWHLD2G`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			text, err := c.text()
			if err != nil {
				return usage("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
			}
			_, err = io.WriteString(a.out, text)
			return err
		},
	}
	c.register(cmd.Flags())
	return cmd
}

func (c *natsConfig) text() (string, error) {
	environments, err := c.described()
	if err != nil {
		return "", err
	}
	if len(c.hub) > 0 {
		if len(environments) != 1 {
			return "", errors.New("a leaf node is for one environment; name it with --environments")
		}
		return natsconf.Edge{
			Name: c.name, Listen: c.listen, Environment: environments[0], Hub: c.hub, Seed: c.seed,
		}.Text()
	}
	s := natsconf.Server{
		Name: c.name, Listen: c.listen, StoreDir: c.storeDir, Environments: environments,
	}
	if s.Publishers, err = natsUsers(c.publishers, "publisher"); err != nil {
		return "", err
	}
	if s.Operators, err = natsUsers(c.operators, "operator"); err != nil {
		return "", err
	}
	if len(c.leaves) > 0 {
		s.LeafListen = c.leafAddr
	}
	if cluster := cmp.Or(c.cluster, strings.Join(c.routes, "")); cluster != "" {
		s.Cluster = &natsconf.Cluster{Name: c.cluster, Listen: c.clusterAddr, Routes: c.routes}
	}
	return s.Text()
}

// described returns the environments with their readers and leaf nodes.
func (c *natsConfig) described() ([]natsconf.Environment, error) {
	var all []natsconf.Environment
	for _, name := range c.environments {
		all = append(all, natsconf.Environment{Name: name})
	}
	for _, said := range c.readers {
		env, u, err := c.member(all, said, "reader")
		if err != nil {
			return nil, err
		}
		env.Readers = append(env.Readers, u)
	}
	for _, said := range c.leaves {
		who, readers, _ := strings.Cut(said, ":")
		env, u, err := c.member(all, who, "leaf")
		if err != nil {
			return nil, err
		}
		leaf := natsconf.Leaf{User: u}
		if readers != "" {
			leaf.Readers = strings.Split(readers, ",")
		}
		env.Leaves = append(env.Leaves, leaf)
	}
	return all, nil
}

// member reads ENVIRONMENT/NAME=CREDENTIAL.
func (c *natsConfig) member(all []natsconf.Environment, said, setting string) (*natsconf.Environment, natsconf.User, error) {
	name, rest, ok := strings.Cut(said, "/")
	switch {
	case !ok && len(all) == 1:
		name, rest = all[0].Name, said
	case !ok:
		return nil, natsconf.User{}, fmt.Errorf("--%s %s: of which environment? write it as ENVIRONMENT/NAME=CREDENTIAL", setting, nameOf(said))
	}
	i := slices.IndexFunc(all, func(e natsconf.Environment) bool { return e.Name == name })
	if i < 0 {
		return nil, natsconf.User{}, fmt.Errorf("--%s %s: environment %q is not among --environments", setting, nameOf(said), name)
	}
	u, err := natsUser(rest, setting)
	return &all[i], u, err
}

func natsUsers(said []string, setting string) (all []natsconf.User, err error) {
	for _, s := range said {
		u, err := natsUser(s, setting)
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

func natsUser(said, setting string) (natsconf.User, error) {
	name, key, ok := strings.Cut(said, "=")
	if !ok {
		// What was given is not shown: it may be a credential.
		return natsconf.User{}, fmt.Errorf("--%s is written NAME=CREDENTIAL", setting)
	}
	return natsconf.User{Name: name, Key: key}, nil
}

// nameOf leaves the credential out.
func nameOf(said string) string {
	name, _, _ := strings.Cut(said, "=")
	return name
}
