package signing_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
)

// A pair is a key in files, as a control plane and its readers have it.
type pair struct{ secret, trusted string }

func newPair(t *testing.T, emergency bool) pair {
	t.Helper()
	secret, line, err := signing.NewKey(emergency)
	if err != nil {
		t.Fatal(err)
	}
	return pair{write(t, string(secret)), line}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func signer(t *testing.T, pairs ...pair) *signing.Signer {
	t.Helper()
	var files []string
	for _, p := range pairs {
		files = append(files, p.secret)
	}
	s, err := signing.ReadSigner(files...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func trust(t *testing.T, pairs ...pair) *signing.Trust {
	t.Helper()
	lines := "# the keys of prod\n\n"
	for _, p := range pairs {
		lines += p.trusted + "\n"
	}
	tr, err := signing.ReadTrust(write(t, lines))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestOnlyTrustedKeysCount(t *testing.T) {
	old, next, stranger, glass := newPair(t, false), newPair(t, false), newPair(t, false), newPair(t, true)
	message := []byte("flagline head 1")
	for name, c := range map[string]struct {
		signatures []wire.Signature
		trust      *signing.Trust
		ok, loud   bool
	}{
		"the key":                        {signer(t, old).Sign(message), trust(t, old), true, false},
		"another key":                    {signer(t, stranger).Sign(message), trust(t, old), false, false},
		"no key":                         {nil, trust(t, old), false, false},
		"both, before the readers know":  {signer(t, old, next).Sign(message), trust(t, old), true, false},
		"both, after they know":          {signer(t, old, next).Sign(message), trust(t, old, next), true, false},
		"the new one, to whom it is new": {signer(t, next).Sign(message), trust(t, old), false, false},
		"the emergency key":              {signer(t, glass).Sign(message), trust(t, old, glass), true, true},
		"the emergency key and another":  {signer(t, glass, old).Sign(message), trust(t, old, glass), true, false},
		"another message":                {signer(t, old).Sign([]byte("other")), trust(t, old), false, false},
		"nobody asks":                    {nil, nil, true, false},
	} {
		loud, err := c.trust.Verify(message, c.signatures)
		if (err == nil) != c.ok || loud != c.loud {
			t.Errorf("%s: emergency %v, error %v; want ok %v, emergency %v", name, loud, err, c.ok, c.loud)
		}
	}
}

func TestASignatureUnderAnothersNameDoesNotCount(t *testing.T) {
	mine, theirs := newPair(t, false), newPair(t, false)
	forged := signer(t, theirs).Sign([]byte("m"))
	forged[0].Key = signer(t, mine).Sign([]byte("m"))[0].Key
	if _, err := trust(t, mine).Verify([]byte("m"), forged); err == nil {
		t.Error("a signature by another key counts under the name of a trusted one")
	}
	forged[0].Value = nil
	if _, err := trust(t, mine).Verify([]byte("m"), forged); err == nil {
		t.Error("an empty signature counts")
	}
}

func TestKeysThatAreNoneAreRefusedWithTheirPlace(t *testing.T) {
	good := newPair(t, false)
	for want, text := range map[string]string{
		"line 2: write a key as": good.trusted + "\nrsa AAAA\n",
		"line 1: the key is not": "ed25519 AAAA\n",
		"line 1: write a key":    good.trusted[:len("ed25519 ")+44] + " trusted",
		"there are none":         "# nothing\n",
	} {
		if _, err := signing.ReadTrust(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadTrust of %q gives %v, want something about %q", text, err, want)
		}
	}
	for want, text := range map[string]string{
		"first line":  "nothing",
		"second line": "flagline signing key 1\nAAAA\n",
	} {
		if _, err := signing.ReadSigner(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadSigner of %q gives %v, want something about %q", text, err, want)
		}
	}
	if s, err := signing.ReadSigner(); s != nil || err != nil || s.Sign([]byte("m")) != nil {
		t.Errorf("no files give %v, %v; want a signer that signs nothing", s, err)
	}
}
