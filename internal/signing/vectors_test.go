package signing_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
)

// The keys of the published examples sign the published bytes with the published
// signatures, and who trusts one of them takes those.
func TestSignaturesAreThePublishedOnes(t *testing.T) {
	data, err := os.ReadFile("../../schemas/protocol-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		KeysForTests []struct{ SeedHex, PublicHex, ID, TrustedLine string }
		Heads        []example
		Beacons      []example
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.KeysForTests) < 2 || len(v.Heads) == 0 || len(v.Beacons) == 0 {
		t.Fatal("there are too few examples")
	}
	pairs := make(map[string]pair)
	for _, k := range v.KeysForTests {
		seed, err := hex.DecodeString(k.SeedHex)
		if err != nil {
			t.Fatal(err)
		}
		public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		if hex.EncodeToString(public) != k.PublicHex || signing.KeyID(public) != k.ID {
			t.Errorf("key %s has the public half %x and the id %s", k.ID, public, signing.KeyID(public))
		}
		secret := "flagline signing key 1\n" + base64.StdEncoding.EncodeToString(seed) + "\n"
		pairs[k.ID] = pair{write(t, secret), k.TrustedLine}
	}
	for _, x := range slices.Concat(v.Heads, v.Beacons) {
		var carries struct{ Signatures []wire.Signature }
		if err := json.Unmarshal([]byte(x.Body), &carries); err != nil {
			t.Fatal(err)
		}
		if len(carries.Signatures) != len(x.SignedBy) {
			t.Errorf("%q carries %d signatures, want %d", x.Name, len(carries.Signatures), len(x.SignedBy))
			continue
		}
		for i, id := range x.SignedBy {
			got, want := signer(t, pairs[id]).Sign([]byte(x.Signed)), carries.Signatures[i]
			if len(got) != 1 || got[0].Key != want.Key || !bytes.Equal(got[0].Value, want.Value) {
				t.Errorf("%q is signed %+v, want %+v", x.Name, got, want)
			}
			if _, err := trust(t, pairs[id]).Verify([]byte(x.Signed), carries.Signatures); err != nil {
				t.Errorf("%q: %v", x.Name, err)
			}
		}
	}
}

type example struct {
	Name, Body, Signed string
	SignedBy           []string
}
