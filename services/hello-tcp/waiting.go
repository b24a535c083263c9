package main

import (
	"container/list"
	"net"
	"sync"
)

// waiting holds the connections that are no use to anybody yet, the one to give up first in front.
// Where all places are taken, or the last descriptor is, it makes room: anyone can open a thousand connections and say nothing,
// and whoever has a request must get in all the same.
type waiting struct {
	mu    sync.Mutex
	conns list.List
	at    map[net.Conn]*list.Element
}

func (w *waiting) add(c net.Conn) { w.put(c, w.conns.PushBack) }

func (w *waiting) addFirst(c net.Conn) { w.put(c, w.conns.PushFront) }

func (w *waiting) put(c net.Conn, push func(any) *list.Element) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == nil {
		w.at = make(map[net.Conn]*list.Element)
	}
	w.at[c] = push(c)
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

// evict closes the first, and tells whether there was one.
func (w *waiting) evict() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.conns.Front()
	if e == nil {
		return false
	}
	c := w.conns.Remove(e).(net.Conn)
	delete(w.at, c)
	c.Close()
	return true
}
