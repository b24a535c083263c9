package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/terminal"
	"netlab.example/pkg/transcript"
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
	defer terminal.Watch(env.Stdin, env.Stdout, s.say.Here)()
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
	limit  *limiter
	counts *counts
	log    *zap.Logger
	story  *transcript.Transcript
	say    phrases
	grace  time.Duration
}

func newServer(cfg Config, env app.Env, conns ...net.PacketConn) *server {
	s := &server{
		conns: conns, wire: wireWords.In(env.Lang.Wire), limit: newLimiter(), counts: newCounts(),
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
