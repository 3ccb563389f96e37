package law_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A row of a table of docs/architecture.md: what it is about, and the names in
// its last cell.
type row struct {
	name  string
	names []string
}

var quoted = regexp.MustCompile("`([^`]+)`")

// table reads the table whose first column is called head, in its order.
func table(t *testing.T, head string) []row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n| "+head+" |")
	if !ok {
		t.Fatalf("docs/architecture.md has no table that begins with | %s |", head)
	}
	var rows []row
	for _, line := range strings.Split(rest, "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "| "), "|")
		if len(cells) != 3 {
			break
		}
		var r row
		for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
			r.name = m[1]
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			r.names = append(r.names, m[1])
		}
		if strings.TrimSpace(cells[1]) == "" {
			t.Errorf("the row of %s does not say what it is for", r.name)
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		t.Fatalf("the table of every %s has no rows", head)
	}
	return rows
}

func TestTheMapNamesThePackagesThatExist(t *testing.T) {
	exists := make(map[string]bool)
	for _, p := range packages(t) {
		exists[p.room()] = true
	}
	for _, r := range table(t, "room") {
		if !exists[r.name] {
			t.Errorf("the map has a room %s, but there is no such package (or two such rows)", r.name)
		}
		delete(exists, r.name)
	}
	for _, name := range slices.Sorted(maps.Keys(exists)) {
		t.Errorf("package %s is not on the map in docs/architecture.md", name)
	}
}

func TestRoomsImportWhatTheMapSays(t *testing.T) {
	allowed := make(map[string][]string)
	for _, r := range table(t, "room") {
		allowed[r.name] = r.names
	}
	for _, p := range packages(t) {
		var imports []string
		for _, path := range p.Imports {
			if within(module, path) {
				imports = append(imports, listed{ImportPath: path}.room())
			}
		}
		for _, name := range imports {
			if !slices.Contains(allowed[p.room()], name) {
				t.Errorf("%s imports %s, which its row on the map does not name", p.room(), name)
			}
		}
		for _, name := range allowed[p.room()] {
			if !slices.Contains(imports, name) {
				t.Errorf("the map lets %s import %s, which it does not", p.room(), name)
			}
		}
	}
}

func TestRoomsImportOnlyWhatStandsBelowThem(t *testing.T) {
	above := make(map[string]bool)
	for _, r := range table(t, "room") {
		above[r.name] = true
		for _, name := range r.names {
			if above[name] {
				t.Errorf("%s may import %s, which does not stand below it on the map", r.name, name)
			}
		}
	}
}

func TestModulesFromOutsideStayWhereTheMapPutsThem(t *testing.T) {
	modules := table(t, "module")
	used := make(map[[2]string]bool)
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			if domain, _, _ := strings.Cut(path, "/"); !strings.Contains(domain, ".") || within(module, path) {
				continue // of the standard library, or ours
			}
			i := slices.IndexFunc(modules, func(r row) bool { return within(r.name, path) })
			if i < 0 {
				t.Errorf("%s imports %s; docs/architecture.md has no line for that module", p.room(), path)
				continue
			}
			used[[2]string{modules[i].name, p.room()}] = true
			if !slices.Contains(modules[i].names, p.room()) {
				t.Errorf("%s imports %s, which the line of that module does not allow", p.room(), path)
			}
		}
	}
	for _, m := range modules {
		for _, name := range m.names {
			if !used[[2]string{m.name, name}] {
				t.Errorf("the line of %s allows it to %s, which does not import it", m.name, name)
			}
		}
	}
}
