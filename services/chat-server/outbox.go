package main

import (
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"netlab.example/pkg/sockets"
)

// A person who takes in nothing for takeTimeout, while something waits for them, is disconnected. A person
// who is farBehind holds up everybody who talks, or soon will. So they must take in maxBatch in each
// hurryTimeout, that is, 4 KiB a second: far more than anybody can read. (Why not in each second? A kernel whose
// buffer of some MiB is full says only now and then that a part of it is free.)
const (
	takeTimeout  = 30 * time.Second
	hurryTimeout = 15 * time.Second
	maxBatch     = 64 << 10 // bytes of one write, and ...
	maxPieces    = 64       // ... the pieces that they lie in
)

// An outbox is what one person has still to get.
//
// Almost always the kernel has room for what was said, so send hands it over right there: one system call,
// no goroutine is woken, nobody waits. Only if the kernel has no room, because the person reads slowly, the
// outbox keeps its place in the pages, and a goroutine writes from there for as long as the person is behind:
//
//	send ──> kernel                      most people, most of the time
//	   └───> place ──> flush ──> kernel  people who are behind
//
// So a silent connection costs one goroutine, the one that reads.
type outbox struct {
	conn net.Conn
	who  *person
	log  *backlog
	raw  syscall.RawConn // nil if conn is no socket: then flush writes everything
	late func()          // called once, when the person is to be disconnected for not reading

	standsAt atomic.Int64 // before of the page that they are in; caughtUp: they are in none

	mu       sync.Mutex
	next     place  // what they get next ...
	end      place  // ... up to here
	last     []byte // and after all that: the last words to them
	head     int64  // what all pages cost when the outbox last heard of it
	flushing bool
	hurried  bool      // by the write that is under way
	closing  bool      // nothing comes after end and last
	until    time.Time // when closing: until when; zero: as long as they read
	closed   bool
	flushers sync.WaitGroup
}

const caughtUp = math.MaxInt64

func newOutbox(conn net.Conn, who *person, log *backlog, late func()) *outbox {
	o := &outbox{conn: conn, who: who, log: log, late: late}
	o.standsAt.Store(caughtUp)
	if sc, ok := conn.(syscall.Conn); ok {
		o.raw, _ = sc.SyscallConn() // an error leaves nil
	}
	return o
}

// send gives a person what there is for them from one place of a page to another. It never waits. What the
// pages cost with this one is head. Room for what has to be put together is in scratch.
func (o *outbox) send(from, end place, head int64, scratch *[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing || o.closed {
		return // they are leaving, or gone
	}
	o.head = head
	if o.flushing {
		o.end = end
		o.hurry()
		return
	}
	for {
		next := from
		piece := next.read(o.who, end)
		if len(piece) == 0 {
			return
		}
		if len(piece) < end.at-next.at && !o.who.bare.Load() { // it lies in pieces: one write all the same
			*scratch = (*scratch)[:0]
			for ; len(piece) > 0; piece = next.read(o.who, end) {
				*scratch = append(*scratch, piece...)
				next.at += len(piece)
			}
			piece = *scratch
		} else {
			next.at += len(piece)
		}
		n := o.tryWrite(piece)
		if o.closed {
			return
		}
		if n < len(piece) {
			from.skip(o.who, end, n)
			break
		}
		from = next
	}
	o.stand(from)
	o.end = end
	o.begin()
}

// stand keeps a place, and what follows it is kept too.
func (o *outbox) stand(pl place) {
	o.next = pl
	at := int64(caughtUp)
	if pl.page != nil {
		at = pl.page.before
	}
	o.standsAt.Store(at)
}

func (o *outbox) begin() {
	o.flushing = true
	o.log.behind.Add(1)
	o.flushers.Go(o.flush)
}

// tryWrite hands the kernel what it has room for, and returns how much that was.
func (o *outbox) tryWrite(p []byte) (n int) {
	if o.raw == nil {
		return 0
	}
	err := o.raw.Write(func(fd uintptr) bool {
		errno := error(syscall.EINTR)
		for errno == syscall.EINTR {
			n, errno = syscall.Write(int(fd), p)
		}
		o.closed = errno != nil && errno != syscall.EAGAIN
		return true // done, whatever came of it: not to be called again when there is room
	})
	if err != nil { // the connection is gone, as the goroutine that reads from it finds out
		o.closed = true
	}
	return max(n, 0)
}

// flush writes what waits, a batch with each system call, until nothing does.
func (o *outbox) flush() {
	if notReading := o.write(); notReading {
		o.late()
	}
}

func (o *outbox) write() (notReading bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed {
		batch := o.batch()
		if len(batch) == 0 {
			break
		}
		o.hurried = false
		switch {
		case !o.until.IsZero():
			o.conn.SetWriteDeadline(o.until)
		case !o.hurry():
			o.conn.SetWriteDeadline(time.Now().Add(takeTimeout))
		}
		o.mu.Unlock()
		kept := sockets.Unacknowledged(o.conn)
		n, err := batch.WriteTo(o.conn)
		kept -= sockets.Unacknowledged(o.conn) // what our kernel held for them before, they have taken in, too
		o.mu.Lock()
		o.took(int(n))
		if err != nil {
			late := errors.Is(err, os.ErrDeadlineExceeded) && o.until.IsZero()
			enough := 1
			if o.hurried {
				enough = maxBatch
			}
			if late && int(n)+kept >= enough {
				continue // it is little, but they do read
			}
			o.closed, notReading = true, late
		}
	}
	o.stand(place{}) // and so refer to nothing
	o.conn.SetWriteDeadline(time.Time{})
	o.flushing = false
	o.log.behind.Add(-1)
	o.log.passed()
	return notReading
}

// batch is what comes next: a few pieces of pages, for bare people one, and after them the last words.
func (o *outbox) batch() (batch net.Buffers) {
	if o.next.page != nil {
		for pl, size := o.next, 0; size < maxBatch && len(batch) < maxPieces; {
			piece := pl.read(o.who, o.end)
			if len(piece) == 0 {
				break
			}
			piece = piece[:min(len(piece), maxBatch-size)]
			batch = append(batch, piece)
			if o.who.bare.Load() {
				return batch
			}
			pl.at += len(piece)
			size += len(piece)
		}
	}
	if len(batch) == 0 {
		o.stand(place{})
		if len(o.last) > 0 {
			batch = append(batch, o.last)
		}
	}
	return batch
}

// took moves on by n bytes.
func (o *outbox) took(n int) {
	if o.next.page == nil {
		o.last = o.last[n:]
		return
	}
	pl := o.next
	pl.skip(o.who, o.end, n)
	o.stand(pl)
	o.log.passed()
}

// hurry reports whether the person is far behind. If so, the write that is under way ends in hurryTimeout.
func (o *outbox) hurry() bool {
	if o.next.page == nil || o.head-o.next.page.before < farBehind || !o.until.IsZero() {
		return false
	}
	if !o.hurried {
		o.hurried = true
		o.conn.SetWriteDeadline(time.Now().Add(hurryTimeout))
	}
	return true
}

// heard tells the outbox of a person who is leaving, and whom nobody sends anything, what the pages cost now.
func (o *outbox) heard(head int64) (closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.head = head
	if o.flushing {
		o.hurry()
	}
	return o.closed
}

// close says the last words, and waits until the person has taken in all there is: until a time, or, if
// that is zero, for as long as they read.
func (o *outbox) close(last []byte, until time.Time) {
	o.mu.Lock()
	o.closing, o.until = true, until
	if !o.closed {
		if !o.flushing {
			last = last[o.tryWrite(last):]
		}
		o.last = last
		switch {
		case !o.flushing && len(last) > 0:
			o.begin()
		case o.flushing && !until.IsZero():
			o.conn.SetWriteDeadline(until)
		}
	}
	o.mu.Unlock()
	o.flushers.Wait()
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
}
