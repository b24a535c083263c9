package main

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxQueue    = 1 << 20          // bytes that wait for one person, beyond what the kernel holds for them ...
	maxQueues   = 32 << 20         // ... and for all who are behind together: where they are many, each gets less
	perMessage  = 64               // a message, however short, costs this much more
	takeTimeout = 30 * time.Second // how long a person may take in nothing while something waits
)

// An outbox is what one person has still to get.
//
// Almost always the kernel has room for a message, so send hands it over right there: one system call,
// no goroutine is woken, nobody waits. Only where the kernel has no room, because the person reads too
// slowly, is the rest queued, and a goroutine writes it for as long as the person is behind:
//
//	send ──> kernel                      most people, most of the time
//	   └───> queue ──> flush ──> kernel  whoever is behind
//
// So a silent connection costs one goroutine, the one that reads, and a person who does not read
// costs maxQueue at most. A thousand who do not read cost maxQueues, not a thousand times as much.
type outbox struct {
	conn   net.Conn
	behind *atomic.Int64   // how many outboxes have a queue
	raw    syscall.RawConn // nil where conn is no socket: then all goes through the queue

	late func() // called once, where a person takes in nothing for takeTimeout

	mu       sync.Mutex
	queue    net.Buffers
	size     int // of what is queued
	flushing bool
	closing  bool
	closed   bool
	flushers sync.WaitGroup
}

func newOutbox(conn net.Conn, behind *atomic.Int64, late func()) *outbox {
	o := &outbox{conn: conn, behind: behind, late: late}
	if sc, ok := conn.(syscall.Conn); ok {
		o.raw, _ = sc.SyscallConn() // an error leaves nil
	}
	return o
}

// send gives a person more bytes. It never waits. It returns false where the queue is full.
// Nobody changes p after: many outboxes share it.
func (o *outbox) send(p []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing || o.closed {
		return true // they are leaving, or gone
	}
	if !o.flushing {
		if p = o.tryWrite(p); len(p) == 0 {
			return true
		}
	}
	cost := len(p) + perMessage
	if o.size+cost > min(maxQueue, maxQueues/int(o.behind.Load()+1)) {
		return false
	}
	o.queue = append(o.queue, p)
	o.size += cost
	if !o.flushing {
		o.flushing = true
		o.behind.Add(1)
		o.flushers.Go(o.flush)
	}
	return true
}

// tryWrite hands the kernel what it has room for, and returns the rest.
func (o *outbox) tryWrite(p []byte) (rest []byte) {
	if o.raw == nil {
		return p
	}
	n := 0
	err := o.raw.Write(func(fd uintptr) bool {
		errno := error(syscall.EINTR)
		for errno == syscall.EINTR {
			n, errno = syscall.Write(int(fd), p)
		}
		o.closed = errno != nil && errno != syscall.EAGAIN
		return true // done, whatever came of it: not to be called again when there is room
	})
	if err != nil || o.closed { // the connection is gone, as whoever reads from it finds out
		o.closed = true
		return nil
	}
	return p[max(n, 0):]
}

// flush writes the queue, all that has come together in one system call, until it is empty.
func (o *outbox) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && !o.closed {
		batch, size := o.queue, o.size
		o.queue = nil
		if !o.closing {
			o.conn.SetWriteDeadline(time.Now().Add(takeTimeout))
		}
		o.mu.Unlock()
		_, err := batch.WriteTo(o.conn)
		o.mu.Lock()
		o.size -= size // not before: until it is written it costs memory
		if err != nil {
			o.closed = true
			if errors.Is(err, os.ErrDeadlineExceeded) && !o.closing {
				o.late()
			}
		}
	}
	o.conn.SetWriteDeadline(time.Time{}) // a deadline in the past would fail tryWrite
	o.flushing = false
	o.behind.Add(-1)
}

// close takes no more bytes, and waits a while for a person to take in what is queued.
func (o *outbox) close(patience time.Duration) {
	o.mu.Lock()
	o.closing = true
	if o.flushing {
		o.conn.SetWriteDeadline(time.Now().Add(patience))
	}
	o.mu.Unlock()
	o.flushers.Wait()
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
}
