package jsontree

import "testing"

func TestVocabularyStaysAsItIs(t *testing.T) {
	before := vocabulary
	if _, _, ok := Decode([]byte(`{"": "", "mine": "yours", "on": ["if", "or", "else"], "b": {"": ["", "abcdefghijkl"]}}`)); !ok {
		t.Fatal("cannot be decoded")
	}
	if vocabulary != before {
		t.Error("a decoder changed what all decoders share")
	}
}
