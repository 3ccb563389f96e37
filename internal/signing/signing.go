// Package signing makes and checks the signatures of the protocol: Ed25519
// (RFC 8032), by the control plane's keys for an environment, over heads and
// beacons.
//
// With it, whoever holds credentials for the broker can still not change,
// replay or reorder flags: readers that trust certain keys take nothing that
// none of them signed. A key is replaced by signing with both, the old one and
// the new one, until every reader trusts the new one.
package signing

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/flagline/flagline/internal/wire"
)

// secretHeader opens the file of a signing key; its seed follows on the next
// line, in base64.
const secretHeader = "flagline signing key 1"

// keyType opens the line of a trusted key; the public key follows, in base64,
// and then perhaps the word breakGlass.
const (
	keyType    = "ed25519"
	breakGlass = "break-glass"
)

// KeyID is the name of a key in signatures: the first 16 hexadecimal digits of
// the SHA-256 of the public key.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// NewKey makes a key. It returns what to write into the file of a signer, and
// the line for the file of those who shall trust it. emergency marks the key
// as one to be used in an emergency only: readers take it, and say so loudly.
func NewKey(emergency bool) (secret []byte, trusted string, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	secret = fmt.Appendf(nil, "%s\n%s\n", secretHeader, base64.StdEncoding.EncodeToString(private.Seed()))
	trusted = keyType + " " + base64.StdEncoding.EncodeToString(public)
	if emergency {
		trusted += " " + breakGlass
	}
	return secret, trusted + " # " + KeyID(public), nil
}

// A Signer signs with one or more keys. A nil Signer signs nothing.
type Signer struct{ keys []ed25519.PrivateKey }

// ReadSigner reads the keys in files. It returns nil if there are no files.
func ReadSigner(files ...string) (*Signer, error) {
	if len(files) == 0 {
		return nil, nil
	}
	s := &Signer{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("signing key: %w", err)
		}
		key, err := parseSecret(data)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", file, err)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

func parseSecret(data []byte) (ed25519.PrivateKey, error) {
	header, rest, _ := bytes.Cut(data, []byte("\n"))
	if string(bytes.TrimSpace(header)) != secretHeader {
		return nil, fmt.Errorf("its first line is not %q; make a key with \"flagline key new\"", secretHeader)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(rest)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("its second line is not a seed of 32 bytes in base64")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// Sign signs message with every key.
func (s *Signer) Sign(message []byte) []wire.Signature {
	if s == nil {
		return nil
	}
	var all []wire.Signature
	for _, key := range s.keys {
		public, _ := key.Public().(ed25519.PublicKey)
		all = append(all, wire.Signature{Key: KeyID(public), Value: ed25519.Sign(key, message)})
	}
	return all
}

// Trust is the trust in the signer's own keys. It asks for nothing if s is nil.
func (s *Signer) Trust() *Trust {
	if s == nil {
		return nil
	}
	t := &Trust{keys: make(map[string]trusted)}
	for _, key := range s.keys {
		public, _ := key.Public().(ed25519.PublicKey)
		t.keys[KeyID(public)] = trusted{public: public}
	}
	return t
}

// Trust is the keys that a reader trusts. A nil Trust asks for no signature.
type Trust struct{ keys map[string]trusted }

type trusted struct {
	public    ed25519.PublicKey
	emergency bool
}

// ReadTrust reads the keys in file, one in a line: "ed25519", the public key in
// base64, and "break-glass" for a key that is for emergencies. What follows a
// "#" is a comment. It returns nil if file is "".
func ReadTrust(file string) (*Trust, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	t := &Trust{keys: make(map[string]trusted)}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		key, err := parseTrusted(words)
		if err != nil {
			return nil, fmt.Errorf("trusted keys %s: line %d: %w", file, n, err)
		}
		t.keys[KeyID(key.public)] = key
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("trusted keys %s: %w", file, err)
	}
	if len(t.keys) == 0 {
		return nil, fmt.Errorf("trusted keys %s: there are none, so nothing could ever be accepted", file)
	}
	return t, nil
}

func parseTrusted(words []string) (trusted, error) {
	if words[0] != keyType || len(words) < 2 || len(words) > 3 || len(words) == 3 && words[2] != breakGlass {
		return trusted{}, fmt.Errorf("write a key as: %s BASE64 [%s]", keyType, breakGlass)
	}
	public, err := base64.StdEncoding.DecodeString(words[1])
	if err != nil || len(public) != ed25519.PublicKeySize {
		return trusted{}, errors.New("the key is not 32 bytes in base64")
	}
	return trusted{public, len(words) == 3}, nil
}

// Verify says whether one of the trusted keys signed message. emergency is true
// if only a key for emergencies did.
func (t *Trust) Verify(message []byte, signatures []wire.Signature) (emergency bool, err error) {
	if t == nil {
		return false, nil
	}
	if len(signatures) == 0 {
		return false, errors.New("not signed, and this environment is protected")
	}
	var by []string
	for _, s := range signatures {
		key, known := t.keys[s.Key]
		switch {
		case !known:
			by = append(by, s.Key)
		case !ed25519.Verify(key.public, message, s.Value):
			return false, fmt.Errorf("the signature by key %s does not fit", s.Key)
		case !key.emergency:
			return false, nil
		default:
			emergency = true
		}
	}
	if !emergency {
		return false, fmt.Errorf("signed by %s, which is not trusted here", strings.Join(by, " and "))
	}
	return true, nil
}
