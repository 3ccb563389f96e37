package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

func ExampleSource_Watch() {
	dir, err := os.MkdirTemp("", "flags")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "flags.yaml")
	if err := os.WriteFile(path, []byte("flags: {banner: {state: DISABLED}}"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithCancel(context.Background())
	if err := file.New(path).Watch(ctx, printer{cancel}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// generation 1: banner {"state":"DISABLED"}
}

// A printer prints the first update and ends the watch.
type printer struct{ done context.CancelFunc }

func (p printer) Apply(u source.Update) []source.Rejection {
	for _, r := range u.Records {
		fmt.Printf("generation %d: %s %s\n", u.Version.Generation, r.Key, r.Body)
	}
	p.done()
	return nil
}

func (printer) Report(source.Status) {}
