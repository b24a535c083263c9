// Package transcript tells the story that a learner follows: who connected, what arrived, what was
// answered, a line for each event, on standard output or at the server's terminal.
//
// A story must never slow the server that it is about. So nobody waits for its reader (package outlet), and it has
// a budget: in a flood lines are counted instead of written, and the next line that is told says how many.
package transcript

import (
	"fmt"
	"io"
	"sync"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/outlet"
)

const (
	burstLines  = 2000 // lines that may be told at once ...
	linesPerSec = 1000 // ... and how many more each second
)

var leftOut = language.Both[string]{
	Zh: "……(省略了 %d 行)",
	En: "... (%d lines left out)",
}

// A Transcript is safe for use by many goroutines. A nil *Transcript tells nothing.
type Transcript struct {
	out     io.Writer
	leftOut string
	close   func() // ends out, if it is the transcript's own

	mu     sync.Mutex
	closed bool
	budget int         // lines that may still be told now
	refill *time.Timer // runs while the budget is not full
	missed int         // lines counted instead of written, since that was last said
}

// New starts a transcript on w, whose words are in lang. Close ends it.
func New(w io.Writer, lang language.Lang) *Transcript {
	out := outlet.New(w, outlet.Options{LeftOut: leftOut.In(lang)})
	t := On(out, lang)
	t.close = out.Close
	return t
}

// On is New for an out that waits for nobody itself, such as a terminal.Terminal: what is told and what else is
// shown there stand in the order in which they were said.
func On(out io.Writer, lang language.Lang) *Transcript {
	return &Transcript{out: out, leftOut: leftOut.In(lang), close: func() {}, budget: burstLines}
}

// Tell tells one event. It never waits. The line is a function's, and the function is called only if there is room
// for it: a flood costs nothing but the call. What came from the network must be escaped.
func (t *Transcript) Tell(line func() string) {
	if t.begin(0) {
		t.write(line())
	}
}

// Printf is Tell for what happens seldom.
func (t *Transcript) Printf(format string, args ...any) {
	if t.begin(0) {
		t.write(fmt.Sprintf(format, args...))
	}
}

// Notef is Printf for what must not be lost among what a flood leaves out, such as that somebody was
// disconnected for it: it may spend as much again when the budget is spent.
func (t *Transcript) Notef(format string, args ...any) {
	if t.begin(-burstLines) {
		t.write(fmt.Sprintf(format, args...))
	}
}

// begin reports whether more than floor is left of the budget, and keeps t.mu for write if so.
func (t *Transcript) begin(floor int) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	if !t.closed && t.budget > floor {
		return true
	}
	t.missed++
	t.mu.Unlock()
	return false
}

func (t *Transcript) write(line string) {
	defer t.mu.Unlock()
	if t.budget == burstLines {
		t.refillLater()
	}
	t.budget--
	io.WriteString(t.out, t.gap()+line+"\n")
}

// gap is the line that says what was left out, or "". Called with mu held.
func (t *Transcript) gap() string {
	if t.missed == 0 {
		return ""
	}
	line := fmt.Sprintf(t.leftOut, t.missed) + "\n"
	t.missed = 0
	return line
}

// refillLater gives a second's lines at once, a second from now. One line for each thousandth of a second would
// leave a gap after each line of a flood, and wake the writer a thousand times for it: that alone took a fifth of
// the speed of a busy server. Called with mu held.
func (t *Transcript) refillLater() {
	t.refill = time.AfterFunc(time.Second, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.closed {
			return
		}
		t.budget = min(burstLines, t.budget+linesPerSec)
		if t.budget < burstLines {
			t.refillLater()
		}
		if gap := t.gap(); gap != "" { // a flood that has ended is counted too, though no line follows it
			io.WriteString(t.out, gap)
		}
	})
}

// Close writes what was told, and waits a moment for that at most: a stop never hangs on standard output.
func (t *Transcript) Close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		if t.refill != nil {
			t.refill.Stop()
		}
		if gap := t.gap(); gap != "" {
			io.WriteString(t.out, gap)
		}
	}
	t.mu.Unlock()
	t.close()
}
