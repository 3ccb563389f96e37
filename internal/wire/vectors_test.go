package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"testing"

	"github.com/flagline/flagline/internal/wire"
)

// vectors are the published examples of the protocol.
type vectors struct {
	Names []struct {
		Environment, Stream, Subjects, Head, Changes, Beacon string
		GetHead, GetLog, GetBase                             string
		BaseStream, BaseIndex, BaseChunk0                    string
		Fleet                                                map[string]string
	}
	RefusedEnvironments []string
	Keys                []struct{ Set, Flag, FlagHex, Key string }
	RefusedKeys         []struct{ Key, Why string }
	Texts               []struct{ Text, Header string }
	RecordsDigests      []struct {
		Name, Digest string
		Records      []struct {
			Key, Body string
			Removed   bool
		}
	}
	Heads, Beacons []struct {
		Name, Environment, Body, Signed string
		More                            bool
	}
	RefusedHeads, RefusedBeacons, RefusedBaseIndexes []struct{ Why, Body string }
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("../../schemas/protocol-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int{
		"names": len(v.Names), "refused environments": len(v.RefusedEnvironments), "keys": len(v.Keys), "refused keys": len(v.RefusedKeys),
		"texts": len(v.Texts), "digests of records": len(v.RecordsDigests), "heads": len(v.Heads), "refused heads": len(v.RefusedHeads),
		"beacons": len(v.Beacons), "refused beacons": len(v.RefusedBeacons), "refused base indexes": len(v.RefusedBaseIndexes),
	} {
		if n == 0 {
			t.Fatalf("there are no examples of %s", what)
		}
	}
	return v
}

func TestNamesAreThePublishedOnes(t *testing.T) {
	v := readVectors(t)
	for _, n := range v.Names {
		env, err := wire.ParseEnvironment(n.Environment)
		if err != nil {
			t.Fatal(err)
		}
		for want, got := range map[string]string{
			n.Stream: env.Stream(), n.Subjects: env.Subjects(), n.Head: env.Subject(wire.HeadKey),
			n.Changes: env.Changes(), n.Beacon: env.Beacon(), n.GetHead: env.GetHead(), n.GetLog: env.GetLog(), n.GetBase: env.GetBase(),
			n.BaseStream: env.BaseStream(), n.BaseIndex: env.Base(wire.BaseIndexPart), n.BaseChunk0: env.Base(wire.BaseChunkPart(0)),
		} {
			if got != want {
				t.Errorf("environment %s: got %q, want %q", env, got, want)
			}
		}
		for instance, want := range n.Fleet {
			if got := env.Fleet(instance); got != want {
				t.Errorf("instance %q reports to %q, want %q", instance, got, want)
			}
		}
	}
	for _, name := range v.RefusedEnvironments {
		if _, err := wire.ParseEnvironment(name); err == nil {
			t.Errorf("environment %q is not refused", name)
		}
	}
}

func TestKeysAndTextsAreSpeltAsPublished(t *testing.T) {
	v := readVectors(t)
	for _, k := range v.Keys {
		flag, err := hex.DecodeString(k.FlagHex)
		if err != nil {
			t.Fatal(err)
		}
		key := wire.Key{Set: k.Set, Flag: k.Flag + string(flag)}
		if got := key.String(); got != k.Key {
			t.Errorf("%+v is spelt %q, want %q", key, got, k.Key)
		}
		if got, err := wire.ParseKey(k.Key); err != nil || got != key {
			t.Errorf("ParseKey(%q) = %+v, %v; want %+v", k.Key, got, err, key)
		}
	}
	for _, k := range v.RefusedKeys {
		if got, err := wire.ParseKey(k.Key); err == nil {
			t.Errorf("ParseKey(%q) = %+v; want it refused: %s", k.Key, got, k.Why)
		}
	}
	for _, x := range v.Texts {
		if got := wire.EncodeText(x.Text); got != x.Header {
			t.Errorf("%q is written %q, want %q", x.Text, got, x.Header)
		}
		if got := wire.DecodeText(x.Header); got != x.Text {
			t.Errorf("%q is read as %q, want %q", x.Header, got, x.Text)
		}
	}
}

func TestRecordsAddUpAsPublished(t *testing.T) {
	for _, d := range readVectors(t).RecordsDigests {
		got := wire.RecordsDigest(func(yield func(string, []byte) bool) {
			for _, r := range d.Records {
				body := []byte(r.Body)
				if r.Removed {
					body = nil
				}
				if !yield(r.Key, body) {
					return
				}
			}
		})
		if got != d.Digest {
			t.Errorf("%s: %s, want %s", d.Name, got, d.Digest)
		}
	}
}

func TestWhatIsSignedIsAsPublished(t *testing.T) {
	v := readVectors(t)
	for _, x := range v.Heads {
		h, err := wire.ParseHead([]byte(x.Body))
		switch {
		case err != nil || h.More != x.More:
			t.Errorf("head %q is read as %+v, %v", x.Name, h, err)
		case h.More:
		case string(h.Signed(wire.Environment(x.Environment))) != x.Signed:
			t.Errorf("of head %q are signed\n%s\nwant\n%s", x.Name, h.Signed(wire.Environment(x.Environment)), x.Signed)
		}
		sameMembers(t, h, x.Body)
	}
	for _, x := range v.Beacons {
		b, err := wire.ParseBeacon([]byte(x.Body))
		if err != nil || string(b.Signed(wire.Environment(x.Environment))) != x.Signed {
			t.Errorf("beacon %q is read as %+v, %v; signed are\n%s\nwant\n%s",
				x.Name, b, err, b.Signed(wire.Environment(x.Environment)), x.Signed)
		}
		sameMembers(t, b, x.Body)
	}
}

// sameMembers checks that what was read, written again, says the same.
func sameMembers(t *testing.T, read interface{ Marshal() ([]byte, error) }, body string) {
	t.Helper()
	again, err := read.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]json.RawMessage
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(got, want, func(a, b json.RawMessage) bool { return string(a) == string(b) || a[0] == '{' }) {
		t.Errorf("%s became %s", body, again)
	}
}

func TestWhatIsPublishedAsWrongIsRefused(t *testing.T) {
	v := readVectors(t)
	for _, x := range v.RefusedHeads {
		if h, err := wire.ParseHead([]byte(x.Body)); err == nil {
			t.Errorf("head with %s is read as %+v", x.Why, h)
		}
	}
	for _, x := range v.RefusedBeacons {
		if b, err := wire.ParseBeacon([]byte(x.Body)); err == nil {
			t.Errorf("beacon with %s is read as %+v", x.Why, b)
		}
	}
	for _, x := range v.RefusedBaseIndexes {
		if b, err := wire.ParseBaseIndex([]byte(x.Body)); err == nil {
			t.Errorf("base index with %s is read as %+v", x.Why, b)
		}
	}
}
