package syntax

import (
	"bytes"
	"strconv"
	"strings"
)

// Pointer returns the JSON pointer that leads from the place parent one step
// further, to its member or element step.
func Pointer(parent, step string) string {
	return parent + "/" + escaper.Replace(step)
}

// Index is [Pointer] for the element i of an array.
func Index(parent string, i int) string {
	return parent + "/" + strconv.Itoa(i)
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

// Position returns the line and the column, both counted from 1, of the byte
// of data that a decoder had read when it gave up after offset bytes. Columns
// count bytes.
func Position(data []byte, offset int64) (line, column int) {
	before := data[:min(max(offset-1, 0), int64(len(data)))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}
