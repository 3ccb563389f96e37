package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/test/compare/workload"
	"github.com/flagline/flagline/test/server/wire"
)

// A meaning is what an answer says about each flag, however it is written.
type meaning map[string]decision

// A decision is what was decided about one flag.
type decision struct {
	Value    any            `json:"value"`
	Key      string         `json:"key"`
	Reason   string         `json:"reason"`
	Variant  string         `json:"variant"`
	Code     string         `json:"errorCode"`
	Metadata map[string]any `json:"metadata"`
}

func of(d decision) meaning {
	if len(d.Metadata) == 0 {
		d.Metadata = nil // an empty object says what none says
	}
	return meaning{d.Key: d}
}

// resolved is what all answers of RPC have.
type resolved interface {
	GetReason() string
	GetVariant() string
	GetMetadata() *structpb.Struct
}

func rpcMeaning(key string, value any, r resolved, err error) (meaning, error) {
	return of(decision{
		Key: key, Value: value, Reason: r.GetReason(), Variant: r.GetVariant(), Metadata: r.GetMetadata().AsMap(),
	}), err
}

func readBoolean(body []byte) (meaning, error) {
	var r evaluationv1.ResolveBooleanResponse
	err := proto.Unmarshal(body, &r)
	return rpcMeaning(static.Key, r.GetValue(), &r, err)
}

func readText(body []byte) (meaning, error) {
	var r evaluationv1.ResolveStringResponse
	err := proto.Unmarshal(body, &r)
	return rpcMeaning(endswith.Key, r.GetValue(), &r, err)
}

func readConnect(body []byte) (meaning, error) {
	var r evaluationv1.ResolveBooleanResponse
	err := protojson.Unmarshal(body, &r)
	return rpcMeaning(static.Key, r.GetValue(), &r, err)
}

func readSingle(body []byte) (meaning, error) {
	var d decision
	err := json.Unmarshal(body, &d)
	return of(d), err
}

func readAll(body []byte) (meaning, error) {
	var all struct{ Flags []decision }
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	m := make(meaning, len(all.Flags))
	for _, d := range all.Flags {
		if _, twice := m[d.Key]; twice {
			return nil, fmt.Errorf("flag %q is answered twice", d.Key)
		}
		m[d.Key] = of(d)[d.Key]
	}
	return m, nil
}

// crowd is how many subjects the answers are compared for.
const crowd = 25

// agree returns an error if two servers answer a question of k differently, and
// the size of the answer that is timed, of the last of them.
func (k kind) agree(ctx context.Context, servers []*server) (timed []byte, err error) {
	subjects := []map[string]any{workload.Hit(endswith, 0).Attributes(workload.Few)}
	for i := range crowd {
		subjects = append(subjects, workload.NewSubject(i).Attributes(workload.Few))
	}
	for i, subject := range subjects {
		var want meaning
		for _, s := range servers {
			body, err := k.once(ctx, s, subject)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			got, err := k.read(body)
			if err != nil {
				return nil, fmt.Errorf("%s: %w in %.200q", s.name, err, body)
			}
			if want == nil {
				want = got
			}
			if key, differ := difference(want, got); differ {
				return nil, fmt.Errorf("flag %q for %v: %s answers %+v, %s %+v",
					key, subject, s.name, got[key], servers[0].name, want[key])
			}
			if i == 0 {
				timed = body
			}
		}
	}
	return timed, nil
}

// difference is the flag about which two answers differ, if there is one.
func difference(a, b meaning) (key string, differ bool) {
	for key := range b {
		if _, ok := a[key]; !ok {
			return key, true
		}
	}
	for key, of := range a {
		if !reflect.DeepEqual(of, b[key]) {
			return key, true
		}
	}
	return "", false
}

// once asks once, on a connection of its own.
func (k kind) once(ctx context.Context, s *server, subject map[string]any) ([]byte, error) {
	q, err := k.ask(subject)
	if err != nil {
		return nil, err
	}
	a, err := askOnce(ctx, k.address(s), &q)
	return a.Body, err
}

func askOnce(ctx context.Context, address string, q *wire.Question) (wire.Answer, error) {
	conn, err := wire.Dial(ctx, address, q)
	if err != nil {
		return wire.Answer{}, err
	}
	defer conn.Close()
	return conn.Ask(0)
}

func (k kind) address(s *server) string {
	if k.rpc {
		return s.rpc
	}
	return s.ofrep
}
