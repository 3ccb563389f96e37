package manage

import "strings"

// Shown returns the name of a source as people may see it, on the management
// port and in logs. What stands behind the "?" of a web address is left out: in
// addresses that are signed it is as good as a password.
func Shown(name string) string {
	if !strings.HasPrefix(name, "http://") && !strings.HasPrefix(name, "https://") {
		return name
	}
	address, query, ok := strings.Cut(name, "?")
	if !ok || query == "" {
		return name
	}
	// Several sources of one address are still told apart by their number.
	if at := strings.LastIndexByte(query, '#'); at >= 0 {
		return address + "?…" + query[at:]
	}
	return address + "?…"
}
