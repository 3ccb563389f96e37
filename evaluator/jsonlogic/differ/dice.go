package differ

import (
	"math/bits"
	"math/rand/v2"
)

// dice make all choices: from a seed, or from the bytes of a fuzzer until
// there are none left. From then on every throw is 0, so 0 always means the
// plainest choice, with nothing below it.
type dice struct {
	seeded bool
	random rand.PCG
	bytes  []byte
}

// n returns a number from 0 to sides-1.
func (d *dice) n(sides int) int {
	if d.seeded {
		hi, _ := bits.Mul64(d.random.Uint64(), uint64(sides))
		return int(hi)
	}
	if len(d.bytes) == 0 {
		return 0
	}
	v := int(d.bytes[0])
	d.bytes = d.bytes[1:]
	if sides > 256 && len(d.bytes) > 0 {
		v, d.bytes = v<<8|int(d.bytes[0]), d.bytes[1:]
	}
	return v % sides
}

// rarely is true once in so many throws, and never once the bytes are used up.
func (d *dice) rarely(sides int) bool { return d.n(sides) == sides-1 }

// pick returns one of list.
func pick[T any](d *dice, list []T) T { return list[d.n(len(list))] }
