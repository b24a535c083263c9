package main

import (
	"context"
	"fmt"
	"net"

	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/tcpserver"
	"netlab.example/pkg/terminal"
	"netlab.example/pkg/transcript"
	"netlab.example/services/hello-tcp/lobby"
)

func serve(ctx context.Context, cfg Config, env app.Env) error {
	if cfg.IdleTimeout == 0 {
		return failure.Usage(fmt.Errorf("HELLO_TCP_IDLE_TIMEOUT=0: %w", language.Errorf("没有人这么快", "nobody is that fast")))
	}
	lns, err := sockets.Listen(ctx, cfg.Listen, sockets.Options{
		Backlog: int(cfg.Backlog), Congestion: cfg.Congestion, DeferAccept: bool(cfg.DeferAccept), NoKeepAlive: true,
	})
	if err != nil {
		return err
	}
	for _, ln := range lns {
		defer ln.Close() // if the server does not start, a socket file must go all the same
	}
	s := newServer(cfg, env)
	defer s.story.Close()
	defer terminal.Watch(env.Stdin, env.Stdout, s.say.Here)()
	health, err := ops.Start(ctx, cfg.Ops, env.Log, s.counts.collectors()...)
	if err != nil {
		return err
	}
	defer health.Close()
	for _, ln := range lns {
		env.Log.Info("listening", zap.String("addr", ln.Addr().Network()+"://"+ln.Addr().String()))
	}
	s.story.Printf("%s", s.say.Started)
	health.Ready()
	return s.serve(ctx, lns...)
}

type server struct {
	cfg    Config
	answer []byte
	log    *zap.Logger
	story  *transcript.Transcript
	say    phrases
	counts counts
	asked  asked
}

func newServer(cfg Config, env app.Env) *server {
	s := &server{
		cfg: cfg, answer: answerTo(cfg.Name), log: env.Log, say: words.In(env.Lang.People), counts: newCounts(),
	}
	if cfg.Transcript {
		s.story = transcript.New(env.Stdout, env.Lang.People)
	}
	return s
}

func (s *server) serve(ctx context.Context, lns ...net.Listener) error {
	srv := tcpserver.Server{
		Handler: s.handle, MaxConns: int(s.cfg.MaxConns), Grace: s.cfg.ShutdownTimeout.D(), Log: s.log,
		Full: s.asked.makeRoom,
	}
	fast := make([]net.Listener, len(lns))
	for i, ln := range lns {
		fast[i] = lobby.New(ln, maxHead, s.answerAtOnce, s.endedAtOnce)
	}
	return srv.Serve(ctx, fast...) // or lns: the lobby makes the server fast, and is no part of the lesson
}
