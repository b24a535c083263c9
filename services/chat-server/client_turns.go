package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/text"
)

// A turnsClient is the textbook's client: what was typed is sent as it is, with no newline, and one read of the
// answer is the whole answer. The two sides take turns until one of them says byebye.
type turnsClient struct{ *chatter }

func (c *turnsClient) run(ctx context.Context) error {
	conn, err := sockets.Dial(ctx, c.cfg.Server, c.cfg.Congestion)
	if err == nil {
		defer conn.Close()
		tell(c.term, "%s", c.say.Reached)
		err = c.alternate(ctx, conn)
	}
	switch {
	case err == nil, errors.Is(err, errLeave), ctx.Err() != nil:
		return nil
	case errors.Is(err, io.EOF):
		tell(c.term, "%s", c.say.EndedIt)
		return nil
	}
	return failure.Hint(fmt.Errorf("%s: %s", c.cfg.Server, why(err, c.say, c.lang)), errors.New(c.say.TryThis))
}

// alternate is the conversation: the person begins.
func (c *turnsClient) alternate(ctx context.Context, conn net.Conn) error {
	buf := make([]byte, maxText)
	for answers := 0; ; answers++ {
		if line := c.ask(ctx, conn, answers == 0); line != "" {
			conn.SetWriteDeadline(time.Now().Add(sendWait))
			if _, err := io.WriteString(conn, line); err != nil {
				tell(c.term, c.say.NotSent, text.Escape(line))
				return err
			}
			if line == byebye {
				return nil
			}
		}
		n, err := c.listen(ctx, conn, buf, answers == 0)
		if n == 0 {
			return err
		}
		answer := plain(buf[:n])
		tell(c.term, c.say.Answer, text.Escape(answer))
		if saysByebye(answer) {
			return nil
		}
	}
}

// ask asks the person for something to send. Leaving, in whatever way, is said with byebye. It is "" if the server
// has ended the chat meanwhile.
func (c *turnsClient) ask(ctx context.Context, conn net.Conn, first bool) string {
	turn, over := context.WithCancel(ctx)
	defer over()
	stop := watch(conn, func(peeked []byte, err error) {
		switch {
		case err != nil, saysByebye(plain(peeked)):
			over()
		case first:
			first = false
			tell(c.term, "%s", c.say.SeemsRoom)
		}
	})
	defer stop()
	for {
		line, err := c.term.ReadLineContext(turn)
		switch {
		case ctx.Err() != nil:
			return byebye
		case turn.Err() != nil:
			return ""
		case typed{line, err}.leaves():
			return byebye
		case err != nil || !fits(c.term, c.say, line):
		case line != "": // nothing cannot be sent: the other side would not notice that it is its turn
			return line
		}
	}
}

// listen reads an answer, unless Ctrl-C is typed first: then the person leaves. The operator may think for as long
// as they like.
func (c *turnsClient) listen(ctx context.Context, conn net.Conn, buf []byte, first bool) (int, error) {
	if first { // in the backlog nobody can tell the person that they wait
		defer time.AfterFunc(quietWait, func() { tell(c.term, "%s", c.say.Unanswered) }).Stop()
	}
	waiting, done := c.term.UntilInterrupt(ctx)
	defer done()
	defer context.AfterFunc(waiting, func() {
		conn.SetWriteDeadline(time.Now().Add(byebyeWait))
		io.WriteString(conn, byebye) // out of turn: the operator need not think any longer
		conn.Close()
	})()
	conn.SetReadDeadline(time.Time{})
	n, err := conn.Read(buf)
	if n == 0 && waiting.Err() != nil {
		return 0, errLeave
	}
	return n, err
}
