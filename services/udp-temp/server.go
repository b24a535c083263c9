package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/transcript"
)

const (
	drainTime = 100 * time.Millisecond // at a stop, for what has been received and not yet answered
	maxPause  = time.Second            // after an error of the socket
)

func serve(ctx context.Context, cfg Config, env app.Env) error {
	conns, err := sockets.ListenPacket(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	for _, c := range conns {
		defer c.Close()
	}
	s := newServer(cfg, env, conns...)
	defer s.story.Close()
	health, err := ops.Start(ctx, cfg.Ops, env.Log, s.counts.collectors()...)
	if err != nil {
		return err
	}
	defer health.Close()
	for _, c := range conns {
		addr := c.LocalAddr().Network() + "://" + c.LocalAddr().String()
		env.Log.Info("listening", zap.String("addr", addr))
		if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
			s.story.Printf(s.say.Bound, strconv.Itoa(a.Port), addr)
		} else {
			s.story.Printf(s.say.BoundUnix, addr)
		}
	}
	health.Ready()
	return s.serve(ctx)
}

type server struct {
	conns  []net.PacketConn
	wire   wire
	own    *own
	limit  *limiter
	counts *counts
	log    *zap.Logger
	story  *transcript.Transcript
	say    phrases
	grace  time.Duration
}

func newServer(cfg Config, env app.Env, conns ...net.PacketConn) *server {
	s := &server{
		conns: conns, wire: wireWords.In(env.Lang.Wire), own: newOwn(conns...), limit: newLimiter(), counts: newCounts(),
		log: env.Log, say: words.In(env.Lang.People), grace: min(drainTime, cfg.ShutdownTimeout.D()),
	}
	if cfg.Transcript {
		s.story = transcript.New(env.Stdout, env.Lang.People)
	}
	return s
}

// serve answers on all sockets until ctx ends, and returns nil then; or a socket's error.
func (s *server) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var loops sync.WaitGroup
	for _, conn := range s.conns {
		loops.Go(func() {
			if err := s.answerAll(ctx, conn); err != nil {
				cancel(err)
			}
		})
	}
	loops.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// answerAll is the lesson: receive, answer, send. There is nobody to accept and nobody to close; a
// datagram is all there is of a client. So no datagram may end the loop, slow it or grow it.
func (s *server) answerAll(ctx context.Context, conn net.PacketConn) error {
	// A stop is a deadline: what came before it is still answered.
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now().Add(s.grace)) })()
	b, err := newBatch(conn)
	if err != nil {
		return err
	}
	pause := time.Duration(0)
	for {
		received, err := b.receive()
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
		b.send(received, s.lost)
	}
}

// answer puts the answer to d into it, or nothing.
func (s *server) answer(d *datagram) {
	c, k := parse(d.data, d.cut)
	if s.own.has(&d.from) {
		k = ourself
	}
	s.counts.received[k].Inc()
	d.answer = s.wire.appendAnswer(d.answer[:0], c, k)
	why := &s.say.Quiet[k]
	if k.refused() && !s.limit.allow(&d.from) {
		s.counts.lost[limited].Inc()
		d.answer = d.answer[:0]
		why = &s.say.Limited
	}
	if len(d.answer) > 0 {
		s.story.Printf(s.say.Answered, (*host)(&d.from), (*port)(&d.from), (*excerpt)(&d.data), (*excerpt)(&d.answer))
	} else {
		s.story.Printf(s.say.Silent, (*host)(&d.from), (*port)(&d.from), (*excerpt)(&d.data), why)
	}
}

// lost counts an answer that could not be sent. Nothing is tried again: whoever still wants it will ask again.
func (s *server) lost(d *datagram, err error) {
	s.counts.lost[lossOf(err)].Inc()
	s.story.Printf(s.say.Lost, (*host)(&d.from), (*port)(&d.from), err)
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
