package main

import "sync/atomic"

const (
	maxBacklog = 8 << 20        // what may wait to be taken in, before those who talk wait too
	farBehind  = maxBacklog / 2 // from here on a person has to hurry
)

// A backlog is what has been said and not yet been taken in by everyone: the pages from the slowest
// reader's on. While it is full, nobody is read from, and so TCP's window slows those who talk.
type backlog struct {
	behind atomic.Int64 // people for whom something waits
	full   atomic.Bool
	moved  chan struct{} // somebody has moved on while it was full

	// The room's:
	head    int64 // what all pages cost that ever waited for somebody
	slowest int64 // nobody stands before
}

// passed says that somebody has moved on.
func (b *backlog) passed() {
	if b.full.Load() {
		select {
		case b.moved <- struct{}{}:
		default: // the room is told already
		}
	}
}

// isFull reports whether the backlog is full. It looks where each reader stands only if it may be.
func (b *backlog) isFull(readers func(yield func(*outbox) bool)) bool {
	if b.head-b.slowest < maxBacklog { // they only move forward
		return false
	}
	b.full.Store(true) // before looking: nobody's move is missed
	b.slowest = b.head
	for o := range readers {
		b.slowest = min(b.slowest, o.standsAt.Load())
	}
	b.full.Store(b.head-b.slowest >= maxBacklog)
	return b.full.Load()
}
