package checker

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Whoever imports what they check believes it.
func TestCheckerKnowsNothingOfOurs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		seen++
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") && path != "github.com/nats-io/nats.go" {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
	if seen < 3 {
		t.Errorf("only %d files were looked at", seen)
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "schemas", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func TestDigestsAreThePublishedOnes(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name, Digest string
			Records      []struct{ Set, Flag, Body string }
		}
	}
	read(t, "digest-vectors.json", &file)
	if len(file.Vectors) == 0 {
		t.Fatal("there are no vectors")
	}
	for _, v := range file.Vectors {
		records := make(map[string][]byte)
		for _, r := range v.Records {
			key := "set." + spell(r.Set)
			if r.Flag != "" {
				key = "flag." + spell(r.Set) + "." + spell(r.Flag)
			}
			records[key] = []byte(r.Body)
		}
		if got := digestOf(records); got != v.Digest {
			t.Errorf("%s: digest %s, want %s", v.Name, got, v.Digest)
		}
	}
}

func TestExamplesAreReadAsPublished(t *testing.T) {
	var file struct {
		Keys           []struct{ Set, Flag, FlagHex, Key string }
		RefusedKeys    []struct{ Key, Why string }
		Texts          []struct{ Text, Header string }
		RecordsDigests []struct {
			Name, Digest string
			Records      []struct {
				Key, Body string
				Removed   bool
			}
		}
		KeysForTests []struct{ PublicHex, ID string }
		Heads        []struct {
			Name, Environment, Body, Signed string
			SignedBy                        []string
			More                            bool
		}
		RefusedHeads []struct{ Why, Body string }
	}
	read(t, "protocol-vectors.json", &file)
	for _, k := range file.Keys {
		wanted, _ := hex.DecodeString(k.FlagHex)
		if set, flag, ok := parseKey(k.Key); !ok || set != k.Set || flag != k.Flag+string(wanted) {
			t.Errorf("key %q is read as %q, %q, %v", k.Key, set, flag, ok)
		}
	}
	for _, k := range file.RefusedKeys {
		if set, flag, ok := parseKey(k.Key); ok {
			t.Errorf("key %q is read as %q, %q: %s", k.Key, set, flag, k.Why)
		}
	}
	for _, x := range file.Texts {
		if got := decodeText(x.Header); got != x.Text {
			t.Errorf("text %q is read as %q, want %q", x.Header, got, x.Text)
		}
	}
	for _, d := range file.RecordsDigests {
		var records []Record
		for _, r := range d.Records {
			records = append(records, Record{r.Key, []byte(r.Body)})
			if r.Removed {
				records[len(records)-1].Body = nil
			}
		}
		if got := recordsDigest(records); got != d.Digest {
			t.Errorf("%s: the records add up to %s, want %s", d.Name, got, d.Digest)
		}
	}
	keys := make(map[string]ed25519.PublicKey)
	for _, k := range file.KeysForTests {
		public, err := hex.DecodeString(k.PublicHex)
		if err != nil {
			t.Fatal(err)
		}
		if keys[k.ID] = public; keyID(public) != k.ID {
			t.Errorf("key %s has the id %s", k.ID, keyID(public))
		}
	}
	for _, x := range file.Heads {
		h, err := parseHead([]byte(x.Body))
		if err != nil || h.More != x.More || !h.More && string(signedBytes(x.Environment, h)) != x.Signed {
			t.Errorf("head %q is read as %+v, %v", x.Name, h, err)
		}
		for _, id := range x.SignedBy {
			if !signed(x.Environment, h, []ed25519.PublicKey{keys[id]}) {
				t.Errorf("head %q: no signature by %s is found", x.Name, id)
			}
		}
	}
	for _, x := range file.RefusedHeads {
		if h, err := parseHead([]byte(x.Body)); err == nil {
			t.Errorf("head with %s is read as %+v", x.Why, h)
		}
	}
}
