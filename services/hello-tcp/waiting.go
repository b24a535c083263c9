package main

import (
	"container/list"
	"net"
	"sync"

	"netlab.example/pkg/sockets"
)

// lookedAt is how many are looked at to find the one that makes room: it is done in the accept loop.
const lookedAt = 16

// waiting holds the connections that are no use to anybody yet, the one to give up first in front.
// Where all places are taken, or the last descriptor is, it makes room: anyone can open a thousand
// connections and say nothing, and whoever has a request must get in all the same.
type waiting struct {
	mu    sync.Mutex
	conns list.List // of *place
	at    map[net.Conn]*list.Element
}

type place struct {
	net.Conn
	answered bool
}

func (w *waiting) add(c net.Conn) { w.put(&place{c, false}, w.conns.PushBack) }

// addAnswered is for a conversation that has had its answer: it is the first to make room.
func (w *waiting) addAnswered(c net.Conn) { w.put(&place{c, true}, w.conns.PushFront) }

func (w *waiting) put(p *place, push func(any) *list.Element) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == nil {
		w.at = make(map[net.Conn]*list.Element)
	}
	w.at[p.Conn] = push(p)
}

// remove tells whether c was still there: evict may have been faster.
func (w *waiting) remove(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, ok := w.at[c]
	if ok {
		w.conns.Remove(e)
		delete(w.at, c)
	}
	return ok
}

// evict closes the first, and tells whether there was one. It passes over those whose words have arrived
// and are not read yet: they have asked, and a busy server is late.
func (w *waiting) evict() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := w.conns.Front()
	if first == nil {
		return false
	}
	for e, n := first, 0; e != nil && n < lookedAt; e, n = e.Next(), n+1 {
		if p := e.Value.(*place); p.answered || sockets.Unread(p.Conn) == 0 {
			first = e
			break
		}
	}
	c := w.conns.Remove(first).(*place).Conn
	delete(w.at, c)
	c.Close()
	return true
}
