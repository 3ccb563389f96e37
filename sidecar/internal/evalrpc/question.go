package evalrpc

import (
	"errors"
	"fmt"
	"unicode/utf8"

	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flagline/flagline/internal/jsontree"
	"github.com/flagline/flagline/internal/structwire"
)

// A question is a request about one flag. Those of all types and versions are
// the same.
type question struct {
	key     string
	context map[string]any
}

// Its fields, and that of a request about all flags.
const (
	questionKey     = 1
	questionContext = 2
	everyContext    = 1
)

// every is a request about all flags.
type every struct{ context map[string]any }

// nothing is a request that says nothing, which subscribes to events.
type nothing struct{}

// ReadWire implements [rpc.Request].
func (*nothing) ReadWire(data []byte) error {
	return proto.Unmarshal(data, new(eval.EventStreamRequest))
}

// ReadText implements [rpc.Request].
func (*nothing) ReadText(data []byte) error { return readMessage(data, new(eval.EventStreamRequest)) }

// ReadWire implements [rpc.Request]. What is unusual is left to the library.
func (q *question) ReadWire(data []byte) error {
	key, rest, ok := optionalField(data, questionKey)
	ec, rest, sound := optionalField(rest, questionContext)
	if !ok || !sound || len(rest) > 0 || !utf8.Valid(key) {
		m := new(eval.ResolveBooleanRequest)
		if err := proto.Unmarshal(data, m); err != nil {
			return err
		}
		q.key, q.context = m.GetFlagKey(), m.GetContext().AsMap()
		return nil
	}
	q.key = string(key)
	var err error
	q.context, err = structwire.Read(ec)
	return err
}

// ReadWire implements [rpc.Request].
func (e *every) ReadWire(data []byte) (err error) {
	ec, rest, ok := optionalField(data, everyContext)
	if !ok || len(rest) > 0 {
		m := new(evalv1.ResolveAllRequest)
		err = proto.Unmarshal(data, m)
		e.context = m.GetContext().AsMap()
		return err
	}
	e.context, err = structwire.Read(ec)
	return err
}

// optionalField takes the field with that number off data if it comes next. It
// is not ok if data is mistaken.
func optionalField(data []byte, number byte) (content, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != number<<3|byte(protowire.BytesType) {
		return nil, data, true
	}
	content, n := protowire.ConsumeBytes(data[1:])
	if n < 0 {
		return nil, nil, false
	}
	return content, data[1+n:], true
}

// ReadText implements [rpc.Request]: members go by either of their names, and
// unknown ones are passed over. What is unusual is left to the library.
func (q *question) ReadText(data []byte) error {
	members, ok := object(data)
	if ok {
		for name, value := range members {
			switch name {
			case "flagKey", "flag_key":
				ok = ok && q.key == ""
				q.key, ok = textOf(value, ok)
			case "context":
				q.context, ok = objectOf(value, ok)
			}
		}
	}
	if ok {
		return nil
	}
	m := new(eval.ResolveBooleanRequest)
	if err := readMessage(data, m); err != nil {
		return err
	}
	q.key, q.context = m.GetFlagKey(), m.GetContext().AsMap()
	return nil
}

// ReadText implements [rpc.Request].
func (e *every) ReadText(data []byte) error {
	q := new(question)
	if err := q.ReadText(data); err != nil {
		return err
	}
	e.context = q.context
	return nil
}

func readMessage(data []byte, m proto.Message) error {
	if len(data) == 0 {
		return errors.New("the body is empty; it must be a JSON object")
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	return nil
}

// object reads a JSON object in which nothing is doubtful.
func object(data []byte) (members map[string]any, ok bool) {
	v, unique, ok := jsontree.Decode(data)
	if !ok || !unique || !utf8.Valid(data) {
		return nil, false
	}
	members, ok = v.(map[string]any)
	return members, ok
}

func textOf(v any, before bool) (s string, ok bool) {
	s, ok = v.(string)
	return s, ok && before
}

func objectOf(v any, before bool) (object map[string]any, ok bool) {
	object, ok = v.(map[string]any)
	return object, ok && before
}
