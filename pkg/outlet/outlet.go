// Package outlet is how a program writes to somebody who may be slow, blocked or gone: to standard output, to
// standard error, to a screen.
//
//	Write ──> bounded queue ──> one goroutine ──> io.Writer
//
// Nobody but that goroutine ever waits for the reader. Lines that find no room are counted, and a line that says
// how many stands in their place.
package outlet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

const (
	maxQueue  = 256 << 10 // bytes that wait to be written, beyond which lines are left out
	maxWrite  = 16 << 10  // bytes that are written at a time
	drainTime = 500 * time.Millisecond
)

// ErrClosed is what Write returns after Close.
var ErrClosed = errors.New("outlet is closed")

var newline = []byte{'\n'}

// Options say what an Outlet does with lines that find no room.
type Options struct {
	// LeftOut says how many lines were left out, with one %d and no newline.
	LeftOut string

	// Wait is how long Write may wait for room. Zero, for servers: not at all. Close waits as long, and at least half
	// a second.
	Wait time.Duration

	// Show shows a whole line, for LeftOut; with nil, that there is something to be painted again. It may be nil:
	// then lines are put into the queue as they are.
	Show func(line []byte)
}

// An Outlet is safe for use by many goroutines.
type Outlet struct {
	to  io.Writer
	opt Options

	mu      sync.Mutex
	work    sync.Cond     // there may be something to do for the writer
	moved   chan struct{} // closed, and made anew, when a write has ended
	queue   []byte
	writing int   // bytes that the writer is busy with
	held    bool  // what is in the queue is not whole yet
	leftOut int   // lines; while that is untold, more are left out
	torn    bool  // Put was refused
	err     error // of the last write
	gone    bool  // the reader will not come back
	closed  bool
	done    chan struct{} // closed when the writer has left
}

// New starts an outlet to w. Close ends it.
func New(w io.Writer, opt Options) *Outlet {
	o := &Outlet{to: w, opt: opt, moved: make(chan struct{}), done: make(chan struct{})}
	o.work.L = &o.mu
	if o.opt.Show == nil {
		o.opt.Show = o.Put
	}
	go o.run()
	return o
}

// Write takes whole lines. They are written, or left out and counted. The only error is ErrClosed.
func (o *Outlet) Write(lines []byte) (int, error) {
	ok, err := o.Admit(lines)
	if err != nil {
		return 0, err
	}
	if ok {
		o.Put(lines)
	}
	return len(lines), nil
}

// Admit reports whether there is room for lines. If there is none, they are counted as left out.
func (o *Outlet) Admit(lines []byte) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	patience := o.opt.Wait > 0
	var late <-chan time.Time
	for {
		queued := len(o.queue) + o.writing
		switch {
		case o.closed:
			return false, ErrClosed
		case o.gone:
			return false, nil
		case o.err != nil && queued == 0:
			return true, nil // try again: a disk that was full may have room by now
		case o.leftOut == 0 && (queued == 0 || queued+len(lines) <= maxQueue):
			return true, nil
		case o.leftOut > 0 || !patience:
			o.leftOut += bytes.Count(lines, newline)
			return false, nil
		}
		if late == nil {
			late = time.After(o.opt.Wait)
		}
		moved := o.moved
		o.mu.Unlock()
		select {
		case <-moved:
		case <-late:
			patience = false
		}
		o.mu.Lock()
	}
}

// Put queues what was admitted, and what an editor paints around it. It never waits: what is far beyond the bound
// is thrown away, and Show is called with nil when there is room again.
func (o *Outlet) Put(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.gone:
		return
	case len(o.queue) > 2*maxQueue:
		o.torn = true
		return
	}
	o.queue = append(o.queue, p...)
	o.work.Signal()
}

// Hold keeps the writer from writing what is only half painted, until Hold(false).
func (o *Outlet) Hold(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = on
	if !on {
		o.work.Signal()
	}
}

// run is the writer.
func (o *Outlet) run() {
	defer close(o.done)
	buf := make([]byte, maxWrite)
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		switch {
		case o.held:
			o.work.Wait()
		case len(o.queue) > 0:
			o.write(buf)
		case o.err == nil && (o.leftOut > 0 || o.torn):
			o.tell()
		case o.closed:
			return
		default:
			o.work.Wait()
		}
	}
}

// write writes the beginning of the queue: whole lines, if there are any in what one write takes. Called and left
// with mu held.
func (o *Outlet) write(buf []byte) {
	n := copy(buf, o.queue)
	if end := bytes.LastIndexByte(buf[:n], '\n'); n < len(o.queue) && end >= 0 {
		n = end + 1
	}
	o.writing = n
	o.queue = append(o.queue[:0], o.queue[n:]...)

	o.mu.Unlock()
	_, err := o.to.Write(buf[:n]) // may take for ever
	o.mu.Lock()

	o.writing = 0
	o.err = err
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		o.gone = true
		o.queue = nil
	case err != nil:
		o.leftOut += bytes.Count(buf[:n], newline)
	}
	close(o.moved)
	o.moved = make(chan struct{})
}

// tell says how many lines were left out. Called and left with mu held.
func (o *Outlet) tell() {
	n := o.leftOut
	o.torn = false

	o.mu.Unlock()
	if n > 0 {
		o.opt.Show(fmt.Appendf(nil, o.opt.LeftOut+"\n", n))
	} else {
		o.opt.Show(nil)
	}
	o.mu.Lock()

	o.leftOut -= n // not before: until the line has its place, others are left out too
}

// Close lets the writer finish, and waits a moment for that at most: a stop never hangs on a reader. A writer that
// is blocked in write(2) stays there until the process ends; nothing can call it back.
func (o *Outlet) Close() {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		o.work.Signal()
		close(o.moved)
		o.moved = make(chan struct{})
	}
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(max(drainTime, o.opt.Wait)):
	}
}
