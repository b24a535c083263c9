package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/text"
	"netlab.example/services/udp-temp/batch"
)

const (
	drainTime  = 100 * time.Millisecond // at a stop, for what has been received and not yet answered
	maxPause   = time.Second            // after an error of the socket
	shownBytes = 100                    // of a datagram, in the transcript
)

// answerAll is the lesson: receive, answer, send. There is nobody to accept and nobody to close; a
// datagram is all there is of a client. So no datagram may end the loop, slow it or grow it.
func (s *server) answerAll(ctx context.Context, conn net.PacketConn) error {
	// A stop is a deadline: what came before it is still answered.
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now().Add(s.grace)) })()
	b, err := batch.New(conn)
	if err != nil {
		return err
	}
	pause := time.Duration(0)
	for {
		received, err := b.Receive()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // no memory for the moment, or news of some earlier answer: it passes
			pause = min(max(2*pause, time.Millisecond), maxPause)
			s.log.Warn("receive", zap.Error(err), zap.Duration("pause", pause))
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		for i := range received {
			s.answer(&received[i])
		}
		b.Send(received, s.lost)
	}
}

// answer puts the answer to d into it, or nothing.
func (s *server) answer(d *batch.Datagram) {
	c, k := parse(d.Data, d.Cut)
	s.counts.received[k].Inc()
	why := s.say.Quiet[k]
	if k.refused() && !s.limit.allow(d.From) {
		s.counts.lost[limited].Inc()
		why = s.say.Limited
	}
	if why != "" {
		d.Answer = d.Answer[:0]
		s.story.Tell(func() string {
			return fmt.Sprintf(s.say.Silent, host(d.From), port(d.From), text.Line(d.Data, shownBytes), why)
		})
		return
	}
	d.Answer = s.wire.appendAnswer(d.Answer[:0], c, k)
	s.story.Tell(func() string {
		return fmt.Sprintf(s.say.Answered, host(d.From), port(d.From), text.Line(d.Data, shownBytes), text.Line(d.Answer, shownBytes))
	})
}

// lost counts an answer that could not be sent. Nothing is tried again: who still wants it asks again.
func (s *server) lost(d *batch.Datagram, err error) {
	s.counts.lost[lossOf(err)].Inc()
	s.story.Tell(func() string { return fmt.Sprintf(s.say.Lost, host(d.From), port(d.From), err) })
}

func lossOf(err error) loss {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return gone
	case errors.Is(err, syscall.ENOTCONN), errors.Is(err, syscall.EDESTADDRREQ):
		return unnamed
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOBUFS), errors.Is(err, os.ErrDeadlineExceeded):
		return full
	}
	return failed
}

func host(a batch.Address) string {
	switch ip := a.UDP.Addr(); {
	case !ip.IsValid():
		return "unix"
	case ip.Is6():
		return "[" + text.Escape(ip.String()) + "]"
	default:
		return ip.String()
	}
}

func port(a batch.Address) string {
	if a.UDP.IsValid() {
		return strconv.Itoa(int(a.UDP.Port()))
	}
	return text.Escape(string(a.Path)) // a client may put anything into its name
}
