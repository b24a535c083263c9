package main

import (
	"iter"
	"net"
	"sync"

	"netlab.example/pkg/sockets"
)

// lookedAt bounds the search for the one that makes room: the accept loop waits for it.
const lookedAt = 16

// asked holds the connections whose request is being answered. All others wait, and are no use to anybody yet. When
// all places, or the last descriptor, are taken, one of those makes room: anyone can open a thousand connections
// and say nothing, and a client that has a request must get in all the same.
type asked struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func (a *asked) add(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns == nil {
		a.conns = make(map[net.Conn]struct{})
	}
	a.conns[c] = struct{}{}
}

func (a *asked) remove(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, c)
}

// makeRoom chooses the connection that has waited longest for its request. It passes over those whose words have
// arrived and are not read yet: they have asked, and a busy server is late.
func (a *asked) makeRoom(oldest iter.Seq[net.Conn], _ net.Conn) (leaves net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for c := range oldest {
		if _, ok := a.conns[c]; ok {
			continue
		}
		if sockets.Unread(c) == 0 {
			return c
		}
		if n++; n == 1 { // if all have asked, one leaves nevertheless
			leaves = c
		}
		if n == lookedAt {
			break
		}
	}
	return leaves
}
