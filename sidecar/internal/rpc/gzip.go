package rpc

import (
	"io"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/gzip"
)

// WithGzip has requests and answers compressed, as connect-go does by itself,
// but for requests that turn out longer than longest bytes: connect-go would go on
// to their end to tell how long they are, and the end may be gigabytes away. 0 is
// without limit.
func WithGzip(longest int) connect.HandlerOption {
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return &inflater{longest: longest} },
		func() connect.Compressor {
			z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
			if err != nil {
				return gzip.NewWriter(io.Discard) // unreachable: there is such a level
			}
			return z
		},
	)
}

// An inflater reads no more than it takes to see that there is too much.
type inflater struct {
	gzip.Reader

	longest, left int
}

// Reset begins with another message.
func (i *inflater) Reset(from io.Reader) error {
	i.left = i.longest + 1
	return i.Reader.Reset(from)
}

func (i *inflater) Read(p []byte) (int, error) {
	if i.longest == 0 {
		return i.Reader.Read(p)
	}
	if i.left == 0 {
		return 0, io.EOF
	}
	n, err := i.Reader.Read(p[:min(len(p), i.left)])
	i.left -= n
	return n, err
}
