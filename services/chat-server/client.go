package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/terminal"
	"netlab.example/pkg/text"
)

const (
	maxShown   = 8 << 10 // bytes of a line from the server
	sendWait   = 30 * time.Second
	byebyeWait = 2 * time.Second // for the server's byebye

	firstPause = 500 * time.Millisecond // between two tries to connect: twice as long each time ...
	maxPause   = 15 * time.Second       // ... up to this
	maxTries   = 8                      // on a pipe; a person is asked for patience as long as they like
	longVisit  = 10 * time.Second       // after a visit that was longer, pauses begin small again

	maxEarly = 16 // lines that are kept while a connection is made

	drainWait = 10 * time.Second       // at the end of a pipe: for the server to read all ...
	drainLine = 100 * time.Millisecond // ... and for each line that it has to read
)

func client(ctx context.Context, cfg ClientConfig, env app.Env) error {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&cfg.Name, "name", cfg.Name, "")
	if err := flags.Parse(env.Args); err != nil {
		return failure.Usage(err)
	}
	switch flags.NArg() {
	case 0:
	case 1:
		cfg.Server = flags.Arg(0)
	default:
		return failure.Usage(language.Errorf("只要一个 URL, 却有 %d 个参数", "want one URL, got %d arguments", flags.NArg()))
	}
	if flags.NArg() == 1 && !strings.Contains(cfg.Server, ":") {
		return failure.Usage(language.Errorf("%q 不是地址; 名字写在 -name 后面: -name %[1]q", "%q is no address; a name goes after -name: -name %[1]q", cfg.Server))
	}
	if _, err := sockets.ParseOn(cfg.Server, "tcp", "unix"); err != nil {
		return err
	}
	if strings.ContainsFunc(cfg.Name, unicode.IsControl) { // the server judges the rest; this would forge a second line
		return failure.Usage(language.Errorf("名字 %q: 不能有控制字符", "name %q: no control characters", cfg.Name))
	}

	say := words.In(env.Lang.People)
	term, err := terminal.Open(env.Stdin, env.Stdout, terminal.Options{Prompt: say.AskData, Wait: 2 * time.Second, Dropped: say.Dropped})
	if err != nil {
		return err
	}
	defer term.Close()
	select { // in a container nobody is there yet: no ghost in the room, and no one's turn taken
	case <-term.Attached():
	case <-ctx.Done():
		return nil
	}
	c := &chatter{cfg: cfg, lang: env.Lang.People, say: say, term: term}
	if cfg.Mode == inTurns {
		return c.takeTurns(ctx)
	}
	return c.chat(ctx)
}

// A chatter is a person's end of a chat.
type chatter struct {
	cfg  ClientConfig
	lang language.Lang
	say  phrases
	term *terminal.Terminal

	typed   <-chan typed // what the person types, in a room
	early   []string     // what they entered while a connection was being made
	reached bool         // there has been a connection
	stops   bool         // on this connection the server has said that it stops
	lost    error        // on a pipe: what went wrong with lines that may not have arrived
}

type typed struct {
	line string
	err  error
}

// chat talks in a room, over one connection after the other, until somebody says byebye.
//
//	person ──> readLines ──┐                  ┌──> conn
//	                       ├──> chat, visit ──┤
//	conn ────> hear ───────┘                  └──> terminal, above the line being typed
func (c *chatter) chat(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.typed = c.readLines(ctx)
	for tries := 1; ; tries++ {
		problem, began := c.say.Unreached, time.Now()
		conn, err := c.dial(ctx)
		if err == nil {
			problem, c.reached = c.say.Gone, true
			c.tell(c.say.Reached)
			var over bool
			if over, err = c.visit(ctx, conn); over {
				if err == nil && ctx.Err() == nil {
					err = c.lost
				}
				return err
			}
			if time.Since(began) > longVisit {
				tries = 1
			}
		}
		switch {
		case errors.Is(err, errLeave), ctx.Err() != nil:
			return nil
		case !c.term.IsTTY() && (!c.reached || tries > maxTries): // nobody to ask for patience
			return failure.Hint(fmt.Errorf(c.say.Failed, c.cfg.Server, c.why(err)), errors.New(c.say.TryThis))
		}
		pause := min(firstPause<<min(tries-1, 10), maxPause)
		c.tell(problem, c.why(err), pause)
		for _, line := range c.early {
			c.notSent(line)
		}
		c.early = nil
		pausing, cancel := context.WithTimeout(ctx, pause)
		err = c.wait(ctx, pausing.Done(), c.notSent)
		cancel()
		if err != nil {
			return nil
		}
	}
}

// readLines reads on while there is no connection: what is being typed is kept. On a pipe the next
// line waits here until there is one.
func (c *chatter) readLines(ctx context.Context) <-chan typed {
	lines := make(chan typed)
	go func() { // ends when the terminal is closed, at the latest
		for {
			line, err := c.term.ReadLine()
			t := typed{line, err}
			select {
			case lines <- t:
			case <-ctx.Done():
				return
			}
			if t.leaves() { // no prompt after the last word
				return
			}
		}
	}()
	return lines
}

// errLeave: the person wants to leave.
var errLeave = errors.New("leave")

// leaves tells that the person wants to leave: in so many words, or by Ctrl-C or Ctrl-D.
func (t typed) leaves() bool {
	line := strings.TrimSpace(t.line)
	return line == "exit" || line == byebye || t.err != nil && !errors.Is(t.err, terminal.ErrTooLong)
}

// wait waits for done, without a connection. What the person enters now goes to entered.
func (c *chatter) wait(ctx context.Context, done <-chan struct{}, entered func(line string)) error {
	lines := c.typed
	if !c.term.IsTTY() {
		lines = nil
	}
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return errLeave
		case t := <-lines:
			switch {
			case t.leaves():
				return errLeave
			case t.line != "":
				entered(t.line)
			}
		}
	}
}

// notSent tells that a line was not sent, and so not lost in silence. The Up arrow brings it back.
func (c *chatter) notSent(line string) { c.tell(c.say.NotSent, text.Escape(line)) }

// enteredEarly keeps a line until it is known whether there will be a connection.
func (c *chatter) enteredEarly(line string) {
	if len(c.early) == maxEarly {
		c.notSent(line)
		return
	}
	c.early = append(c.early, line)
}

// dial connects, unless the person leaves first.
func (c *chatter) dial(ctx context.Context) (conn net.Conn, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		conn, err = sockets.Dial(ctx, c.cfg.Server, c.cfg.Congestion)
		close(done)
	}()
	if c.wait(ctx, done, c.enteredEarly) == nil {
		return conn, err
	}
	cancel()
	<-done
	if err == nil {
		conn.Close()
	}
	return nil, errLeave
}

// visit is one connection, from the name to the end. Where it is over there is no other.
func (c *chatter) visit(ctx context.Context, conn net.Conn) (over bool, err error) {
	c.stops = false
	heard := make(chan error, 1)
	go func() { heard <- c.hear(conn); close(heard) }()
	defer func() {
		conn.Close()
		for range heard { // hear is at its end: nothing is shown after this
		}
	}()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	if c.cfg.Name != "" {
		c.send(conn, "/nick "+c.cfg.Name) // where this fails, hear says why
	}
	early := c.early
	c.early = nil
	for _, line := range early {
		c.utter(conn, line) // likewise
	}
	sent := 0
	inDoubt := false // something was sent that is not sent again on the next connection
	for {
		select {
		case <-ctx.Done():
			return true, nil
		case err := <-heard:
			if inDoubt && !c.stops { // a server that says that it stops has read all
				c.mayBeLost(err)
			}
			return errors.Is(err, errByebye), notByebye(err)
		case t := <-c.typed:
			switch {
			case errors.Is(t.err, terminal.ErrTooLong):
				c.tell("%s", language.Tell(t.err, c.lang))
				continue
			case errors.Is(t.err, io.EOF) && !c.term.IsTTY():
				return true, c.drain(ctx, conn, heard, sent)
			case t.leaves():
				c.send(conn, byebye)
				if inDoubt && !c.term.IsTTY() { // all lines before it may still wait to be read
					return true, c.drain(ctx, conn, heard, sent)
				}
				select {
				case <-heard:
				case <-ctx.Done():
				case <-time.After(byebyeWait):
				}
				return true, nil
			case t.line == "":
				continue
			}
			if err := c.utter(conn, t.line); err != nil {
				c.mayBeLost(err)
				return false, err
			}
			sent++
			inDoubt = inDoubt || !strings.HasPrefix(t.line, "/nick ")
		}
	}
}

// mayBeLost remembers, on a pipe, that a connection has ended, and nobody has said that all was read
// that was sent on it. Whoever wrote into the pipe wants the rest to arrive all the same, so the chat goes
// on, but not to end as if nothing had happened. A person has seen it happen.
func (c *chatter) mayBeLost(err error) {
	if err = notByebye(err); err != nil && !c.term.IsTTY() {
		c.lost = failure.Hint(fmt.Errorf(c.say.Failed, c.cfg.Server, c.why(err)), errors.New(c.say.MayBeLost))
	}
}

// utter sends what the person entered, or tells that it was not sent.
func (c *chatter) utter(conn net.Conn, line string) error {
	if name, ok := strings.CutPrefix(line, "/nick "); ok {
		c.cfg.Name = strings.TrimSpace(name) // for the next connection
	}
	err := c.send(conn, line)
	if err != nil {
		c.notSent(line)
	}
	return err
}

// send writes a line in one write, newline and all: whoever reads it has no reason to guess.
func (c *chatter) send(conn net.Conn, line string) error {
	if c.term.IsTTY() { // a pipe can wait for a server that is in no hurry
		conn.SetWriteDeadline(time.Now().Add(sendWait))
	}
	_, err := io.WriteString(conn, line+"\n")
	return err
}

// drain is how a chat from a pipe ends: we have said all, and the server says so too when it has read
// all. It may take its time: no more lines a second than its rate allows.
func (c *chatter) drain(ctx context.Context, conn net.Conn, heard <-chan error, sent int) error {
	sockets.CloseWrite(conn)
	select {
	case err := <-heard:
		if err = notByebye(err); err == nil || errors.Is(err, io.EOF) {
			return nil
		}
		return failure.Hint(fmt.Errorf(c.say.Failed, c.cfg.Server, c.why(err)), errors.New(c.say.MayBeLost))
	case <-time.After(drainWait + time.Duration(sent)*drainLine):
		return failure.Hint(fmt.Errorf(c.say.Failed, c.cfg.Server, c.say.NotWhole), errors.New(c.say.MayBeLost))
	case <-ctx.Done():
		return nil
	}
}

// hear shows what the server sends, message by message, until the connection ends: with errByebye where
// the server has said so, with io.EOF where it simply closed.
func (c *chatter) hear(conn net.Conn) error {
	in := splitter{max: maxShown}
	buf := make([]byte, 4<<10)
	for {
		var pause time.Time
		if in.pauseEnds() {
			pause = time.Now().Add(bareWait)
		}
		conn.SetReadDeadline(pause)
		n, err := conn.Read(buf)
		if c.show(in.feed(buf[:n])) {
			return errByebye
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			if c.show(in.pause()) {
				return errByebye
			}
			continue
		case c.show(in.end()):
			return errByebye
		}
		return err
	}
}

// show prints messages as they came, made harmless, and what a notice means to a person of another
// language. It says whether one was the word that ends the visit.
func (c *chatter) show(messages iter.Seq2[[]byte, error]) (end bool) {
	for message, err := range messages {
		line := text.Escape(string(message))
		if err != nil {
			line = c.say.LongLine
		}
		if same := meaning(line, c.lang); same != "" {
			line += "\n" + fmt.Sprintf(c.say.Meaning, same)
		}
		c.tell("%s", line)
		end = end || line == byebye
		c.stops = c.stops || line == wire.Zh.Stopping || line == wire.En.Stopping
	}
	return end
}

func (c *chatter) tell(format string, args ...any) { tell(c.term, format, args...) }

func (c *chatter) why(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return c.say.EndedIt
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return c.say.WasReset
	}
	return sockets.Why(err, c.lang)
}

func notByebye(err error) error {
	if errors.Is(err, errByebye) {
		return nil
	}
	return err
}

// takeTurns is the textbook's client: what was typed is sent as it is, with no newline, and one read of
// the answer is the whole answer. The person and the server alternate until one of them says byebye.
func (c *chatter) takeTurns(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	conn, err := sockets.Dial(ctx, c.cfg.Server, c.cfg.Congestion)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return failure.Hint(fmt.Errorf(c.say.Failed, c.cfg.Server, c.why(err)), errors.New(c.say.TryThis))
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close(); c.term.Close() })()
	c.tell(c.say.Reached)
	buf := make([]byte, maxText)
	for {
		line := c.myTurn()
		conn.SetWriteDeadline(time.Now().Add(sendWait))
		if _, err = io.WriteString(conn, line); err != nil {
			if ctx.Err() == nil { // at a stop, nobody has typed the byebye
				c.notSent(line)
			}
			break
		}
		if line == byebye {
			return nil
		}
		n, rerr := c.readUnless(ctx, conn, buf, leave)
		if err = rerr; n == 0 {
			break
		}
		info := strings.TrimRight(string(buf[:n]), "\r\n")
		c.tell(c.say.Answer, text.Escape(info))
		if info == byebye {
			return nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, io.EOF):
		c.tell("%s", c.say.EndedIt)
		return nil
	}
	return failure.Hint(fmt.Errorf(c.say.Failed, c.cfg.Server, c.why(err)), errors.New(c.say.TryThis))
}

// myTurn asks the person for something to send. Leaving, in whatever way, is said with byebye.
func (c *chatter) myTurn() string {
	for {
		line, err := c.term.ReadLine()
		t := typed{line, err}
		switch {
		case t.leaves():
			return byebye
		case err != nil || !fits(c.term, c.say, line):
		case line != "": // nothing cannot be sent: the other side would not notice that it is its turn
			return line
		}
	}
}

// readUnless reads an answer, unless Ctrl-C is typed first: then the person leaves. The operator may think for
// as long as they like.
func (c *chatter) readUnless(ctx context.Context, conn net.Conn, buf []byte, leave func()) (int, error) {
	waiting, done := c.term.UntilInterrupt(ctx)
	defer done()
	defer context.AfterFunc(waiting, leave)() // before done, which would count as leaving
	conn.SetReadDeadline(time.Time{})
	return conn.Read(buf)
}
