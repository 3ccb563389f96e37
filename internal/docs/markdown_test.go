package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is where the repository begins.
var root = filepath.Join("..", "..")

// A page is one Markdown file.
type page struct {
	path     string // below root
	blocks   []block
	links    []span
	code     []span // in the text, between backticks
	headings []string
}

// A span is a piece of text and where it stands.
type span struct {
	at   string // file:line
	text string
}

// A block is fenced code. Its words are what stands behind the opening fence:
// the language, and what the tests are to do with it.
type block struct {
	at    string
	words []string
	text  string
}

func (b block) is(words ...string) bool {
	return len(b.words) >= len(words) && slices.Equal(b.words[:len(words)], words)
}

// pages reads all Markdown files. It looks into every folder of code, too, so
// that `go test` runs the tests anew when something changes there.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && (d.Name()[0] == '.' || slices.Contains([]string{"bin", "node_modules", "testdata", "flagline-data"}, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all = append(all, read(name, string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no Markdown files")
	}
	return all
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan = regexp.MustCompile("`([^`]+)`")
)

// read reads as much of Markdown as these pages use: fences that begin a line,
// headings with #, links in one line.
func read(path, text string) page {
	p := page{path: path}
	var inside *block
	n := 0
	for line := range strings.Lines(text) {
		n++
		at := fmt.Sprintf("%s:%d", path, n)
		fence, opens := strings.CutPrefix(line, "```")
		switch {
		case opens && inside == nil:
			inside = &block{at: at, words: strings.Fields(fence)}
		case opens:
			p.blocks = append(p.blocks, *inside)
			inside = nil
		case inside != nil:
			inside.text += line
		case strings.HasPrefix(line, "#"):
			p.headings = append(p.headings, strings.TrimSpace(strings.TrimLeft(line, "#")))
		default:
			for _, m := range codeSpan.FindAllStringSubmatch(line, -1) {
				p.code = append(p.code, span{at, m[1]})
			}
			for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, "code"), -1) {
				p.links = append(p.links, span{at, m[1]})
			}
		}
	}
	return p
}

func TestLinksLeadSomewhere(t *testing.T) {
	anchors := make(map[string][]string)
	all := pages(t)
	for _, p := range all {
		for _, h := range p.headings {
			anchors[p.path] = append(anchors[p.path], anchor(h))
		}
	}
	for _, p := range all {
		for _, l := range p.links {
			if strings.Contains(l.text, ":") {
				continue // to somewhere else
			}
			path, fragment, _ := strings.Cut(l.text, "#")
			target := p.path
			if path != "" {
				target = filepath.Join(filepath.Dir(p.path), path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", l.at, l.text)
			} else if fragment != "" && !slices.Contains(anchors[target], fragment) {
				t.Errorf("%s: %s has no heading for #%s", l.at, target, fragment)
			}
		}
	}
}

var mention = regexp.MustCompile(`\b(docs|schemas)/[\w./-]+\.(md|json)`)

func TestCommentsNamePagesThatExist(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range mention.FindAllString(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s names %s, which does not exist", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// anchor is what a heading is linked to by.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '-'
		case r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}
