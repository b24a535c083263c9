package terminal

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	maxQueue  = 256 << 10 // bytes on their way to the screen, beyond which lines are dropped
	maxWrite  = 16 << 10  // bytes handed to the system at a time
	drainTime = 500 * time.Millisecond
)

var newline = []byte{'\n'}

// output is the one way to the screen: a bounded queue, and a goroutine that
// empties it. Nobody but that goroutine ever waits for the screen.
type output struct {
	file   *os.File
	wait   time.Duration
	notice string
	show   func([]byte) // how a whole line gets here; for the notice

	mu      sync.Mutex
	work    sync.Cond     // there may be something to do for the writer
	moved   chan struct{} // closed, and made anew, when a write has ended
	queue   []byte
	writing int   // bytes that the writer is busy with
	held    bool  // the editor is painting: its pieces go out together
	dropped int   // lines not shown; while that is untold, more are dropped
	torn    bool  // painting was lost, so the line must be painted again
	err     error // of the last write
	closed  bool
	done    chan struct{} // closed when the writer has left
}

func newOutput(file *os.File, opt Options) *output {
	o := &output{
		file:   file,
		wait:   opt.Wait,
		notice: cmp.Or(opt.Dropped, "(%d lines were not shown)"),
		moved:  make(chan struct{}),
		done:   make(chan struct{}),
	}
	o.work.L = &o.mu
	return o
}

// start starts the writer.
func (o *output) start(show func([]byte)) {
	o.show = show
	go o.run()
}

// admit says whether there is room for line; if not, it is counted as dropped.
func (o *output) admit(line []byte) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	patience := o.wait > 0
	var late <-chan time.Time
	for {
		queued := len(o.queue) + o.writing
		switch {
		case o.closed:
			return false, ErrClosed
		case o.err != nil && queued == 0:
			return true, nil // try again: a disk that was full may have room by now
		case o.dropped == 0 && (queued == 0 || queued+len(line) <= maxQueue):
			return true, nil
		case o.dropped > 0 || !patience:
			o.dropped += bytes.Count(line, newline)
			return false, nil
		}
		if late == nil {
			late = time.After(o.wait)
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

// Write queues what was admitted, and what the editor paints. It never waits
// and never fails: the editor knows nothing of screens that stand still.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) > 2*maxQueue {
		o.torn = true
		return len(p), nil
	}
	o.queue = append(o.queue, p...)
	o.work.Signal()
	return len(p), nil
}

// hold keeps the writer from showing what is only half painted.
func (o *output) hold(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = on
	if !on {
		o.work.Signal()
	}
}

// run is the writer.
func (o *output) run() {
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
		case o.err == nil && (o.dropped > 0 || o.torn):
			o.tell()
		case o.closed:
			return
		default:
			o.work.Wait()
		}
	}
}

// write hands a piece of the queue to the system. Called and left with mu held.
func (o *output) write(buf []byte) {
	o.writing = copy(buf, o.queue)
	o.queue = append(o.queue[:0], o.queue[o.writing:]...)
	buf = buf[:o.writing]

	o.mu.Unlock()
	_, err := o.file.Write(buf) // may take for ever
	o.mu.Lock()

	o.writing = 0
	o.err = err
	if err != nil {
		o.dropped += bytes.Count(buf, newline)
	}
	close(o.moved)
	o.moved = make(chan struct{})
}

// tell shows how many lines were dropped. Called and left with mu held.
func (o *output) tell() {
	n := o.dropped
	o.torn = false

	o.mu.Unlock()
	if n > 0 {
		o.show(fmt.Appendf(nil, o.notice+"\n", n))
	} else {
		o.show(nil)
	}
	o.mu.Lock()

	o.dropped -= n // not before: the notice stands where the lines are missing
}

// close lets the writer finish, for a while. A writer that hangs in write(2)
// stays there until the process ends; nothing can call it back.
func (o *output) close() {
	o.mu.Lock()
	o.closed = true
	o.work.Signal()
	close(o.moved)
	o.moved = make(chan struct{})
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(max(drainTime, o.wait)):
	}
}
