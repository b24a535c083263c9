package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/tcpserver"
	"netlab.example/pkg/terminal"
	"netlab.example/pkg/text"
	"netlab.example/pkg/transcript"
)

const answerTimeout = 30 * time.Second // for a peer to take in an answer

// turns is the textbook's chat: one peer at a time talks with the operator, and the next waits in the
// backlog of listen(2), connected as far as it can see, and not accepted.
type turns struct {
	cfg    Config
	log    *zap.Logger
	term   *terminal.Terminal // the operator's
	say    phrases
	counts counts
	story  *transcript.Transcript
}

func newTurns(cfg Config, env app.Env, counts counts, term *terminal.Terminal) *turns {
	t := &turns{cfg: cfg, log: env.Log, term: term, say: words.In(env.Lang.People), counts: counts}
	if cfg.Transcript {
		t.story = transcript.On(term, env.Lang.People)
	}
	return t
}

// openTurns opens the operator's terminal. What is typed there while no peer waits for an answer is thrown away: it
// would be sent to whoever comes next.
func openTurns(env app.Env, say phrases) (*terminal.Terminal, error) {
	return terminal.Open(env.Stdin, env.Stdout, terminal.Options{
		Prompt: say.Ask, Lang: env.Lang.People, OutOfTurn: say.NotNow, Greet: func() string { return say.YouAnswer },
	})
}

func (t *turns) serve(ctx context.Context, lns ...net.Listener) error {
	defer t.story.Close()
	srv := tcpserver.Server{
		Handler: t.converse, MaxConns: 1, Grace: t.cfg.ShutdownTimeout.D(), Log: t.log,
	}
	return srv.Serve(ctx, lns...)
}

// converse is one conversation, from its first message to its end.
func (t *turns) converse(ctx context.Context, conn net.Conn) error {
	addr := sockets.Peer(conn.RemoteAddr())
	t.story.Notef(t.say.Connected, addr)
	t.counts.people.Inc()
	end := t.alternate(ctx, conn)
	t.counts.people.Dec()
	t.counts.visits.WithLabelValues(end.label).Inc()
	t.story.Notef(t.say.Closed, addr)

	drain := drainTime
	if ctx.Err() != nil {
		drain = min(drain, t.cfg.ShutdownTimeout.D()/2)
	}
	drainConn(conn, drain)
	return nil
}

// alternate is the lesson: the two sides take turns, the peer begins, and one read is one message. That works as
// long as both keep to it, and messages are short. A room cannot rely on either.
//
//	peer                     operator
//	你好             -->
//	                 <--     hello
//	byebye           -->               (or <--: either side may end it)
func (t *turns) alternate(ctx context.Context, conn net.Conn) *ending {
	buf := make([]byte, maxText)
	for {
		n, end := t.hear(ctx, conn, buf)
		if end != nil {
			return end
		}
		message := plain(buf[:n])
		if saysByebye(message) {
			return saidByebye
		}
		tell(t.term, t.say.Received, text.Escape(message)) // no part of the transcript: the operator has to answer it
		t.counts.messages.Inc()

		answer, end := t.operatorsTurn(ctx, conn)
		if answer != "" {
			conn.SetWriteDeadline(time.Now().Add(answerTimeout))
			if _, err := io.WriteString(conn, answer); err != nil {
				return reset
			}
			t.counts.deliveries.Inc()
		}
		if end != nil {
			return end
		}
	}
}

// hear reads one message. The end of the peer's input counts as byebye.
func (t *turns) hear(ctx context.Context, conn net.Conn, buf []byte) (n int, end *ending) {
	var deadline time.Time
	if t.cfg.IdleTimeout > 0 {
		deadline = time.Now().Add(t.cfg.IdleTimeout.D())
	}
	conn.SetReadDeadline(deadline)
	err := os.ErrDeadlineExceeded
	if ctx.Err() == nil { // looked at after the deadline is set: see package tcpserver
		n, err = conn.Read(buf)
	}
	switch {
	case n > 0: // whatever err is, it comes again
		return n, nil
	case errors.Is(err, io.EOF):
		return 0, endOfInput
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return 0, reset
	}
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	io.WriteString(conn, byebye) // the one word that a peer understands here
	if ctx.Err() != nil {
		return 0, stopped
	}
	return 0, idle
}

// operatorsTurn asks the operator for an answer. If there is none, because their input is at its end or the server
// stops, the answer is the word that ends the chat; if the peer is gone, it is "".
func (t *turns) operatorsTurn(ctx context.Context, conn net.Conn) (answer string, end *ending) {
	turn, over := context.WithCancelCause(ctx)
	defer over(nil)
	stop := watch(conn, func(peeked []byte, err error) {
		switch {
		case saysByebye(plain(peeked)): // they do not wait for the answer
			over(errByebye)
		case errors.Is(err, io.EOF): // they may still read it
			tell(t.term, "%s", t.say.PeerEnded)
		case err != nil:
			over(err)
		}
	})
	defer stop()
	for {
		line, err := t.term.ReadLineContext(turn)
		switch {
		case ctx.Err() != nil:
			return byebye, stopped
		case errors.Is(context.Cause(turn), errByebye):
			return "", saidByebye
		case turn.Err() != nil:
			return "", reset
		case errors.Is(err, terminal.ErrInterrupt):
			tell(t.term, t.say.GoesOn, os.Getpid())
		case errors.Is(err, terminal.ErrTooLong):
			tell(t.term, t.say.TooLong, maxText)
		case typed{line, err}.leaves():
			return byebye, dismissed
		case line == "" || !fits(t.term, t.say, line): // nothing cannot be sent: the peer would wait for ever
		default:
			return line, nil
		}
	}
}
