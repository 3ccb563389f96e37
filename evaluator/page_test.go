package evaluator_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// Every row of the page names tests or scripts that exist, and every script and
// test of a difference stands on the page.
func TestThePageOfDifferencesNamesWhatHoldsIt(t *testing.T) {
	page := text(t, filepath.Join("..", "docs", "differences-from-flagd.md"))
	var exists []string
	for _, path := range glob(t, "*_test.go") {
		for _, m := range testFunc.FindAllStringSubmatch(text(t, path), -1) {
			exists = append(exists, m[1])
		}
	}
	scripts := slices.Concat(glob(t, "testdata/differences/*.txtar"), glob(t, "testdata/beyond/*.txtar"))
	exists = append(exists, scripts...)

	rows := 0
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| what ") || strings.HasPrefix(line, "| --- ") {
			continue
		}
		rows++
		if len(cells) != 5 {
			t.Errorf("a row has %d cells, want 5: %s", len(cells), line)
		}
		held := codeSpan.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(held) == 0 {
			t.Errorf("nothing holds this row to its word: %s", line)
		}
		for _, m := range held {
			if !slices.Contains(exists, m[1]) {
				t.Errorf("there is neither a test nor a script %s, which holds this row: %s", m[1], line)
			}
		}
	}
	if rows == 0 {
		t.Error("the page has no rows")
	}
	for _, m := range testFunc.FindAllStringSubmatch(text(t, "differences_test.go"), -1) {
		scripts = append(scripts, m[1])
	}
	for _, name := range scripts {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%s is about a difference, and is not on the page", name)
		}
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
