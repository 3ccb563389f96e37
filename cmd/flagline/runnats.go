package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/nats-io/nkeys"
)

// runNATS runs the NATS server alone, until ctx is done.
func runNATS(ctx context.Context, dataDir, listen string, environments []string, logger *slog.Logger, out io.Writer) error {
	server, forget, err := startNATS(ctx, dataDir, listen, environments, logger)
	if err != nil {
		return err
	}
	defer server.Close()
	defer forget()
	if _, err := fmt.Fprintf(out, "NATS listens on %s; the publisher's credential is %s\n", server.URL(), server.PublisherFile()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func parseSeed(seed []byte) (nkeys.KeyPair, error) {
	return nkeys.ParseDecoratedUserNKey(bytes.TrimSpace(seed))
}
