package terminal

import (
	"bytes"
	"slices"
	"time"
)

const (
	maxLast   = 5               // lines that are shown again to a person who attaches
	startTime = 2 * time.Second // a person who is there by then has started the container, and seen all lines
)

// size is that of a screen, in cells.
type size struct{ width, height int }

func (s size) known() bool { return s.width > 0 && s.height > 0 }

// attaching tells somebody who attaches from somebody who resizes a window. docker attach makes the terminal one
// cell larger each way and then gives it its true size, so that there is a change for sure. If the two come as one
// signal, the size is what it was.
type attaching struct {
	from  size   // the last that settled
	sizes []size // since then
}

func (a *attaching) add(s size) {
	if n := len(a.sizes); n == 0 || a.sizes[n-1] != s {
		a.sizes = append(a.sizes[max(0, n-1):], s) // the last two
	}
}

// settle reports whether the sizes so far are those of somebody who has attached.
func (a *attaching) settle() (attached bool) {
	switch s := a.sizes; len(s) {
	case 1:
		attached = s[0] == a.from
		a.from = s[0]
	case 2:
		attached = s[0] == size{s[1].width + 1, s[1].height + 1}
		a.from = s[1]
	}
	a.sizes = a.sizes[:0]
	return attached
}

// remember keeps the last lines that were written.
func (e *editor) remember(lines []byte) {
	for line := range bytes.Lines(lines) {
		e.last = append(e.last, bytes.Clone(line))
	}
	if n := len(e.last) - maxLast; n > 0 {
		e.last = slices.Delete(e.last, 0, n)
	}
}

// welcome shows a person who has attached the last lines that were written before, and the greeting.
func (e *editor) welcome(before [][]byte) {
	greeting := ""
	if e.greet != nil {
		greeting = e.greet() // without mu: it may Write
	}
	e.lock()
	defer e.unlock()
	lines := bytes.Join(before, nil)
	if greeting != "" {
		lines = append(lines, greeting+"\n"...)
	}
	e.paint(lines)
}
