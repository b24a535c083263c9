package main

import (
	"context"
	"fmt"
	"io"
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

const (
	byebye = "byebye" // ends a visit, from either side

	spare = 64 // connections beyond MaxConns that are being told so

	drainTime  = time.Second // how long, and how much, an ended conversation is still listened to
	drainBytes = 16 << 20
)

func serve(ctx context.Context, cfg Config, env app.Env) error {
	if cfg.Mode == inTurns && cfg.Backlog == 0 {
		cfg.Backlog = 1 // as in the textbook
	}
	lns, err := sockets.Listen(ctx, cfg.Listen, sockets.Options{Backlog: int(cfg.Backlog), Congestion: cfg.Congestion})
	if err != nil {
		return err
	}
	for _, ln := range lns {
		defer ln.Close() // the server does that too; where it never starts, a socket file must go all the same
	}
	s := newServer(cfg, env)
	health, err := ops.Start(ctx, cfg.Ops, env.Log, s.counts.collectors()...)
	if err != nil {
		return err
	}
	defer health.Close()
	s.term, err = terminal.Open(env.Stdin, env.Stdout, terminal.Options{Dropped: s.say.Dropped})
	if err != nil {
		return err
	}
	defer s.term.Close()
	if s.term.IsTTY() { // the log must not break the line that the operator types
		env.LogTo(s.term)
		defer env.LogTo(nil)
	}
	if s.term.IsTTY() || cfg.Mode == inTurns { // in a room nobody need answer: no prompt on a pipe
		s.term.SetPrompt(s.say.Ask)
	}
	for _, ln := range lns {
		env.Log.Info("listening", zap.String("addr", ln.Addr().Network()+"://"+ln.Addr().String()))
	}
	health.Ready()
	if cfg.Mode == inTurns {
		return s.serveTurns(ctx, lns...)
	}
	if cfg.Transcript {
		s.story = transcript.New(s.term, env.Lang.People)
	}
	var operator sync.WaitGroup
	operator.Go(func() { s.operate(s.term) })
	err = s.serveRoom(ctx, lns...)
	s.story.Close()
	s.term.Close() // ends operate
	operator.Wait()
	return err
}

type server struct {
	cfg    Config
	log    *zap.Logger
	term   *terminal.Terminal // the operator's
	story  *transcript.Transcript
	say    phrases // to people here
	wire   notices // to people there
	counts counts

	room    *room   // all are in it, or ...
	callers callers // ... they take turns
}

func newServer(cfg Config, env app.Env) *server {
	s := &server{cfg: cfg, log: env.Log, say: words.In(env.Lang.People), wire: wire.In(env.Lang.Wire), counts: newCounts()}
	s.room = newRoom(cfg, s.wire, s.counts)
	return s
}

func (s *server) serveRoom(ctx context.Context, lns ...net.Listener) error {
	go s.room.run()
	defer s.room.close()
	srv := tcpserver.Server{
		Handler: s.visit, MaxConns: int(s.cfg.MaxConns) + spare, Grace: s.cfg.ShutdownTimeout.D(), Log: s.log,
		Refuse: func(conn net.Conn) { // even the spare places are taken: the line, and no time for more
			conn.SetWriteDeadline(time.Now().Add(time.Millisecond)) // a new socket has room
			fmt.Fprintf(conn, s.wire.Full+"\n", s.cfg.MaxConns)
		},
	}
	return srv.Serve(ctx, lns...)
}

// An ending is how a visit ended: as the metrics and the transcript tell it.
type ending struct {
	label string
	why   func(phrases) string
}

var (
	saidByebye = &ending{"byebye", func(p phrases) string { return p.ByeBye }}
	endOfInput = &ending{"end_of_input", func(p phrases) string { return p.EndOfInput }}
	reset      = &ending{"reset", func(p phrases) string { return p.Reset }}
	idle       = &ending{"idle", func(p phrases) string { return p.Silent }}
	unfinished = &ending{"unfinished", func(p phrases) string { return p.NoEnd }}
	notReading = &ending{"not_reading", func(p phrases) string { return p.NotReading }}
	dismissed  = &ending{"dismissed", func(p phrases) string { return p.Dismissed }}
	stopped    = &ending{"stopped", func(p phrases) string { return p.Stopped }}
)

// visit is the lesson: come in, say what there is to say, leave. Each way to leave has its last word.
func (s *server) visit(ctx context.Context, conn net.Conn) error {
	visiting, leave := context.WithCancelCause(ctx) // ctx ends at a stop only, this one also where the room ends the visit
	defer leave(nil)
	p := &person{conn: conn, addr: sockets.Peer(conn.RemoteAddr()), end: leave}
	p.out = newOutbox(conn, &s.room.behind, p.drop)
	if refusal := s.room.join(p); refusal != "" {
		s.counts.visits.WithLabelValues("refused").Inc()
		p.send([]byte(refusal + "\n"))
		s.hangUp(ctx, p)
		return nil
	}
	s.story.Notef(s.say.Joined, p.addr, p.name.shown)

	v := visitor{person: p, server: s, limit: newLimiter(s.cfg.Rate), in: splitter{max: maxText}, heard: time.Now()}
	end := v.listen(visiting)
	s.counts.visits.WithLabelValues(end.label).Inc()
	s.story.Notef(s.say.Left, p.name.shown, end.why(s.say))

	switch end {
	case saidByebye:
		s.room.leave(p, byebye, s.wire.Left)
	case idle:
		s.room.leave(p, s.wire.Idle, s.wire.Left)
	case unfinished:
		s.room.leave(p, s.wire.Unfinished, s.wire.Left)
	case notReading:
		s.room.leave(p, "", s.wire.Dropped)
		return errNotReading
	case stopped:
		s.room.hush(p, s.cfg.ShutdownTimeout.D()/4)
		s.room.leave(p, "", s.wire.Left)
	default:
		s.room.leave(p, "", s.wire.Left)
	}
	s.hangUp(ctx, p)
	return nil
}

// hangUp ends a connection one direction at a time: what is queued is written, then our side is closed,
// then what the peer still sends is read and thrown away. To close while bytes are unread would send a
// reset, which may overtake the last words and destroy them (RFC 2525, section 2.17).
//
// ctx is the server's: a person whom the operator dismisses may take their time, at a stop there is little.
func (s *server) hangUp(ctx context.Context, p *person) {
	flush, drain := takeTimeout, drainTime
	if ctx.Err() != nil {
		flush, drain = s.cfg.ShutdownTimeout.D()/4, min(drain, s.cfg.ShutdownTimeout.D()/4)
	}
	p.out.close(flush)
	drainConn(p.conn, drain)
}

func drainConn(conn net.Conn, patience time.Duration) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	io.CopyN(io.Discard, conn, drainBytes)
}
