package file

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settling is how long to wait after the first event of an edit for the rest
// of it: editors truncate, write and rename in quick succession.
const settling = 10 * time.Millisecond

// A notifier says when something happens in a directory. It may miss things,
// and where the operating system has no notifications to give it is silent.
type notifier struct {
	dir     string
	watcher *fsnotify.Watcher // nil if it does not work
	events  <-chan fsnotify.Event
	errors  <-chan error
}

func newNotifier(dir string) *notifier {
	n := &notifier{dir: dir}
	if w, err := fsnotify.NewWatcher(); err == nil {
		n.watcher, n.events, n.errors = w, w.Events, w.Errors
	}
	return n
}

// renew watches the directory that is there now, which may be another one than
// before, or the first.
func (n *notifier) renew() {
	if n.watcher != nil {
		_ = n.watcher.Add(n.dir) // without it, the interval remains
	}
}

// settle waits for the rest of an edit.
func (n *notifier) settle(ctx context.Context) {
	quiet := time.NewTimer(settling)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-quiet.C:
			return
		case <-n.events:
		case <-n.errors:
		}
	}
}

func (n *notifier) close() {
	if n.watcher != nil {
		_ = n.watcher.Close() // nothing is lost with it
	}
}
