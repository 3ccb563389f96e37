package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/reuse"
)

// What an event stream says; see [Event].
const (
	Ready    = "provider_ready"
	Changed  = "configuration_change"
	Shutdown = "provider_shutdown"
)

var (
	// ErrEnded says that the server ended an event stream without an error.
	ErrEnded = errors.New("the server ended the event stream")

	// ErrNotReached says that there is no connection.
	ErrNotReached = errors.New("it is out of reach")
)

// Events opens an event stream and hands what it says to take, until it ends. The
// error is why it did, and never nil. It waits no longer than patience for a
// connection, and returns [ErrNotReached] if there is none.
func (c *Client) Events(ctx context.Context, patience time.Duration, take func(Event)) error {
	err := c.events(ctx, second, patience, take)
	if status.Code(err) == codes.Unimplemented {
		return c.events(ctx, first, patience, take)
	}
	return err
}

func (c *Client) events(ctx context.Context, v *version, patience time.Duration, take func(Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	impatient := time.AfterFunc(patience, cancel)
	defer impatient.Stop()

	// This is the one call that waits for a connection, and has one made.
	stream, err := c.conn.NewStream(c.outgoing(ctx, nil), &grpc.StreamDesc{ServerStreams: true},
		v.events, grpc.WaitForReady(true))
	if err == nil {
		err = stream.SendMsg(nothing{})
	}
	if err == nil {
		err = stream.CloseSend()
	}
	switch late := !impatient.Stop(); {
	case late:
		return fmt.Errorf("%w: %s", ErrNotReached, strings.TrimPrefix(status.Convert(err).Message(), "latest balancer error: "))
	case stream == nil, err != nil && !errors.Is(err, io.EOF): // io.EOF: why is for the reader to say
		return err
	}
	for {
		var e Event
		if err := stream.RecvMsg(&e); err != nil {
			if errors.Is(err, io.EOF) {
				return ErrEnded
			}
			return err
		}
		if v == second {
			c.asked.Store(second) // whatever the server before knew
		}
		if header, err := stream.Header(); err == nil && len(header[reuse.Header]) == 1 {
			e.Mark = header[reuse.Header][0]
		}
		take(e)
	}
}

// Trust has questions say the mark of the event stream that is listened to, or
// none if that is "": see package reuse. What is asked after it goes to the server
// that is there by then.
func (c *Client) Trust(mark string) {
	if c.lane != nil {
		c.lane.renew()
	}
	if mark == "" {
		c.mark.Store(nil)
		return
	}
	c.mark.Store(&mark)
}
