package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
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
	firstPause = 500 * time.Millisecond // between two tries to connect: twice as long each time ...
	maxPause   = 15 * time.Second       // ... up to this
	longVisit  = 10 * time.Second       // after a visit that was longer, pauses begin small again
)

func client(ctx context.Context, cfg ClientConfig, env app.Env) error {
	if err := cfg.read(env.Args); err != nil {
		return err
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
	if cfg.Mode == inTurns {
		return (&turnsClient{cfg: cfg, lang: env.Lang.People, say: say, term: term}).run(ctx)
	}
	return (&chatter{cfg: cfg, lang: env.Lang.People, say: say, term: term}).run(ctx)
}

// read takes the command line into the configuration.
func (cfg *ClientConfig) read(args []string) error {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&cfg.Name, "name", cfg.Name, "")
	if err := flags.Parse(args); err != nil {
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
	return nil
}

// A chatter is a person's end of the room, or a pipe's.
type chatter struct {
	cfg   ClientConfig // its Name is the one to ask for
	lang  language.Lang
	say   phrases
	term  *terminal.Terminal
	typed <-chan typed
	name  string // who the person is in the room
}

type typed struct {
	line string
	err  error
}

// leaves reports whether the person wants to leave: in so many words, or by Ctrl-C or Ctrl-D.
func (t typed) leaves() bool {
	line := strings.TrimSpace(t.line)
	return line == "exit" || saysByebye(line) || t.err != nil && !errors.Is(t.err, terminal.ErrTooLong)
}

// errLeave: the person wants to leave.
var errLeave = errors.New("leave")

// run connects a person again and again, until somebody says byebye. A pipe is connected once: the program at its
// other end must know what was said and what was not.
//
//	person ──> readLines ──┐                 ┌──> conn
//	                       ├──> run, visit ──┤
//	conn ────> hear ───────┘                 └──> terminal, above the line being typed
func (c *chatter) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.typed = c.readLines(ctx)
	if !c.term.IsTTY() {
		return c.runPipe(ctx)
	}
	for tries := 1; ; tries++ {
		problem, began := c.say.Unreached, time.Now()
		conn, err := c.dial(ctx)
		if err == nil {
			problem, err = c.say.Gone, c.visit(ctx, conn)
			if time.Since(began) > longVisit {
				tries = 1
			}
		}
		if err == nil || errors.Is(err, errLeave) {
			return nil
		}
		pause := min(firstPause<<min(tries-1, 10), maxPause)
		tell(c.term, problem, why(err, c.say, c.lang), pause)
		pausing, cancel := context.WithTimeout(ctx, pause)
		err = c.wait(ctx, pausing.Done())
		cancel()
		if err != nil {
			return nil
		}
	}
}

// runPipe is the chat of a pipe.
func (c *chatter) runPipe(ctx context.Context) error {
	conn, err := sockets.Dial(ctx, c.cfg.Server, c.cfg.Congestion)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return failure.Hint(fmt.Errorf("%s: %s", c.cfg.Server, why(err, c.say, c.lang)), errors.New(c.say.TryThis))
	}
	return c.visit(ctx, conn)
}

// readLines reads on while there is no connection: a person's line is kept as they type it.
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

// dial connects, unless the person leaves first.
func (c *chatter) dial(ctx context.Context) (conn net.Conn, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		conn, err = sockets.Dial(ctx, c.cfg.Server, c.cfg.Congestion)
		close(done)
	}()
	if c.wait(ctx, done) == nil {
		return conn, err
	}
	cancel()
	<-done
	if err == nil {
		conn.Close()
	}
	return nil, errLeave
}

// wait waits for done, without a connection. What the person enters now cannot be sent; the Up arrow brings it back.
func (c *chatter) wait(ctx context.Context, done <-chan struct{}) error {
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return errLeave
		case t := <-c.typed:
			switch {
			case t.leaves():
				return errLeave
			case t.line != "":
				c.notSent(t.line)
			}
		}
	}
}

func (c *chatter) notSent(line string) { tell(c.term, c.say.NotSent, text.Escape(line)) }

// A reader reads lines, and a line that is not waited for any more is the next one's.
type reader struct {
	term *terminal.Terminal
	line chan typed // of the ReadLine that is under way, or nil
}

func (r *reader) readLine(ctx context.Context) (string, error) {
	if r.line == nil {
		c := make(chan typed, 1)
		r.line = c
		go func() { // ends when the terminal is closed, at the latest
			line, err := r.term.ReadLine()
			c <- typed{line, err}
		}()
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case t := <-r.line:
		r.line = nil
		return t.line, t.err
	}
}
