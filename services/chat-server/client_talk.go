package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/terminal"
	"netlab.example/pkg/text"
)

const (
	maxShown  = 8 << 10 // bytes of a line from the server
	sendWait  = 30 * time.Second
	quietWait = 3 * time.Second // after which a server that has not said hello seems to be another kind

	byebyeWait = 2 * time.Second  // for the server's byebye, when a person leaves
	pipeWait   = 10 * time.Second // for it at the end of a pipe, where all lines may still wait to be read ...
	lineRead   = time.Second      // ... one a second, if the server's rate is the lowest
)

// A visit is one connection to the room.
type visit struct {
	*roomClient
	conn    net.Conn
	sent    int  // lines, as the server counts them too
	own     int  // of these, how many we sent without being asked: the name
	tooLong int  // lines that could not be sent
	left    bool // we have said byebye

	// Closed by hear: the server has said something; it has said goodbye.
	heard, goodbye chan struct{}
	// Set by hear, and read after its end.
	byebye bool // the server has said it
	said   int  // how many of our lines it has said, if it tells; else -1
}

// errNoByebye: the server did not answer byebye.
var errNoByebye = errors.New("no byebye")

// visit talks over one connection, from the name to the end. It returns nil if all is over and well. For a pipe
// this means that the server has said everything: its byebye, in answer to ours, confirms all that came before.
func (c *roomClient) visit(ctx context.Context, conn net.Conn) error {
	v := &visit{roomClient: c, conn: conn, said: -1, heard: make(chan struct{}), goodbye: make(chan struct{})}
	tell(c.term, "%s", c.say.Reached)
	ended := make(chan error, 1)
	go func() { ended <- v.hear() }()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Now().Add(byebyeWait)) })()
	if c.cfg.Name != "" {
		v.own = 1
		v.send(ctx, "/nick "+c.cfg.Name) // if this fails, hear says why
	}

	typed, stop, goodbye, quiet := c.typed, ctx.Done(), v.goodbye, time.After(quietWait)
	var late <-chan time.Time
	for {
		patience := byebyeWait
		select {
		case err := <-ended:
			return v.end(err)
		case <-late:
			conn.Close()
			<-ended
			return v.end(errNoByebye)
		case <-quiet:
			select {
			case <-v.heard:
			default:
				tell(c.term, "%s", c.say.Quiet)
			}
			continue
		case <-goodbye:
			goodbye = nil
			if !c.term.IsTTY() {
				v.leave(ctx)
			}
		case <-stop:
			stop = nil
			v.leave(ctx)
		case t := <-typed:
			switch {
			case t.leaves():
				if v.leave(ctx); !c.term.IsTTY() {
					patience = pipeWait + time.Duration(v.sent)*lineRead
				}
			case errors.Is(t.err, terminal.ErrTooLong):
				v.tooLong++
				tell(c.term, "%s", language.Tell(t.err, c.lang))
				continue
			case t.line == "" || v.send(ctx, t.line) == nil:
				continue
			default:
				c.notSent(t.line)
			}
		}
		typed, late = nil, time.After(patience) // nothing more is sent
	}
}

// send writes a line in one write, newline and all: whoever reads it has no reason to guess.
func (v *visit) send(ctx context.Context, line string) error {
	v.sent++
	return v.write(ctx, line)
}

func (v *visit) write(ctx context.Context, line string) error {
	switch {
	case ctx.Err() != nil:
		v.conn.SetWriteDeadline(time.Now().Add(byebyeWait))
	case v.term.IsTTY(): // a pipe can wait for a server that is in no hurry
		v.conn.SetWriteDeadline(time.Now().Add(sendWait))
	}
	_, err := io.WriteString(v.conn, line+"\n")
	return err
}

// leave says byebye, once.
func (v *visit) leave(ctx context.Context) {
	if v.left {
		return
	}
	v.left = true
	v.write(ctx, byebye)
	if !v.term.IsTTY() {
		sockets.CloseWrite(v.conn) // a server that knows no byebye understands this
	}
}

// end is what the end of the connection means.
func (v *visit) end(err error) error {
	if v.term.IsTTY() {
		if v.left || v.byebye {
			return nil
		}
		return err
	}
	more := "" // was typed, and not sent
	select {
	case t, ok := <-v.typed:
		if ok && !t.leaves() {
			more = v.say.RestUnsent
		}
	default:
	}
	missing, format := v.tooLong, v.say.NotSaid
	switch {
	case v.said >= 0:
		missing += v.sent - max(v.said, v.own)
	case !v.byebye:
		missing, format = missing+v.sent-v.own, v.say.MayBeLost
	}
	lost := ""
	if missing > 0 {
		lost = fmt.Sprintf(format, missing)
	}
	if (v.left || v.byebye) && lost == "" && more == "" {
		return nil
	}
	return failure.Hint(fmt.Errorf("%s: %s%s%s", v.cfg.Server, why(err, v.say, v.lang), lost, more), errors.New(v.say.SendAgain))
}

// hear shows what the server sends, message by message, until the connection ends.
func (v *visit) hear() error {
	in := splitter{max: maxShown}
	buf := make([]byte, 4<<10)
	for {
		var pause time.Time
		if in.pauseEnds() {
			pause = time.Now().Add(bareWait)
		}
		v.conn.SetReadDeadline(pause)
		n, err := v.conn.Read(buf)
		v.show(in.feed(buf[:n]))
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			v.show(in.pause())
		default:
			v.show(in.end())
			return err
		}
	}
}

// margin is before what the server sends. What stands at the edge of the screen is the client's own: nobody can
// write to a person as if it were their prompt.
const margin = "  "

// show prints messages, escaped, and what a notice means to a person of another language.
func (v *visit) show(messages iter.Seq2[[]byte, error]) {
	for message, err := range messages {
		closeOnce(v.heard)
		if err != nil {
			tell(v.term, "%s", v.say.LongLine)
			continue
		}
		line := text.Escape(string(message))
		v.understand(line)
		same := meaning(line, v.lang)
		if v.term.IsTTY() {
			line = margin + line
		}
		if same != "" {
			line += "\n" + fmt.Sprintf(v.say.Meaning, same)
		}
		tell(v.term, "%s", line)
	}
}

// Notices that the client understands, in either language.
var (
	tellsRenamed  = either(func(n notices) string { return n.Renamed })
	tellsWelcome  = either(func(n notices) string { return n.Welcome })
	tellsStopping = either(func(n notices) string { return n.Stopping })
	tellsSaid     = either(func(n notices) string { return n.OnlySaid })
)

func either(notice func(notices) string) *regexp.Regexp {
	return regexp.MustCompile("^(?:" + pattern(notice(wire.Zh)) + "|" + pattern(notice(wire.En)) + ")$")
}

// understand takes from a line what the client itself must know.
func (v *visit) understand(line string) {
	if m := tellsWelcome.FindStringSubmatch(line); m != nil {
		v.name.Store(m[1] + m[3])
	}
	if m := tellsRenamed.FindStringSubmatch(line); m != nil && m[1]+m[3] == v.name.Load() {
		v.name.Store(m[2] + m[4])
		v.cfg.Name = m[2] + m[4] // for the next connection
	}
	if m := tellsSaid.FindStringSubmatch(line); m != nil {
		v.said, _ = strconv.Atoi(m[1] + m[2])
	}
	v.byebye = v.byebye || saysByebye(line)
	if v.byebye || tellsStopping.MatchString(line) {
		closeOnce(v.goodbye)
	}
}

// closeOnce closes a channel that nobody else closes.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// why says in the person's language why there is no connection, or no more.
func why(err error, say phrases, l language.Lang) string {
	switch {
	case errors.Is(err, io.EOF):
		return say.EndedIt
	case errors.Is(err, errNoByebye):
		return say.NoByebye
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return say.WasReset
	}
	return sockets.Why(err, l)
}
