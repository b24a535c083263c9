// Package transcript tells the story that a learner follows: who connected, what arrived, what was
// answered, a line for each event, on standard output.
//
// A story must never slow the server that it is about. So a line is put into a queue, and one
// goroutine writes it; where the queue is full (nobody reads standard output) or the budget is spent
// (a flood), lines are counted instead of written, and the next line that fits says how many.
package transcript

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"netlab.example/pkg/language"
)

const (
	queueLines  = 1024                   // lines that wait for a slow reader
	burstLines  = 2000                   // lines that may be told at once ...
	linesPerSec = 1000                   // ... and how many more each second
	closeWait   = 500 * time.Millisecond // how long Close waits for a reader
)

var leftOut = language.Both[string]{
	Zh: "……(省略了 %d 行)\n",
	En: "... (%d lines left out)\n",
}

// A Transcript is safe for use by many goroutines. A nil *Transcript tells nothing.
type Transcript struct {
	out     io.Writer
	leftOut string
	queue   chan string
	done    chan struct{}

	mu     sync.Mutex
	closed bool
	budget int // lines that may still be told now
	missed int // lines counted instead of written, since that was last said
}

// New starts a transcript on out, whose words are in lang. Close ends it.
func New(out io.Writer, lang language.Lang) *Transcript {
	t := &Transcript{
		out: out, leftOut: leftOut.In(lang),
		queue: make(chan string, queueLines), done: make(chan struct{}),
		budget: burstLines,
	}
	go t.write()
	return t
}

// Printf tells one event. It never waits. The caller makes text from the network harmless first.
func (t *Transcript) Printf(format string, args ...any) { t.tell(0, format, args...) }

// Notef is Printf for what must not be lost among what a flood leaves out, such as that somebody was
// disconnected for it: it may spend as much again when the budget is spent.
func (t *Transcript) Notef(format string, args ...any) { t.tell(-burstLines, format, args...) }

// tell tells one event where more than floor is left of the budget.
func (t *Transcript) tell(floor int, format string, args ...any) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.budget < floor+1 || len(t.queue) == cap(t.queue) { // only Printf sends, and it holds mu: there is room below
		t.missed++
		return
	}
	t.budget--
	line := fmt.Sprintf(format, args...) + "\n"
	if t.missed > 0 {
		line = fmt.Sprintf(t.leftOut, t.missed) + line
		t.missed = 0
	}
	t.queue <- line
}

// Close writes what is queued and waits for that a moment at most: a stop never hangs on standard output.
// Where nobody reads, the goroutine that writes stays blocked in write(2) until the process ends.
func (t *Transcript) Close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.closed = true
	close(t.queue)
	t.mu.Unlock()
	select {
	case <-t.done:
	case <-time.After(closeWait):
	}
}

func (t *Transcript) write() {
	defer close(t.done)
	tick := time.NewTicker(time.Second) // a flood that ends is counted too, though no line follows it
	defer tick.Stop()
	for {
		var line string
		open := true
		select {
		case line, open = <-t.queue:
		case <-tick.C:
			t.refill()
		}
		if line == "" {
			line = t.count()
		}
		if line != "" {
			switch _, err := io.WriteString(t.out, line); {
			case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
				t.discard() // the reader is gone for good
				return
			case err != nil: // a full disk, say: later lines may fit again
				t.mu.Lock()
				t.missed++
				t.mu.Unlock()
			}
		}
		if !open {
			return
		}
	}
}

// refill gives a second's lines at once. One line for each thousandth of a second would leave a gap after
// each line of a flood, and wake the writer a thousand times for it: that alone took a fifth of the
// speed of a busy server.
func (t *Transcript) refill() {
	t.mu.Lock()
	t.budget = min(burstLines, t.budget+linesPerSec)
	t.mu.Unlock()
}

// count is the line that says what was left out, or "" where nothing was, or where lines from before the gap are
// still queued: then it would stand in the wrong place.
func (t *Transcript) count() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.missed == 0 || len(t.queue) > 0 {
		return ""
	}
	line := fmt.Sprintf(t.leftOut, t.missed)
	t.missed = 0
	return line
}

func (t *Transcript) discard() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		close(t.queue)
	}
	t.mu.Unlock()
	for range t.queue {
	}
}
