package sourcetest_test

import (
	"maps"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestRecorderFollowsUpdates(t *testing.T) {
	r := new(sourcetest.Recorder)
	r.Apply(source.Update{Records: []source.Record{
		{Set: "s", Key: "a", Body: []byte("1")},
		{Set: "s", Key: "b", Body: []byte("1")},
		{Set: "s", Key: "b", Body: []byte("{}"), Settings: true},
	}})
	before := r.State()
	r.Apply(source.Update{Records: []source.Record{{Set: "s", Key: "a"}, {Key: "a", Body: []byte("2")}}})
	want := map[sourcetest.ID]string{
		{Set: "s", Key: "b"}:       "1",
		{Set: "s", Settings: true}: "{}",
		{Key: "a"}:                 "2",
	}
	if got := r.State().Records; !maps.Equal(got, want) {
		t.Errorf("the records are %v, want %v", got, want)
	}
	if len(before.Updates) != 1 || before.Records[sourcetest.ID{Set: "s", Key: "a"}] != "1" {
		t.Errorf("an earlier state changed to %+v", before)
	}

	r.Apply(source.Update{Replace: true, Records: []source.Record{{Key: "c", Body: []byte("3")}}})
	if got := r.State(); len(got.Records) != 1 || len(got.Updates) != 3 {
		t.Errorf("after Replace there are %d records and %d updates, want 1 and 3", len(got.Records), len(got.Updates))
	}
}

func TestRecorderAnswersWhatItIsTold(t *testing.T) {
	rejection := source.Rejection{Key: "a", Reason: "a reason"}
	r := &sourcetest.Recorder{Reject: func(source.Update) []source.Rejection { return []source.Rejection{rejection} }}
	if got := r.Apply(source.Update{}); len(got) != 1 || got[0] != rejection {
		t.Errorf("Apply = %v, want %v", got, rejection)
	}
	if got := new(sourcetest.Recorder).Apply(source.Update{}); got != nil {
		t.Errorf("Apply = %v, want nothing", got)
	}
}

func TestRecorderNotesCallsAtOnce(t *testing.T) {
	r := new(sourcetest.Recorder)
	r.Report(source.Status{})
	if r.Overlapped() {
		t.Error("one call overlaps with itself")
	}
	r.Reject = func(source.Update) []source.Rejection {
		r.Report(source.Status{}) // while Apply is under way
		return nil
	}
	r.Apply(source.Update{})
	if !r.Overlapped() {
		t.Error("two calls at once went unnoticed")
	}
}

func TestAwaitReturnsAtTheCallThatFulfilsIt(t *testing.T) {
	doc, err := flagdoc.Parse([]byte(`{"metadata":{"flagSetId":"s"},"flags":{"a":{},"b":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	r := new(sourcetest.Recorder)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 3 {
			r.Report(source.Status{Confirmed: time.Unix(int64(i), 0)})
		}
		r.Apply(source.Update{Replace: true, Records: doc.Records()})
	}()
	r.Await(t, "the third report", func(s sourcetest.State) bool { return s.Reports == 3 })
	if s := r.AwaitDocument(t, doc); len(s.Updates) != 1 {
		t.Errorf("there were %d updates, want 1", len(s.Updates))
	}
	<-done
}
