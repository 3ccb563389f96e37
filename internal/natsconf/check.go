package natsconf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (s Server) check() error {
	if len(s.Environments) == 0 {
		return errors.New("no environment: there is nothing to hold")
	}
	if len(s.Publishers)+len(s.Operators) == 0 {
		return errors.New("no publisher: nobody could change a flag")
	}
	if s.StoreDir == "" {
		return errors.New("no directory to keep streams in")
	}
	seen := make(roster)
	var errs []error
	for _, u := range slices.Concat(s.Operators, s.Publishers) {
		errs = append(errs, seen.add("", u))
	}
	for _, e := range s.Environments {
		errs = append(errs, seen.addEnvironment(e))
		if s.Anyone != nil && len(e.Readers)+len(e.Leaves) > 0 {
			errs = append(errs, fmt.Errorf("environment %q has readers of its own, where anyone may read", e.Name))
		}
		if len(e.Leaves) > 0 && s.LeafListen == "" {
			errs = append(errs, fmt.Errorf("environment %q has leaf nodes, but nothing listens for them", e.Name))
		}
	}
	if s.Anyone != nil {
		errs = append(errs, seen.add("", *s.Anyone))
		if strings.HasPrefix(s.Anyone.Key, "$") {
			errs = append(errs, errors.New("whoever reads without a credential is known by an NKey, not by a password"))
		}
	}
	errs = append(errs, checkAddress("listen", s.Listen), checkAddress("leaf listen", s.LeafListen))
	if s.Cluster != nil {
		errs = append(errs, s.Cluster.check(s.Name))
	}
	return errors.Join(errs...)
}

func (c Cluster) check(node string) error {
	switch {
	case !isName(c.Name):
		return fmt.Errorf("cluster %q: %s", c.Name, nameRule)
	case node == "":
		return errors.New("a node of a cluster needs a name of its own")
	case c.Listen == "":
		return errors.New("a node of a cluster has to listen for the others")
	case len(c.Routes) == 0:
		return errors.New("a cluster without routes: say where the nodes find each other")
	}
	errs := []error{checkAddress("cluster listen", c.Listen)}
	for _, r := range c.Routes {
		errs = append(errs, checkURL("route", r))
	}
	return errors.Join(errs...)
}

func (e Edge) check() error {
	seen := make(roster)
	errs := []error{seen.addEnvironment(e.Environment), checkAddress("listen", e.Listen)}
	if len(e.Environment.Leaves) > 0 {
		errs = append(errs, errors.New("a leaf node has no leaf nodes of its own"))
	}
	if len(e.Environment.Readers) == 0 {
		errs = append(errs, errors.New("a leaf node without readers"))
	}
	if len(e.Hub) == 0 {
		errs = append(errs, errors.New("a leaf node needs to know where the servers are"))
	}
	for _, u := range e.Hub {
		errs = append(errs, checkURL("hub", u))
	}
	if !isVariable(e.Seed) {
		errs = append(errs, errors.New("seed of a leaf node: name the environment variable that holds it, as $NAME"))
	}
	return errors.Join(errs...)
}
