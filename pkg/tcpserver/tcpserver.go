// Package tcpserver is the accept loop that the lab's stream servers share.
//
// A textbook's loop is eight lines: accept, handle, close, again. It serves one peer at a time, so
// one silent peer stops it for all; it ends at the first error of accept(2), which any peer can
// cause; it has no end. This one gives each connection a goroutine of its own, bounds how many
// there are, waits out errors that pass, and stops in order:
//
//	close the listeners            nobody new
//	past read deadline on all      every handler wakes from its read, sees ctx.Err(), says goodbye
//	wait up to Grace               conversations end
//	close the rest                 and wait: no goroutine outlives Serve
//
// A handler's read loop arms its deadline, then looks at ctx.Err(), then reads. In this order a stop
// is never missed: either the check sees it, or the past deadline came after the one just armed.
package tcpserver

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/sockets"
	"netlab.example/pkg/text"
)

// The pauses after an error of accept(2) that passes, and the longest time between two lines about it.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// A Handler serves one connection, which is closed when it returns. ctx ends when the server stops.
// Its error is logged once, as a peer's misbehaviour; normal ends (the peer is gone, a stop) are nil.
type Handler func(ctx context.Context, conn net.Conn) error

// A Server's fields are set before Serve and not changed.
type Server struct {
	Handler  Handler
	MaxConns int           // most connections at a time
	Grace    time.Duration // longest wait for handlers at a stop
	Log      *zap.Logger

	// Full chooses the connection that leaves when there is no place for a newcomer: one of those that are open,
	// the oldest first, or the newcomer itself, which it may tell why. When no descriptor is left, the newcomer is
	// nil: it cannot be accepted. The chosen one is closed. Full must not wait, nor keep the sequence.
	//
	// If Full is nil, nobody leaves: newcomers stay in the backlog of listen(2) until there is a place.
	Full func(oldest iter.Seq[net.Conn], newcomer net.Conn) (leaves net.Conn)

	places   chan struct{} // one in it for each open connection
	entering chan struct{} // one in it while a newcomer takes a place

	mu    sync.Mutex
	conns list.List // of net.Conn, in the order of their arrival on each listener
}

// Serve accepts on all listeners until ctx ends, then stops as described above and returns nil.
// If a listener breaks, it stops too, and returns the error.
func (s *Server) Serve(ctx context.Context, lns ...net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.places = make(chan struct{}, s.MaxConns)
	s.entering = make(chan struct{}, 1)

	var loops, handlers sync.WaitGroup
	for _, ln := range lns {
		loops.Go(func() {
			if err := s.accept(ctx, ln, &handlers); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	for _, ln := range lns {
		ln.Close()
	}
	s.each(func(c net.Conn) { c.SetReadDeadline(time.Unix(1, 0)) })
	loops.Wait() // before handlers.Wait: a loop adds to handlers

	ended := make(chan struct{})
	go func() { handlers.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(s.Grace):
		s.each(func(c net.Conn) { c.Close() })
		<-ended
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (s *Server) accept(ctx context.Context, ln net.Listener, handlers *sync.WaitGroup) error {
	var pause time.Duration
	var told time.Time // when the log last heard of an error
	for {
		if s.Full == nil {
			select {
			case s.places <- struct{}{}: // there is a place; another listener's newcomer may be faster
				<-s.places
			case <-ctx.Done():
				return nil
			}
		}
		conn, err := ln.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			if !passing(err) {
				return fmt.Errorf("accept: %w", err)
			}
			pause = min(max(2*pause, minPause), maxPause)
			if (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) && s.makeRoom(nil) {
				pause = minPause // for the descriptor to get free: its handler may be in the middle of a read
			}
			if time.Since(told) >= maxPause {
				told = time.Now()
				s.Log.Warn("accept", zap.Error(err), zap.Duration("pause", pause))
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		if !s.enter(ctx, conn) {
			conn.Close()
			continue
		}
		tracked := s.track(ctx, conn) // here, not in the goroutine: goroutines do not keep the order of arrival
		handlers.Go(func() {
			defer func() { <-s.places }()
			defer s.drop(tracked)
			if err := s.Handler(ctx, conn); err != nil {
				s.Log.Warn("connection", remote(conn), zap.String("error", text.Escape(err.Error())))
			}
		})
	}
}

// enter takes a place for conn, and reports whether it got one. It does so for one newcomer at a time: otherwise
// another listener's newcomer could take the place that was just made, and this one would wait, with all who are
// behind it, until somebody leaves.
func (s *Server) enter(ctx context.Context, conn net.Conn) bool {
	select {
	case s.entering <- struct{}{}:
		defer func() { <-s.entering }()
	case <-ctx.Done():
		return false
	}
	select {
	case s.places <- struct{}{}:
		return true
	default:
	}
	if s.Full != nil && !s.makeRoom(conn) {
		s.Log.Warn("refused: too many connections", remote(conn), zap.Int("max", s.MaxConns))
		return false
	}
	select {
	case s.places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// makeRoom reports whether somebody leaves for a newcomer. Without it, a crowd that says nothing would keep the last
// place, or the last descriptor, for as long as it is patient.
func (s *Server) makeRoom(newcomer net.Conn) bool {
	if s.Full == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	leaves := s.Full(s.oldest, newcomer)
	if leaves == nil || leaves == newcomer {
		return false
	}
	for e := s.conns.Front(); e != nil; e = e.Next() {
		if e.Value == leaves {
			s.conns.Remove(e) // so that nobody is chosen twice; its handler finds out and returns
			break
		}
	}
	leaves.Close()
	return true
}

// passing reports whether an error goes away by itself: no descriptors or memory left for the moment, or a peer
// that was gone before it was accepted.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM, syscall.EPROTO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// remote names conn's peer in the log, escaped: a client on AF_UNIX chooses its own path, and the log leaves alone what
// changes a screen beyond ASCII, such as U+009B and U+202E.
func remote(conn net.Conn) zap.Field { return zap.String("remote", sockets.Peer(conn.RemoteAddr())) }

func (s *Server) track(ctx context.Context, conn net.Conn) *list.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil { // the stop went by before conn was in the list
		conn.SetReadDeadline(time.Unix(1, 0))
	}
	return s.conns.PushBack(conn)
}

func (s *Server) drop(tracked *list.Element) {
	s.mu.Lock()
	conn := s.conns.Remove(tracked).(net.Conn)
	s.mu.Unlock()
	conn.Close()
}

func (s *Server) each(f func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.oldest {
		f(c)
	}
}

// oldest yields the open connections in the order of their arrival. Called with mu held.
func (s *Server) oldest(yield func(net.Conn) bool) {
	for e := s.conns.Front(); e != nil && yield(e.Value.(net.Conn)); e = e.Next() {
	}
}
