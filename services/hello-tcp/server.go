package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"netlab.example/pkg/sockets"
)

const (
	perhapsWait  = time.Second           // how long the beginning of a method may stay alone
	lastWait     = 20 * time.Millisecond // at a stop: for what has arrived and was not read
	writeTimeout = 5 * time.Second       // an answer is short: it fits the socket's buffer at once
	drainTime    = 10 * time.Second      // how long, and how much, an ended conversation is still listened to
	drainBytes   = 16 << 20
)

// handle is the lesson: read a request, answer it, close. What can go wrong is in how each step ends.
func (s *server) handle(ctx context.Context, conn net.Conn) error {
	peer := sockets.Peer(conn.RemoteAddr())
	s.story.Printf(s.say.Connected, peer)
	request, end := s.read(ctx, conn)
	defer func() { s.story.Printf(s.say.Closed, peer, s.say.Because[end]) }()
	s.asked.add(conn)
	defer s.asked.remove(conn)
	s.counts.requests.WithLabelValues(end.String()).Inc()
	if len(request) > 0 {
		s.story.Tell(func() string { return s.received(request, peer) })
	}

	answer := s.answer
	switch end {
	case overLimit:
		answer = []byte(answerTooLarge)
	case timedOut, stopped:
		answer = nil
	case reset, madeRoom:
		return nil
	}
	conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := conn.Write(answer); err != nil {
		end = reset
		return nil
	}
	// To close while bytes are unread, or still to come, is to send a reset. The reset may overtake the
	// answer, and then the peer sees "connection reset" in its place (RFC 2525, section 2.17). So such a
	// conversation is ended one direction at a time. A whole request leaves nothing to wait for.
	if end != complete || announcesMore(request) || sockets.Unread(conn) > 0 {
		s.drain(ctx, conn)
	}
	return nil
}

// An ending says how the reading of a request ended.
type ending int

const (
	complete  ending = iota
	overLimit        // an HTTP head of more than maxHead bytes
	timedOut         // not whole within IdleTimeout
	stopped          // not whole before the server's stop
	madeRoom         // we closed it, for a newcomer
	reset            // the peer has

	endings
)

func (e ending) String() string {
	return [endings]string{"complete", "over_limit", "timed_out", "stopped", "made_room", "reset"}[e]
}

// read collects a request until it is whole. One deadline bounds it from the first byte to the last:
// a deadline for each read would let a peer that sends a byte now and then stay for ever.
func (s *server) read(ctx context.Context, conn net.Conn) ([]byte, ending) {
	deadline := time.Now().Add(s.cfg.IdleTimeout.D())
	var alone time.Time // until when a method's beginning may stay alone
	var last time.Time  // until when, at a stop, what has arrived is read
	buf := make([]byte, 0, 1024)
	for {
		until := deadline
		switch look(buf) {
		case whole:
			return buf, complete
		case tooLarge:
			return buf, overLimit
		case perhaps:
			if alone.IsZero() {
				alone = time.Now().Add(perhapsWait)
			}
			if alone.Before(deadline) {
				until = alone
			}
		}
		conn.SetReadDeadline(until)
		if ctx.Err() != nil { // looked at after the deadline is set: see package tcpserver
			if last.IsZero() {
				last = time.Now().Add(lastWait)
			}
			conn.SetReadDeadline(last)
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, maxHead), buf...)
		}
		n, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == nil:
		case errors.Is(err, io.EOF): // the peer has said all it wants to say
			if look(buf) == tooLarge {
				return buf, overLimit
			}
			return buf, complete
		case errors.Is(err, os.ErrDeadlineExceeded):
			if ctx.Err() != nil {
				return buf, stopped
			}
			if look(buf) == perhaps && until == alone {
				return buf, complete // no method after all, but a short word
			}
			return buf, timedOut
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed): // we closed it
			if ctx.Err() != nil {
				return buf, stopped
			}
			return buf, madeRoom
		default:
			return buf, reset
		}
	}
}

// drain half-closes, so that the peer reads the end of our answer, and then reads what the peer still
// sends until it, too, has ended. The bounds keep a peer that never ends from staying.
func (s *server) drain(ctx context.Context, conn net.Conn) {
	if sockets.CloseWrite(conn) != nil {
		return
	}
	s.asked.remove(conn) // who has an answer may make room again
	conn.SetReadDeadline(time.Now().Add(drainTime))
	if ctx.Err() != nil {
		conn.SetReadDeadline(time.Now().Add(min(drainTime, s.cfg.ShutdownTimeout.D()/2)))
	}
	io.CopyN(io.Discard, conn, drainBytes)
}
