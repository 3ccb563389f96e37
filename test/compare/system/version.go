package system

import "github.com/twmb/murmur3"

// A version is what a plain semantic version consists of.
type version [3]int

// parse reads versions of three numbers, without a check: no others occur.
func parse(text string) (v version) {
	part := 0
	for i := range len(text) {
		if text[i] == '.' {
			part++
			continue
		}
		v[part] = v[part]*10 + int(text[i]-'0')
	}
	return v
}

// laterOrSame says whether text is the version v or a later one.
func laterOrSame(text string, v version) bool {
	got := parse(text)
	for i := range got {
		if got[i] != v[i] {
			return got[i] > v[i]
		}
	}
	return true
}

// bucket is the per cent of flag that subject is in, as flagd computes it.
func bucket(flag, subject string) int {
	var buffer [64]byte
	both := append(append(buffer[:0], flag...), subject...)
	return int(uint64(murmur3.Sum32(both)) * 100 >> 32)
}
