package evaluator

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/flagline/flagline/internal/jsontree"
)

// A contentHash tells apart flags whose answers may differ: 128 bits of SHA-256.
type contentHash [16]byte

func hashOf(b []byte) contentHash {
	sum := sha256.Sum256(b)
	return contentHash(sum[:len(contentHash{})])
}

// hashContent hashes everything that the answers of f depend on. It writes that
// into scratch first, which it returns to be used again.
func hashContent(f *Flag, rule any, targeted bool, scratch []byte) (contentHash, []byte) {
	b := append(scratch[:0], flags(f.disabled, targeted))
	b = binary.AppendVarint(b, int64(f.fallback))
	b = binary.AppendUvarint(b, uint64(len(f.variants)))
	for _, v := range f.variants {
		b = appendText(b, v.name)
		b = appendValue(b, v.value)
	}
	b = appendValue(b, rule)
	b = appendMembers(b, f.metadata)
	return hashOf(b), b
}

func flags(bits ...bool) (all byte) {
	for i, bit := range bits {
		if bit {
			all |= 1 << i
		}
	}
	return all
}

// appendValue appends decoded JSON so that no two values give the same bytes,
// and a value the same if it is compact.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return append(b, 'b', flags(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 'n'), math.Float64bits(v))
	case string:
		return appendText(append(b, 's'), v)
	case []any:
		b = binary.AppendUvarint(append(b, 'a'), uint64(len(v)))
		for _, element := range v {
			b = appendValue(b, element)
		}
		return b
	case map[string]any:
		return appendMembers(append(b, 'o'), v)
	case *jsontree.Array:
		b = binary.AppendUvarint(append(b, 'a'), uint64(len(v.Elements)))
		for _, element := range v.Elements {
			b = appendValue(b, element)
		}
		return b
	case *jsontree.Object:
		return appendObject(append(b, 'o'), v.Members)
	default:
		return append(b, '0')
	}
}

func appendMembers(b []byte, members map[string]any) []byte {
	b = binary.AppendUvarint(b, uint64(len(members)))
	var few [16]string
	names := few[:0]
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = appendValue(appendText(b, name), members[name])
	}
	return b
}

// appendObject is [appendMembers] for those of a compact object.
func appendObject(b []byte, members []jsontree.Member) []byte {
	b = binary.AppendUvarint(b, uint64(len(members)))
	if len(members) > 1 {
		members = slices.SortedFunc(slices.Values(members), func(m, n jsontree.Member) int { return strings.Compare(m.Name, n.Name) })
	}
	for i := range members {
		b = appendValue(appendText(b, members[i].Name), members[i].Value)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
