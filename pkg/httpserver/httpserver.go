// Package httpserver keeps a place free for the next client of an http.Server that few use: health checks,
// Prometheus, the commands of a wire.
//
// A crowd of connections that say nothing must not lock out the one that has a question. So when all places are
// taken, the connection that has been without a request for the longest time is closed. A request counts when it is
// whole: a client that sends it byte by byte is closed too.
package httpserver

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"netlab.example/pkg/sockets"
)

const (
	maxBody    = 64 << 10    // bytes of a request's body that belong to it
	refuseTime = time.Second // for a refused client to read why
)

// Places are a server's connections: at most a number of them.
type Places struct {
	most     int
	refusing chan struct{} // one in it for each connection that is being told so

	mu    sync.Mutex
	conns list.List // of *conn, the one to make room first in front
}

// Limit gives srv at most most connections. It is called before srv serves, on the listeners that On returns.
func Limit(srv *http.Server, most int) *Places {
	p := &Places{most: most, refusing: make(chan struct{}, most)}
	handler := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return // the client is gone, or too slow
		}
		r.Body = readCloser{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		c := r.Context().Value(connKey{}).(*conn)
		p.busy(c, true)
		defer p.busy(c, false)
		handler.ServeHTTP(w, r)
	})
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	return p
}

type connKey struct{}

type readCloser struct {
	io.Reader
	io.Closer
}

// On is ln with the places.
func (p *Places) On(ln net.Listener) net.Listener { return &listener{ln, p} }

type listener struct {
	net.Listener
	places *Places
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.places.enter(c); c != nil {
			return c, nil
		}
		select {
		case l.places.refusing <- struct{}{}:
			go l.places.refuse(c)
		default:
			c.Close()
		}
	}
}

// refuse says what is full. It reads the request too: to close while bytes are unread would destroy the answer.
func (p *Places) refuse(c net.Conn) {
	defer func() { <-p.refusing }()
	defer c.Close()
	c.SetDeadline(time.Now().Add(refuseTime))
	why := fmt.Sprintf("all %d connections of this listener are in use\n", p.most)
	fmt.Fprintf(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(why), why)
	sockets.CloseWrite(c)
	io.CopyN(io.Discard, c, maxBody)
}

// enter gives c a place, or returns nil if all others are being answered.
func (p *Places) enter(c net.Conn) net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns.Len() >= p.most {
		idle := p.longest()
		if idle == nil {
			return nil
		}
		p.conns.Remove(idle.place)
		idle.Conn.Close()
	}
	entered := &conn{Conn: c, places: p}
	entered.place = p.conns.PushBack(entered)
	return entered
}

// longest is the connection that has been without a request the longest. It passes over those whose request has
// arrived and is not read yet, if there are others. Called with mu held.
func (p *Places) longest() (first *conn) {
	for e := p.conns.Front(); e != nil; e = e.Next() {
		c := e.Value.(*conn)
		switch {
		case c.busy:
		case sockets.Unread(c.Conn) == 0:
			return c
		case first == nil:
			first = c
		}
	}
	return first
}

func (p *Places) busy(c *conn, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.busy = on
	p.conns.MoveToBack(c.place)
}

type conn struct {
	net.Conn
	places *Places
	place  *list.Element
	busy   bool // its request is being answered
}

func (c *conn) Close() error {
	c.places.mu.Lock()
	c.places.conns.Remove(c.place) // if it has made room, it is out of the list already, and this does nothing
	c.places.mu.Unlock()
	return c.Conn.Close()
}
