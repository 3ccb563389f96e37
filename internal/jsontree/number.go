package jsontree

import "strconv"

// exactDigits are so few that an integer of no more has a float64 of its own.
const exactDigits = 15

// small are the numbers that rules are made of, weights and percentages. They
// do not change.
var small = func() (numbers [256]any) {
	for i := range numbers {
		numbers[i] = float64(i)
	}
	return numbers
}()

func (d *decoder) number() (any, bool) {
	start := d.pos
	n, digits := d.integer()
	if digits > 0 && digits <= exactDigits && !d.goesOn() {
		ok := digits == 1 || d.data[start] != '0'
		if n < uint64(len(small)) {
			return small[n], ok
		}
		return float64(n), ok
	}
	d.pos = start
	if !d.decimal() {
		return nil, false
	}
	f, err := strconv.ParseFloat(string(d.data[start:d.pos]), 64)
	return f, err == nil
}

// integer reads digits. What they mean together it knows only if there are at
// most exactDigits.
func (d *decoder) integer() (n uint64, digits int) {
	start := d.pos
	for ; d.pos < len(d.data) && isDigit(d.data[d.pos]); d.pos++ {
		n = n*10 + uint64(d.data[d.pos]-'0')
	}
	return n, d.pos - start
}

// goesOn says whether digits are only the beginning of a number.
func (d *decoder) goesOn() bool {
	if d.pos == len(d.data) {
		return false
	}
	b := d.data[d.pos]
	return b == '.' || b == 'e' || b == 'E'
}

// decimal reads a number in any form.
func (d *decoder) decimal() bool {
	d.skip('-')
	if !d.skip('0') && !d.digits() {
		return false
	}
	if d.skip('.') && !d.digits() {
		return false
	}
	if d.skip('e') || d.skip('E') {
		if !d.skip('-') {
			d.skip('+')
		}
		return d.digits()
	}
	return true
}

func (d *decoder) skip(b byte) bool {
	if d.pos == len(d.data) || d.data[d.pos] != b {
		return false
	}
	d.pos++
	return true
}

func (d *decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.data) && isDigit(d.data[d.pos]) {
		d.pos++
	}
	return d.pos > start
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
