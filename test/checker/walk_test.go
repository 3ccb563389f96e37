package checker

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const environment = "test"

// A writer makes a log as a publisher would.
type writer struct {
	t     *testing.T
	key   ed25519.PrivateKey // nil signs nothing
	log   []message
	state map[string][]byte
	last  head
}

func (w *writer) add(m message) {
	m.seq = uint64(len(w.log) + 1)
	w.log = append(w.log, m)
}

// change publishes records, a head behind each n of them. spoil may change the
// complete head before it is signed.
func (w *writer) change(records []Record, n int, spoil func(*head)) {
	w.t.Helper()
	h := head{
		Incarnation: "one", Epoch: 1, Generation: w.last.Generation + 1, Parent: w.last.Digest, Part: 1,
		Time: "2026-11-20T12:00:00.5Z",
	}
	h.Change = fmt.Sprint("c", h.Generation)
	w.state = apply(w.state, nil)
	for i, r := range records {
		m := message{key: r.Key, body: r.Body}
		w.state = apply(w.state, []message{m})
		w.of(h, m)
		if (i+1)%n == 0 && i+1 < len(records) {
			part := h
			part.More = true
			w.head(part)
			h.Part++
		}
	}
	_, h.Flags = flagsOf(w.state)
	h.Records, h.Digest = recordsDigest(records), digestOf(w.state)
	if spoil != nil {
		spoil(&h)
	}
	if w.key != nil {
		public, _ := w.key.Public().(ed25519.PublicKey)
		h.Signatures = []signature{{Key: keyID(public), Value: ed25519.Sign(w.key, signedBytes(environment, h))}}
	}
	w.head(h)
	w.last = h
}

func (w *writer) head(h head) {
	w.t.Helper()
	body, err := json.Marshal(h)
	if err != nil {
		w.t.Fatal(err)
	}
	w.of(h, message{key: "head", body: body})
}

func (w *writer) of(h head, m message) {
	m.change, m.author, m.generation = h.Change, "ada", fmt.Sprint(h.Generation)
	w.add(m)
}

func put(key, body string) Record { return Record{"flag.=." + key, []byte(body)} }

// four writes four changes, of which the third has two parts and the last takes
// back a stray record: messages 1, 2–3, 4–8, 9–11.
func four(t *testing.T, key ed25519.PrivateKey) *writer {
	w := &writer{t: t, key: key}
	w.change(nil, 9, nil)
	w.change([]Record{put("a", "1")}, 9, nil)
	w.change([]Record{put("b", "1"), put("c", "1"), put("a", "2")}, 2, nil)
	w.add(message{key: "flag.=.a", body: []byte("666")})
	w.change([]Record{put("a", "2")}, 9, nil)
	return w
}

func check(w *writer, o Options) (Result, error) {
	c := walker{environment: environment, options: o, changes: make(map[string]bool)}
	err := c.walk(w.log)
	return c.result, err
}

func TestLogInOrderIsTold(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	r, err := check(four(t, key), Options{Trusted: []ed25519.PublicKey{public}})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, c := range r.Changes {
		told = append(told, fmt.Sprintf("%d %s parts %d records %d ends %d", c.Generation, c.ID, c.Parts, len(c.Records), c.Sequence))
	}
	want := []string{
		"1 c1 parts 1 records 0 ends 1", "2 c2 parts 1 records 1 ends 3",
		"3 c3 parts 2 records 3 ends 8", "4 c4 parts 1 records 1 ends 11",
	}
	if !slices.Equal(told, want) || r.Strays != 1 || string(r.Records["flag.=.a"]) != "2" || len(r.Records) != 3 {
		t.Errorf("the log holds %q, %d strays, and ends with %q", told, r.Strays, r.Records)
	}
}

func TestWhatIsOutOfOrderIsFound(t *testing.T) {
	many := func(n int) (records []Record) {
		for i := range n {
			records = append(records, put(fmt.Sprint(i), "1"))
		}
		return records
	}
	gone := func(records []Record) []Record {
		for i := range records {
			records[i].Body = nil
		}
		return records
	}
	for want, spoil := range map[string]func(w *writer){
		"digest": func(w *writer) { w.log[9].body = []byte("3") },
		"no head closes what stands at message 12 and after it: there is none": func(w *writer) { w.add(message{key: "x"}) },
		"generation 6, closed by message 12: it follows generation 4": func(w *writer) {
			w.change(nil, 9, func(h *head) { h.Generation++ })
		},
		"generation 4 after 4": func(w *writer) { w.change(nil, 9, func(h *head) { h.Generation-- }) },
		"its parent is":        func(w *writer) { w.change(nil, 9, func(h *head) { h.Parent = h.Digest[1:] + "0" }) },
		"epoch 2 after 1":      func(w *writer) { w.change(nil, 9, func(h *head) { h.Epoch++ }) },
		"another incarnation":  func(w *writer) { w.change(nil, 9, func(h *head) { h.Incarnation = "two" }) },
		"protocol 2":           func(w *writer) { w.change(nil, 9, func(h *head) { h.Protocol = 2 }) },
		"2 flags, where":       func(w *writer) { w.change([]Record{{Key: "flag.=.b"}}, 9, func(h *head) { h.Flags = 3 }) },
		"its records add up":   func(w *writer) { w.change([]Record{put("a", "4")}, 9, func(h *head) { h.Records = "" }) },
		"no message is of its change": func(w *writer) {
			w.change(nil, 9, nil)
			w.log[11].change = "other"
		},
		"change c2 was there before": func(w *writer) {
			w.change(nil, 9, func(h *head) { h.Change = "c2" })
			w.log[11].change = "c2"
		},
		"of no change, and change c5 does more": func(w *writer) {
			w.add(message{key: "flag.=.a", body: []byte("666")})
			w.change([]Record{put("a", "7")}, 9, nil)
		},
		"message 13 stands in change c5": func(w *writer) {
			w.change([]Record{put("a", "5"), put("a", "6"), put("b", "5")}, 9, nil)
			w.log[12].change = "other"
		},
		`generation "3"`: func(w *writer) { w.log[9].generation = "3" },
		"is not that of part 1": func(w *writer) {
			w.log[5].body = bytes.Replace(w.log[5].body, []byte(`"part":1`), []byte(`"part":2`), 1)
		},
		"message 12 has the key": func(w *writer) { w.change([]Record{{"flag.=.a=41", []byte("1")}}, 9, nil) },
		"1000 records go with":   func(w *writer) { w.change(many(1000), 1000, nil) },
		"has 1000001 bytes":      func(w *writer) { w.change([]Record{put("a", strings.Repeat("x", 1_000_001))}, 9, nil) },
		`set "" goes from 3 flags to 0`: func(w *writer) {
			w.change([]Record{{Key: "flag.=.a"}, {Key: "flag.=.b"}, {Key: "flag.=.c"}}, 9, nil)
		},
		`set "" goes from 13 flags to 6`: func(w *writer) {
			w.change(many(10), 99, nil)
			w.change(gone(many(7)), 99, nil)
		},
		`set "" is said to shrink in generation 9`: func(w *writer) {
			w.change(nil, 9, func(h *head) { h.Shrunk = map[string]uint64{"": 9} })
		},
	} {
		w := four(t, nil)
		spoil(w)
		if _, err := check(w, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want something about %q", err, want)
		}
	}
}

func TestUnsignedHeadIsFound(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	for what, spoil := range map[string]func(*head){
		"unsigned":  func(*head) {},
		"by nobody": func(h *head) { h.Signatures[0].Key = "0000000000000000" },
		"another":   func(h *head) { h.Generation++ },
	} {
		w := four(t, key)
		var h head
		w.change(nil, 9, nil)
		if err := json.Unmarshal(w.log[11].body, &h); err != nil {
			t.Fatal(err)
		}
		if spoil(&h); what == "unsigned" {
			h.Signatures = nil
		}
		w.log = w.log[:11]
		w.head(h)
		_, err := check(w, Options{Trusted: []ed25519.PublicKey{public}})
		if err == nil || !strings.Contains(err.Error(), "not signed by a trusted key") {
			t.Errorf("%s: the error is %v", what, err)
		}
	}
}

func TestShrinkingThatIsAnnouncedIsInOrder(t *testing.T) {
	w := four(t, nil)
	w.change([]Record{{Key: "flag.=.a"}, {Key: "flag.=.b"}, {Key: "flag.=.c"}}, 9,
		func(h *head) { h.Shrunk = map[string]uint64{"": h.Generation} })
	if _, err := check(w, Options{}); err != nil {
		t.Error(err)
	}
}

func TestReportsAreHeldAgainstTheLog(t *testing.T) {
	log, err := check(four(t, nil), Options{})
	if err != nil {
		t.Fatal(err)
	}
	say := func(instance, incarnation string, generation uint64, digest string, goodbye bool) []byte {
		return fmt.Appendf(nil, `{"instance":%q,"incarnation":%q,"generation":%d,"digest":%q,"state":"applied","ageSeconds":0,`+
			`"time":"2026-11-20T12:00:00Z","goodbye":%v}`, instance, incarnation, generation, digest, goodbye)
	}
	of := func(generation uint64) string { return log.Changes[generation-1].Digest }
	for want, reports := range map[string][][]byte{
		"": {
			say("a", "", 0, "", false), say("a", "one", 2, of(2), false), say("b", "one", 4, of(4), false), say("a", "one", 4, of(4), true),
			say("a", "one", 2, of(2), false), say("a", "two", 1, "unknown", false), say("a", "one", 1, of(1), false),
		},
		"generation 2 after 4":   {say("a", "one", 4, of(4), false), say("a", "one", 2, of(2), false)},
		"no generation 5":        {say("a", "one", 5, of(4), false)},
		"digest":                 {say("a", "one", 3, of(2), false)},
		"is incomplete":          {[]byte(`{"instance":"a","state":"applied"}`)},
		`state "rejected"`:       {bytes.Replace(say("a", "one", 3, of(3), false), []byte("applied"), []byte("rejected"), 1)},
		"report 0: invalid char": {[]byte(`x`)},
	} {
		err := checkReports(reports, log)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want something about %q", err, want)
		}
	}
}
