package workload

import (
	"fmt"
	"strings"
)

// BodySize is how many bytes each flag has in a document of Bodies.
const BodySize = 285

// Bodies is a flagd document of n flags, each with a body of its own, and all
// of the same size. They are what people write: an object without a rule, three
// conditions at once, shares for a part of the subjects, and a choice between
// versions.
// A note fills each body up to BodySize.
func Bodies(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"flags":{`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n%q:%s", BodyKey(i), body(i))
	}
	b.WriteString("}}\n")
	return []byte(b.String())
}

// BodyKey is the key of the nth flag of Bodies.
func BodyKey(n int) string { return fmt.Sprintf("flag-%06d", n) }

func body(n int) string {
	before := `{"state":"ENABLED",` + decision(n) + fmt.Sprintf(`,"metadata":{"note":"%d `, n)
	const after = `"}}`
	return before + strings.Repeat("x", max(0, BodySize-len(before)-len(after))) + after
}

// decision is the part of a body that decides. Its constants are those that
// subjects have, in turn.
func decision(n int) string {
	const onOff = `"variants":{"on":true,"off":false},"defaultVariant":"off","targeting":`
	i := n / 4
	switch n % 4 {
	case 0:
		return fmt.Sprintf(`"variants":{"light":{"theme":"light","columns":%d,"compact":false},`+
			`"dark":{"theme":"dark","columns":%d,"compact":true}},"defaultVariant":"light"`, i%7, i%11)
	case 1:
		return onOff + fmt.Sprintf(`{"if":[{"and":[{"ends_with":[{"var":"email"},"%s"]},`+
			`{"in":[{"var":"country"},["%s","%s"]]},{"==":[{"var":"plan"},"%s"]}]},"on","off"]}`,
			domainOf(i), home(i), country(i/20+homes), paying)
	case 2:
		share := 1 + i%99
		return onOff + fmt.Sprintf(`{"if":[{"ends_with":[{"var":"email"},"%s"]},"on",`+
			`{"==":[{"var":"plan"},"%s"]},{"fractional":[["on",%d],["off",%d]]},"off"]}`, domainOf(i), paying, share, 100-share)
	default:
		return onOff + fmt.Sprintf(`{"if":[{"==":[{"var":"country"},"%s"]},`+
			`{"if":[{"sem_ver":[{"var":"version"},">=","2.%d.0"]},"on","off"]},`+
			`{"==":[{"var":"plan"},"%s"]},"on","off"]}`, home(i), i%10, paying)
	}
}
