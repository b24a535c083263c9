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
	"context"
	"errors"
	"fmt"
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

	// InTurn leaves newcomers in the backlog of listen(2) while MaxConns are open: nobody is accepted
	// before there is a place, nobody is refused, and neither MakeRoom nor Refuse is called.
	InTurn bool

	// MakeRoom is called where a newcomer finds no place: MaxConns are open, or no descriptor is left.
	// It closes the connection that is worth least, and tells whether there was one. It must not wait.
	// Nil makes none.
	MakeRoom func() bool

	// Refuse tells a newcomer why it is closed: MaxConns are open, and nobody made room. It must not
	// wait. Nil closes without a word.
	Refuse func(newcomer net.Conn)

	// Begin, if set, is called for each connection before its Handler, one after the other on each
	// listener: in the order of arrival, which goroutines do not keep. It must not wait.
	Begin func(net.Conn)

	places chan struct{} // one in it for each open connection
	door   chan struct{} // one in it while a newcomer takes a place

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Serve accepts on all listeners until ctx ends, then stops as described above and returns nil.
// Where a listener breaks it stops too, and returns the error.
func (s *Server) Serve(ctx context.Context, lns ...net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.conns = make(map[net.Conn]struct{})
	s.places = make(chan struct{}, s.MaxConns)
	s.door = make(chan struct{}, 1)

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
		if s.InTurn {
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
			if s.makeRoom(err) {
				pause = minPause // for the place to get free: whoever had it may be in the middle of a read
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
		s.track(ctx, conn)
		if s.Begin != nil {
			s.Begin(conn)
		}
		handlers.Go(func() {
			defer func() { <-s.places }()
			defer s.drop(conn)
			if err := s.Handler(ctx, conn); err != nil {
				s.Log.Warn("connection", remote(conn), zap.String("error", text.Escape(err.Error())))
			}
		})
	}
}

// enter takes a place for conn, and tells whether it got one. It does so for one newcomer at a time: else
// another listener's might take the place that was just made, and this one would wait, and whoever is
// behind it, until somebody leaves of their own accord.
func (s *Server) enter(ctx context.Context, conn net.Conn) bool {
	select {
	case s.door <- struct{}{}:
		defer func() { <-s.door }()
	case <-ctx.Done():
		return false
	}
	select {
	case s.places <- struct{}{}:
		return true
	default:
	}
	if !s.InTurn && (s.MakeRoom == nil || !s.MakeRoom()) {
		s.Log.Warn("refused: too many connections", remote(conn), zap.Int("max", s.MaxConns))
		if s.Refuse != nil {
			s.Refuse(conn)
		}
		return false
	}
	select {
	case s.places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// makeRoom tells whether somebody was sent away because of err. Without that, a crowd that says nothing would
// keep the last descriptor, and so everybody else out, for as long as it is patient.
func (s *Server) makeRoom(err error) bool {
	return (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) && !s.InTurn && s.MakeRoom != nil && s.MakeRoom()
}

// passing tells errors that go away by themselves: no descriptors or memory left for the moment, or a peer
// that was gone before it was accepted.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM, syscall.EPROTO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// remote names conn's peer in the log, made harmless: a client on AF_UNIX chooses its own path, an error of the
// connection has it too, and the log leaves alone what changes a screen beyond ASCII, such as U+009B and U+202E.
func remote(conn net.Conn) zap.Field { return zap.String("remote", sockets.Peer(conn.RemoteAddr())) }

func (s *Server) track(ctx context.Context, conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[conn] = struct{}{}
	if ctx.Err() != nil { // the stop went by before conn was in the map
		conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (s *Server) drop(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	conn.Close()
}

func (s *Server) each(f func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		f(c)
	}
}
