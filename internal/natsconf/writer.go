package natsconf

import (
	"fmt"
	"strings"
)

// A writer writes the server's notation, indented.
type writer struct {
	strings.Builder
	depth int
}

func (w *writer) line(lines ...string) {
	for _, l := range lines {
		fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", w.depth), l)
	}
}

func (w *writer) blank() { w.WriteByte('\n') }

func (w *writer) open(l string) {
	w.line(l)
	w.depth++
}

func (w *writer) shut(l string) {
	w.depth--
	w.line(l)
}

// setting writes a text, if there is one.
func (w *writer) setting(name, value string) {
	if value != "" {
		w.line(name + ": " + quote(value))
	}
}

// list writes a list of texts.
func (w *writer) list(name string, texts []string) {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	w.block(name, quoted)
}

// block writes a list of what is in the server's notation already.
func (w *writer) block(name string, items []string) {
	w.open(name + ": [")
	w.line(items...)
	w.shut("]")
}

// user writes a user; without rights it may do anything within its account.
func (w *writer) user(u User, name string, r *rights) {
	w.line("# " + name)
	w.open("{")
	if strings.HasPrefix(u.Key, "$") {
		w.line("user: "+quote(name), "password: "+u.Key)
	} else {
		w.line("nkey: " + u.Key)
	}
	if r != nil {
		w.open("permissions: {")
		w.open("publish: {")
		w.list("allow", r.publish)
		w.shut("}")
		w.open("subscribe: {")
		w.list("allow", r.subscribe)
		w.shut("}")
		w.shut("}")
	}
	w.shut("}")
}

// quote writes a text as the server reads it: with backslashes before quotes
// and backslashes, and everything else as it is.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
