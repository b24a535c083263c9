package e2e

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// An output collects what a process prints, on a terminal without the escape sequences that paint it.
type output struct {
	t    *testing.T
	name string
	tty  bool

	mu    sync.Mutex
	text  []byte
	held  []byte // the beginning of an escape sequence
	read  int    // how far expect has come
	ended bool
	news  chan struct{} // closed, and made anew, when something has happened
}

func newOutput(t *testing.T, name string, tty bool) *output {
	return &output{t: t, name: name, tty: tty, news: make(chan struct{})}
}

var (
	painting = regexp.MustCompile(`\x1b\[[0-9;?]*[@-~]|\r`)
	begun    = regexp.MustCompile(`\x1b(\[[0-9;?]*)?$`)
)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := p
	if o.tty {
		b = append(o.held, p...)
		n := len(b)
		if at := begun.FindIndex(b); at != nil {
			n = at[0]
		}
		o.held = bytes.Clone(b[n:])
		b = painting.ReplaceAll(b[:n], nil)
	}
	o.text = append(o.text, b...)
	o.happened()
	return len(p), nil
}

func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.happened()
}

func (o *output) happened() {
	close(o.news)
	o.news = make(chan struct{})
}

func never([]byte) bool { return false }

// wait waits until done says so of what expect has not come to yet, or until the output has ended.
func (o *output) wait(what string, done func(unread []byte) bool) {
	o.t.Helper()
	late := time.After(patience)
	o.mu.Lock()
	defer o.mu.Unlock()
	for !done(o.text[o.read:]) && !o.ended {
		news := o.news
		o.mu.Unlock()
		select {
		case <-news:
			o.mu.Lock()
		case <-late:
			o.mu.Lock()
			o.t.Fatalf("%s: waited for %s; since the last event there was\n%s", o.name, what, tail(o.text[o.read:], 4000))
		}
	}
}

// expect waits for text, and returns what was printed before it.
func (o *output) expect(text string) string {
	o.t.Helper()
	var before []byte
	found := false
	o.wait(fmt.Sprintf("%q", text), func(unread []byte) bool {
		if before, _, found = bytes.Cut(unread, []byte(text)); found {
			o.read += len(before) + len(text)
		}
		return found
	})
	if !found {
		o.t.Fatalf("%s: ended without %q; the last of it was\n%s", o.name, text, tail(before, 4000))
	}
	return string(before)
}

// find waits until a pattern has matched n times in what expect has not come to, and returns the matches.
func (o *output) find(pattern string, n int) []string {
	o.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	o.wait(fmt.Sprintf("%d times %s", n, pattern), func(unread []byte) bool {
		found = re.FindAllString(string(unread), -1)
		return len(found) >= n
	})
	return found
}

// rest waits for the end, and returns what expect has not come to.
func (o *output) rest() string {
	o.t.Helper()
	o.wait("its end", never)
	o.mu.Lock()
	defer o.mu.Unlock()
	rest := string(o.text[o.read:])
	o.read = len(o.text)
	return rest
}

func tail(b []byte, n int) string { return strings.ToValidUTF8(string(b[max(0, len(b)-n):]), "?") }
