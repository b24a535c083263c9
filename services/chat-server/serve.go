package main

import (
	"context"
	"fmt"
	"iter"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/tcpserver"
	"netlab.example/pkg/terminal"
	"netlab.example/pkg/transcript"
)

const spare = 64 // connections beyond MaxConns that are being told so

func serve(ctx context.Context, cfg Config, env app.Env) error {
	if cfg.Mode == inTurns && cfg.Backlog == 0 {
		cfg.Backlog = 1 // as in the textbook
	}
	lns, err := sockets.Listen(ctx, cfg.Listen, sockets.Options{Backlog: int(cfg.Backlog), Congestion: cfg.Congestion})
	if err != nil {
		return err
	}
	for _, ln := range lns {
		defer ln.Close() // the server does that too; if it never starts, a socket file must go all the same
	}
	counts := newCounts()
	health, err := ops.Start(ctx, cfg.Ops, env.Log, counts.collectors()...)
	if err != nil {
		return err
	}
	defer health.Close()
	say := words.In(env.Lang.People)
	open := openTerminal
	if cfg.Mode == inTurns {
		open = openTurns
	}
	term, err := open(env, say)
	if err != nil {
		return err
	}
	defer term.Close()
	if term.IsTTY() { // the log must not break the line that the operator types
		env.LogTo(term)
		defer env.LogTo(nil)
	}
	for _, ln := range lns {
		env.Log.Info("listening", zap.String("addr", ln.Addr().Network()+"://"+ln.Addr().String()))
	}
	health.Ready()
	if cfg.Mode == inTurns {
		return newTurns(cfg, env, counts, term).serve(ctx, lns...)
	}
	s := newServer(cfg, env, counts)
	if cfg.Transcript {
		s.story = transcript.On(term, env.Lang.People)
	}
	var operator sync.WaitGroup
	operator.Go(func() { s.operate(term) })
	err = s.serve(ctx, lns...)
	s.story.Close()
	term.Close() // ends operate
	operator.Wait()
	return err
}

// openTerminal opens the operator's terminal, for a room.
func openTerminal(env app.Env, say phrases) (*terminal.Terminal, error) {
	term, err := terminal.Open(env.Stdin, env.Stdout, terminal.Options{Lang: env.Lang.People, Greet: func() string { return say.YouOperate }})
	if err == nil && term.IsTTY() { // nobody need answer: no prompt on a pipe
		term.SetPrompt(say.Ask)
	}
	return term, err
}

// A server is the room, and what each connection to it needs.
type server struct {
	cfg    Config
	log    *zap.Logger
	story  *transcript.Transcript
	say    phrases // to the operator
	wire   notices // to the people in the room
	counts counts
	room   *room
}

func newServer(cfg Config, env app.Env, counts counts) *server {
	wire := wire.In(env.Lang.Wire)
	return &server{cfg: cfg, log: env.Log, say: words.In(env.Lang.People), wire: wire, counts: counts, room: newRoom(cfg, wire, counts)}
}

func (s *server) serve(ctx context.Context, lns ...net.Listener) error {
	go s.room.run()
	defer s.room.close()
	defer context.AfterFunc(ctx, func() { s.room.stop(s.cfg.ShutdownTimeout.D() * 3 / 8) })()
	srv := tcpserver.Server{
		Handler: s.visit, MaxConns: int(s.cfg.MaxConns) + spare, Grace: s.cfg.ShutdownTimeout.D(), Log: s.log,
		Full: func(_ iter.Seq[net.Conn], newcomer net.Conn) net.Conn { // even the spare places are taken: the line, and no time for more
			if newcomer != nil {
				newcomer.SetWriteDeadline(time.Now().Add(time.Millisecond)) // a new socket has room
				fmt.Fprintf(newcomer, s.wire.Full+"\n", s.cfg.MaxConns)
			}
			return newcomer
		},
	}
	return srv.Serve(ctx, lns...)
}
