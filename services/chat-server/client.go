package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
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
	c := &chatter{cfg: cfg, lang: env.Lang.People, say: words.In(env.Lang.People)}
	run := (&roomClient{chatter: c}).run
	opt := terminal.Options{Prompt: c.say.AskData, Wait: 2 * time.Second, Lang: env.Lang.People, Greet: c.greet}
	if cfg.Mode == inTurns {
		run = (&turnsClient{c}).run
		opt.OutOfTurn = c.say.NotNow
	}
	var err error
	if c.term, err = terminal.Open(env.Stdin, env.Stdout, opt); err != nil {
		return err
	}
	defer c.term.Close()
	select { // in a container nobody is there yet: no ghost in the room, and no one's turn taken
	case <-c.term.Attached():
		return run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// read takes the command line into the configuration.
func (cfg *ClientConfig) read(args []string) error {
	flags := app.Flags()
	flags.StringVar(&cfg.Name, "name", cfg.Name, "")
	words, err := app.ParseFlags(flags, args)
	if err != nil {
		return err
	}
	switch len(words) {
	case 0:
	case 1:
		cfg.Server = words[0]
	default:
		return failure.Usage(language.Errorf("只要一个 URL, 却有 %d 个参数", "want one URL, got %d arguments", len(words)))
	}
	if len(words) == 1 && !strings.Contains(cfg.Server, ":") {
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

// A chatter is a person's end of a chat, or a pipe's.
type chatter struct {
	cfg  ClientConfig
	lang language.Lang
	say  phrases
	term *terminal.Terminal
	name atomic.Value // a string: who the person is in the room, once they are there
}

// greet is what a person reads who attaches to a container.
func (c *chatter) greet() string {
	if name := c.name.Load(); name != nil {
		return "(" + fmt.Sprintf(c.say.YouAre, name) + c.say.HowToLeave + ")"
	}
	return "(" + c.say.HowToLeave + ")"
}

// A roomClient is a chatter in the room.
type roomClient struct {
	*chatter              // its cfg.Name is the name to ask for
	typed    <-chan typed // what the person types
}

type typed struct {
	line string
	err  error
}

// leaves reports whether the person wants to leave: in so many words, or by Ctrl-C or Ctrl-D.
func (t typed) leaves() bool {
	return terminal.Leaves(t.line) || t.err != nil && !errors.Is(t.err, terminal.ErrTooLong)
}

// errLeave: the person wants to leave.
var errLeave = errors.New("leave")

// run connects a person again and again, until somebody says byebye. A pipe is connected once: the program at its
// other end must know what was said and what was not.
//
//	person ──> readLines ──┐                 ┌──> conn
//	                       ├──> run, visit ──┤
//	conn ────> hear ───────┘                 └──> terminal, above the line being typed
func (c *roomClient) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	c.typed = c.readLines(ctx)
	defer func() {
		cancel()
		for range c.typed { // the prompt is gone before the shell's comes
		}
	}()
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
func (c *roomClient) runPipe(ctx context.Context) error {
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
func (c *roomClient) readLines(ctx context.Context) <-chan typed {
	lines := make(chan typed)
	go func() {
		defer close(lines)
		for {
			line, err := c.term.ReadLineContext(ctx)
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
func (c *roomClient) dial(ctx context.Context) (conn net.Conn, err error) {
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
func (c *roomClient) wait(ctx context.Context, done <-chan struct{}) error {
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

func (c *roomClient) notSent(line string) { tell(c.term, c.say.NotSent, text.Escape(line)) }
