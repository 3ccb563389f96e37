// Package cluster tries NATS as production runs it: servers in processes of
// their own, alone, as a cluster and behind a leaf node, with readers that want
// to write and with servers that are killed. It consists of tests.
package cluster
