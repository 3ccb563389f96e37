package checker

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A head is the record that closes a generation, or a part of one.
type head struct {
	Protocol    int               `json:"protocol"`
	Incarnation string            `json:"incarnation"`
	Epoch       uint64            `json:"epoch"`
	Generation  uint64            `json:"generation"`
	Parent      string            `json:"parent"`
	Change      string            `json:"change"`
	Part        int               `json:"part"`
	More        bool              `json:"more"`
	Records     string            `json:"records"`
	Shrunk      map[string]uint64 `json:"shrunk"`
	Flags       int               `json:"flags"`
	Digest      string            `json:"digest"`
	Time        string            `json:"time"`
	Signatures  []signature       `json:"signatures"`
}

type signature struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

func parseHead(body []byte) (head, error) {
	var h head
	if err := json.Unmarshal(body, &h); err != nil {
		return head{}, err
	}
	if _, err := time.Parse(time.RFC3339Nano, h.Time); err != nil {
		return head{}, err
	}
	switch {
	case h.Incarnation == "" || h.Generation == 0 || h.Change == "" || h.Part < 1:
		return head{}, errors.New("a member is missing")
	case strings.ContainsFunc(h.Incarnation+h.Parent+h.Change+h.Records+h.Digest, unicode.IsControl):
		return head{}, errors.New("a control character")
	case !h.More && len(h.Digest) != 64:
		return head{}, errors.New("no digest")
	}
	return h, nil
}

// signedBytes are what signatures of a head are made over.
func signedBytes(environment string, h head) []byte {
	protocol := h.Protocol
	if protocol == 0 {
		protocol = 1
	}
	lines := []string{
		"flagline head " + fmt.Sprint(protocol), environment, h.Incarnation, fmt.Sprint(h.Epoch), fmt.Sprint(h.Generation),
		h.Parent, h.Change, h.Records, fmt.Sprint(h.Flags), h.Digest, h.Time,
	}
	var sets []string
	for set := range h.Shrunk {
		sets = append(sets, set)
	}
	slices.Sort(sets)
	for _, set := range sets {
		lines = append(lines, fmt.Sprintf("shrunk %s %d", spell(set), h.Shrunk[set]))
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// spell writes the name of a set as it stands in a key.
func spell(set string) string {
	if set == "" {
		return "="
	}
	var token []byte
	for _, b := range []byte(set) {
		if isPlain(string([]byte{b})) {
			token = append(token, b)
		} else {
			token = fmt.Appendf(token, "=%02X", b)
		}
	}
	return string(token)
}

func isPlain(name string) bool {
	plain, ok := parseName(name)
	return ok && plain == name
}

// signed says whether one of the keys signed the head.
func signed(environment string, h head, keys []ed25519.PublicKey) bool {
	for _, key := range keys {
		for _, s := range h.Signatures {
			if s.Key == keyID(key) && ed25519.Verify(key, signedBytes(environment, h), s.Value) {
				return true
			}
		}
	}
	return len(keys) == 0
}

// keyID is the name of a key in signatures.
func keyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])[:16]
}

// recordsDigest adds up the records of a change.
func recordsDigest(records []Record) string {
	var all []byte
	for _, r := range records {
		key := sha256.Sum256([]byte(r.Key))
		var body [32]byte
		if r.Body != nil {
			body = sha256.Sum256(r.Body)
		}
		all = append(append(all, key[:]...), body[:]...)
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:])
}
