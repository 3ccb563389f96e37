package ledger_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/wire"
)

// The connection breaks when the acknowledgement of a change comes back: the
// change is stored, and the publisher cannot know it. It asks, and neither
// loses the change nor makes it twice.
func TestLostAcknowledgementIsResolved(t *testing.T) {
	server := natstest.Start(t)
	link := natstest.NewLink(t, server)
	l := open(t, natstest.PublisherOver(t, server, link))
	for _, text := range []string{"Nats-Batch-Commit", "Nats-Batch-Sequence: 1"} {
		t.Run(text, func(t *testing.T) {
			before := l.State().Generation()
			link.LoseAnswerTo(text)
			c := commit(t, l, put("a", fmt.Sprintf(`{"after":%d}`, before)))
			if c.ID == "" || c.Generation != before+1 {
				t.Errorf("change is %+v, want generation %d", c, before+1)
			}
			again := open(t, natstest.Publisher(t, server))
			history, err := again.History(t.Context(), admin.HistoryQuery{Key: "a", Limit: 1})
			if err != nil || len(history) != 1 || history[0].ID != c.ID || again.State().Generation() != before+1 {
				t.Errorf("the log ends with %+v at generation %d, %v; want the change once", history, again.State().Generation(), err)
			}
		})
	}
}

func TestOutcomeThatNobodyTellsIsCalledUnknown(t *testing.T) {
	t.Parallel() // it only waits
	if testing.Short() {
		t.Skip("waits as long as a publisher waits for an election")
	}
	server := natstest.Start(t)
	link := natstest.NewLink(t, server)
	l := open(t, natstest.PublisherOver(t, server, link))
	cut := func(admin.State) ([]admin.Edit, error) {
		link.Cut()
		return []admin.Edit{{Key: "a", Body: []byte(`{}`)}}, nil
	}
	_, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: cut})
	if unknown, ok := errors.AsType[*admin.UnknownOutcomeError](err); !ok || unknown.Change == "" {
		t.Errorf("Commit gives %v, want an unknown outcome with the id of the change", err)
	}
}

// abandon publishes the first part of a change, and nothing after it.
func abandon(t *testing.T, nc *nats.Conn, on uint64, digest string, at time.Time) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "KV_flags-test")
	if err != nil {
		t.Fatal(err)
	}
	last := stream.CachedInfo().State.LastSeq
	_, now, err := lastHead(t, stream)
	if err != nil {
		t.Fatal(err)
	}
	head := now
	head.Generation, head.Parent, head.Change, head.Part, head.More, head.Time = on+1, digest, "abandoned", 1, true, at
	head.Digest, head.Flags = "", 0
	body, err := head.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var msgs []*nats.Msg
	for i := range 5 {
		msg := nats.NewMsg("$KV.flags-test.flag.=.half-" + strconv.Itoa(i))
		msg.Data = []byte(`{}`)
		msgs = append(msgs, msg)
	}
	gone := nats.NewMsg("$KV.flags-test.flag.=.a")
	gone.Header.Set("KV-Operation", "DEL")
	closing := nats.NewMsg("$KV.flags-test.head")
	closing.Data = body
	closing.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	if _, err := jetstreamext.PublishMsgBatch(t.Context(), js, append(msgs, gone, closing)); err != nil {
		t.Fatal(err)
	}
}

func lastHead(t *testing.T, stream jetstream.Stream) (uint64, wire.Head, error) {
	t.Helper()
	msg, err := stream.GetLastMsgForSubject(t.Context(), "$KV.flags-test.head")
	if err != nil {
		return 0, wire.Head{}, err
	}
	h, err := wire.ParseHead(msg.Data)
	return msg.Sequence, h, err
}

func TestPartsOfADeadPublisherArePutBack(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l, err := ledger.Open(t.Context(), nc, ledger.Config{Environment: natstest.Environment, AbandonedAfter: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, l, put("a", `{"v":1}`))
	before := l.State()
	abandon(t, nc, before.Generation(), before.Digest(), time.Now())

	// Whoever starts now sees the state before the parts; whoever publishes
	// puts it back first.
	commit(t, l, put("b", `{}`))
	for _, l := range []interface{ State() admin.State }{l, open(t, nc)} {
		a, _ := l.State().Flag("", "a")
		if flags := l.State().Flags(); len(flags) != 2 || string(a.Body) != `{"v":1}` {
			t.Errorf("flags are %v", flags)
		}
	}
	h, err := l.History(t.Context(), admin.HistoryQuery{})
	if err != nil || len(h) != 4 || h[1].Reason != "put back what change abandoned left unfinished" || h[1].Digest != before.Digest() {
		t.Errorf("history is %+v, %v", h, err)
	}
}

func TestPartsOfALivingPublisherAreRespected(t *testing.T) {
	t.Parallel() // it only waits
	if testing.Short() {
		t.Skip("waits as long as a publisher waits for another one")
	}
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	commit(t, l, put("a", `{"v":1}`))
	abandon(t, nc, l.State().Generation(), l.State().Digest(), time.Now())
	_, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: put("b", `{}`)})
	if _, ok := errors.AsType[*admin.UnavailableError](err); !ok {
		t.Errorf("Commit gives %v, want it to be unavailable while parts are younger than a minute", err)
	}
}

func TestExpectedGenerationMustStand(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	commit(t, l, put("a", `{}`))
	_, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Expect: 1, Plan: put("a", `{"v":2}`)})
	if conflict, ok := errors.AsType[*admin.ConflictError](err); !ok || conflict.Generation != 2 || conflict.Expected != 1 {
		t.Errorf("Commit gives %v, want a conflict between generations 1 and 2", err)
	}
	if _, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Expect: 2, Plan: put("a", `{"v":2}`)}); err != nil {
		t.Error(err)
	}
}

func TestPreviewPublishesNothing(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	c, err := l.Preview(t.Context(), admin.Draft{Author: "ada", Plan: put("a", `{}`)})
	if err != nil || c.ID != "" || c.Generation != 2 || len(c.Flags) != 1 {
		t.Errorf("Preview gives %+v, %v", c, err)
	}
	if l.State().Generation() != 1 {
		t.Errorf("generation %d after a preview, want 1", l.State().Generation())
	}
}

func TestWhatNoReaderCouldTakeIsRefused(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	for name, edit := range map[string]admin.Edit{
		"no key":    {Body: []byte(`{}`)},
		"not JSON":  {Key: "a", Body: []byte(`{`)},
		"too large": {Key: "a", Body: []byte(`"` + string(make([]byte, 1_000_000)) + `"`)},
	} {
		_, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: func(admin.State) ([]admin.Edit, error) {
			return []admin.Edit{edit}, nil
		}})
		if _, ok := errors.AsType[*admin.UsageError](err); !ok {
			t.Errorf("%s: Commit gives %v, want a usage error", name, err)
		}
	}
	if _, err := l.Commit(t.Context(), admin.Draft{Plan: put("a", `{}`)}); err == nil {
		t.Error("a change without an author is made")
	}
}
