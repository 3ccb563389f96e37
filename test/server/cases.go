package main

import (
	"encoding/json"
	"fmt"

	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/test/compare/workload"
	"github.com/flagline/flagline/test/server/wire"
)

// A kind is what a case asks about all subjects that it is checked with.
type kind struct {
	name  string
	flags int    // in the document
	floor string // who answers the same with a constant
	rpc   bool   // it goes to the port of RPC, not to that of OFREP

	ask  func(subject map[string]any) (wire.Question, error)
	read func(body []byte) (meaning, error)

	fresh     bool // with another subject each time
	unchanged bool // who asks names the tag of the answer
}

const (
	small = 100
	big   = 1000

	service = "/flagd.evaluation.v1.Service/"
)

// kinds are all of them. The subject of a static flag is nobody.
func (s settings) kinds() []kind {
	list := []kind{
		{name: "gRPC, static", flags: big, floor: grpcgo, rpc: true, ask: askBoolean, read: readBoolean},
		{name: "gRPC, endswith", flags: big, floor: grpcgo, rpc: true, ask: askText, read: readText, fresh: true},
		{name: "Connect JSON, static", flags: big, floor: connect, rpc: true, ask: askConnect, read: readConnect},
		{name: "OFREP, static", flags: big, floor: nethttp, ask: askStatic, read: readSingle},
		{name: "OFREP, endswith", flags: big, floor: nethttp, ask: askEndswith, read: readSingle, fresh: true},
	}
	for _, n := range []int{small, big} {
		name := "OFREP, all of " + number(float64(n)) + ", "
		all := kind{flags: n, floor: nethttp, ask: askAll, read: readAll}
		fresh, same, unchanged := all, all, all
		fresh.name, fresh.fresh = name+"fresh", true
		same.name = name + "same"
		unchanged.name, unchanged.unchanged = name+"unchanged", true
		list = append(list, fresh, same, unchanged)
	}
	return list
}

// hit is the subject who matches the rule of endswith, with a place for a number
// if there is a fresh one each time.
func (k kind) hit() map[string]any {
	subject := workload.Hit(endswith, 0)
	if k.fresh {
		subject.TargetingKey = "user-" + wire.Placeholder
	}
	return subject.Attributes(workload.Few)
}

func rpcQuestion(procedure string, m proto.Message) (wire.Question, error) {
	body, err := proto.Marshal(m)
	return wire.Question{GRPC: true, Path: service + procedure, Body: body}, err
}

func askBoolean(map[string]any) (wire.Question, error) {
	return rpcQuestion("ResolveBoolean", &evaluationv1.ResolveBooleanRequest{FlagKey: static.Key})
}

func askText(subject map[string]any) (wire.Question, error) {
	described, err := structpb.NewStruct(subject)
	if err != nil {
		return wire.Question{}, err
	}
	return rpcQuestion("ResolveString", &evaluationv1.ResolveStringRequest{FlagKey: endswith.Key, Context: described})
}

func askConnect(map[string]any) (wire.Question, error) {
	return wire.Question{Path: service + "ResolveBoolean", Body: fmt.Appendf(nil, `{"flagKey":%q}`, static.Key)}, nil
}

const ofrepPath = "/ofrep/v1/evaluate/flags"

func ofrepQuestion(key string, subject map[string]any) wire.Question {
	body, err := json.Marshal(map[string]any{"context": subject})
	if subject == nil || err != nil { // a subject of texts does not fail
		body = []byte(`{"context":{}}`)
	}
	return wire.Question{Path: ofrepPath + "/" + key, Body: body}
}

func askStatic(map[string]any) (wire.Question, error) { return ofrepQuestion(static.Key, nil), nil }

func askEndswith(subject map[string]any) (wire.Question, error) {
	return ofrepQuestion(endswith.Key, subject), nil
}

func askAll(subject map[string]any) (wire.Question, error) {
	q := ofrepQuestion("", subject)
	q.Path = ofrepPath
	return q, nil
}
