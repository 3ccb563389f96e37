package file_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestFileKeepsTheContractOfSources(t *testing.T) {
	sourcetest.Run(t, sourcetest.Harness{Open: func(t *testing.T) sourcetest.Origin {
		return origin{dir: filepath.Join(t.TempDir(), "flags")}
	}})
}

// An origin is a file in a directory of its own; taking it away takes the
// whole directory away.
type origin struct{ dir string }

func (o origin) Source(*testing.T) source.Source {
	return file.New(filepath.Join(o.dir, "flags.json"), file.WithInterval(50*time.Millisecond))
}

func (o origin) Write(t *testing.T, doc flagdoc.Document) {
	t.Helper()
	must(t, os.MkdirAll(o.dir, 0o755))
	replace(t, filepath.Join(o.dir, "flags.json"), string(flagdoc.Format(doc)))
}

func (o origin) Break(t *testing.T) { must(t, os.Rename(o.dir, o.dir+".away")) }
func (o origin) Mend(t *testing.T)  { must(t, os.Rename(o.dir+".away", o.dir)) }

// replace writes text to path by way of a rename, as careful writers do.
func replace(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path+".new", []byte(text), 0o644))
	must(t, os.Rename(path+".new", path))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
