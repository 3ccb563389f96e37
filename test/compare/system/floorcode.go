package system

import "strings"

// The flags that are timed alone, with their constants in the code.

func suffix0(email string) string {
	if strings.HasSuffix(email, "@faas.com") {
		return "on"
	}
	return "off"
}

func chain10Rules0(country, plan, version string) string {
	switch {
	case oneOf(country, "c60", "c70", "c50", "c80", "c90") && plan == "pro" && laterOrSame(version, [3]int{2, 0, 0}):
		return "v0"
	case oneOf(country, "c61", "c71", "c00", "c81", "c91") && plan == "free" && laterOrSame(version, [3]int{2, 0, 1}):
		return "v1"
	case oneOf(country, "c62", "c72", "c00", "c82", "c92") && plan == "pro" && laterOrSame(version, [3]int{3, 0, 2}):
		return "v2"
	case oneOf(country, "c63", "c73", "c50", "c83", "c93") && plan == "pro" && laterOrSame(version, [3]int{2, 0, 3}):
		return "v3"
	case oneOf(country, "c64", "c74", "c00", "c84", "c94") && plan == "free" && laterOrSame(version, [3]int{2, 0, 4}):
		return "v4"
	case oneOf(country, "c65", "c75", "c00", "c85", "c95") && plan == "pro" && laterOrSame(version, [3]int{3, 0, 5}):
		return "v5"
	case oneOf(country, "c66", "c76", "c50", "c86", "c96") && plan == "pro" && laterOrSame(version, [3]int{2, 0, 6}):
		return "v6"
	case oneOf(country, "c67", "c77", "c00", "c87", "c97") && plan == "free" && laterOrSame(version, [3]int{2, 0, 7}):
		return "v7"
	case oneOf(country, "c68", "c78", "c00", "c88", "c98") && plan == "pro" && laterOrSame(version, [3]int{3, 0, 8}):
		return "v8"
	case oneOf(country, "c69", "c79", "c00", "c89", "c99") && plan == "pro" && laterOrSame(version, [3]int{2, 0, 9}):
		return "v9"
	default:
		return "none"
	}
}

// oneOf becomes five comparisons with constants where it is called.
func oneOf(v, a, b, c, d, e string) bool { return v == a || v == b || v == c || v == d || v == e }

func nested0(country, plan, version, email string) string {
	if country == "c00" && plan == "pro" && version == "2.3.4" && strings.HasSuffix(email, "@d1.example.com") ||
		(country == "c51" || country == "c00" || country == "c61") && plan == "pro" && version == "2.3.4" &&
			strings.HasSuffix(email, "@d2.example.com") ||
		country == "c00" && plan == "pro" && version == "2.3.4" && strings.HasSuffix(email, "@d3.example.com") ||
		(country == "c53" || country == "c00" || country == "c63") && plan == "pro" && version == "2.3.4" &&
			strings.HasSuffix(email, "@d4.example.com") ||
		country == "c00" && plan == "pro" && version == "2.3.4" && strings.HasSuffix(email, "@faas.com") {
		return "on"
	}
	return "off"
}
