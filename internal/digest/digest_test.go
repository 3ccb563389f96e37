package digest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/flagline/flagline/internal/digest"
)

func TestDigestEqualsThePublishedVectors(t *testing.T) {
	data, err := os.ReadFile("../../schemas/digest-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name    string
			Records []struct {
				Set, Flag, Body string
			}
			Digest string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 10 {
		t.Fatalf("%d vectors, want at least 10", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		var e digest.Environment
		for _, r := range v.Records {
			e = e.With(digest.Record{Set: r.Set, Flag: r.Flag, Body: []byte(r.Body)})
		}
		if got := e.Sum().String(); got != v.Digest {
			t.Errorf("%s: digest %s, want %s", v.Name, got, v.Digest)
		}
	}
}

// After 10,000 random changes the digest is the one of what is left, computed
// anew in another order.
func TestDigestDependsOnTheRecordsAlone(t *testing.T) {
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, seed))
	type id struct{ set, flag string }
	held := make(map[id]string)
	var e digest.Environment
	var before digest.Environment
	var sumBefore digest.Sum
	for i := range 10_000 {
		k := id{[]string{"", "web", "app"}[rng.IntN(3)], fmt.Sprintf("flag-%d", rng.IntN(400))}
		if rng.IntN(50) == 0 {
			k.flag = ""
		}
		r := digest.Record{Set: k.set, Flag: k.flag}
		if rng.IntN(3) == 0 {
			delete(held, k)
		} else {
			r.Body = fmt.Appendf(nil, `{"i":%d}`, i)
			held[k] = string(r.Body)
		}
		if i == 5000 {
			before, sumBefore = e, e.Sum()
		}
		e = e.With(r)
	}

	var scratch []digest.Record
	for k, body := range held { // in Go's random order
		scratch = append(scratch, digest.Record{Set: k.set, Flag: k.flag, Body: []byte(body)})
	}
	if got, want := e.Sum(), (digest.Environment{}).With(scratch...).Sum(); got != want {
		t.Errorf("digest after 10,000 changes is %s, from scratch %s", got, want)
	}
	if before.Sum() != sumBefore {
		t.Error("an old digest changed when new ones were derived from it")
	}
	for k := range held {
		e = e.With(digest.Record{Set: k.set, Flag: k.flag})
	}
	if e.Sum() != (digest.Sum{}) {
		t.Errorf("digest of nothing is %s, want zeros", e.Sum())
	}
}

// Many records at once make what they make one after the other, whatever is
// there already.
func TestRecordsAtOnceMakeWhatTheyMakeOneByOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	var once, oneByOne digest.Environment
	for round := range 200 {
		var records []digest.Record
		for i := range rng.IntN(300) {
			r := digest.Record{Set: []string{"", "web"}[rng.IntN(2)], Flag: fmt.Sprintf("flag-%d", rng.IntN(500))}
			if rng.IntN(3) > 0 {
				r.Body = fmt.Appendf(nil, "%d/%d", round, i)
			}
			records = append(records, r)
		}
		once = once.With(records...)
		for _, r := range records {
			oneByOne = oneByOne.With(r)
		}
		if once.Sum() != oneByOne.Sum() {
			t.Fatalf("round %d: digest %s, one by one %s", round, once.Sum(), oneByOne.Sum())
		}
	}
}

func BenchmarkPut100000(b *testing.B) {
	var records []digest.Record
	for i := range 100_000 {
		records = append(records, digest.Record{Flag: fmt.Sprintf("flag-%d", i), Body: make([]byte, 383)})
	}
	b.ReportAllocs()
	for b.Loop() {
		(digest.Environment{}).With(records...)
	}
}

func BenchmarkChangeOneOf100000(b *testing.B) {
	var records []digest.Record
	for i := range 100_000 {
		records = append(records, digest.Record{Flag: fmt.Sprintf("flag-%d", i), Body: []byte(`{}`)})
	}
	e := (digest.Environment{}).With(records...)
	body := []byte(`{"state":"DISABLED"}`)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.With(digest.Record{Flag: records[i%len(records)].Flag, Body: body})
	}
}
