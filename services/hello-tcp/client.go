package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/terminal"
	"netlab.example/pkg/text"
)

const (
	answerTimeout = 15 * time.Second // for the whole answer
	answerMax     = 1 << 20          // bytes of an answer that are shown
)

func client(ctx context.Context, cfg ClientConfig, env app.Env) error {
	c := conversation{url: cfg.Server, congestion: cfg.Congestion, lang: env.Lang.People, say: words.In(env.Lang.People)}
	switch len(env.Args) {
	case 0:
	case 1:
		c.url = env.Args[0]
	default:
		return failure.Usage(language.Errorf("只要一个 URL, 却有 %d 个参数", "want one URL, got %d arguments", len(env.Args)))
	}
	if _, err := sockets.ParseOn(c.url, "tcp", "unix"); err != nil {
		return err
	}
	term, err := terminal.Open(env.Stdin, env.Stdout, terminal.Options{Prompt: c.say.Ask, Wait: 2 * time.Second, Lang: env.Lang.People})
	if err != nil {
		return err
	}
	defer term.Close()
	defer context.AfterFunc(ctx, func() { term.Close() })()
	return c.run(ctx, term)
}

// A conversation asks a person for lines and the server for answers.
type conversation struct {
	url, congestion string
	lang            language.Lang
	say             phrases
	toldAgain       bool
}

func (c *conversation) run(ctx context.Context, term *terminal.Terminal) error {
	for {
		line, err := term.ReadLine()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, terminal.ErrInterrupt), errors.Is(err, terminal.ErrClosed):
			return nil
		case err != nil: // a line that is too long, say
			fmt.Fprintln(term, language.Tell(err, c.lang))
			continue
		case terminal.Leaves(line):
			return nil
		case line == "":
			continue // nothing to send is no request
		}
		asking, done := term.UntilInterrupt(ctx) // an impatient person need not wait for a silent server
		answer, err := c.ask(asking, line)
		left := asking.Err() != nil
		if done(); left {
			return nil
		}
		if len(answer) > 0 {
			c.show(term, answer)
		}
		if err != nil {
			return failure.Hint(fmt.Errorf(c.say.Failed, c.url, c.why(err)), errors.New(c.say.TryThis))
		}
		if !c.toldAgain {
			fmt.Fprintln(term, c.say.Again)
			c.toldAgain = true
		}
	}
}

// ask makes a connection, sends one request and reads the whole answer: to its end, not to the end of
// the first read. The server closes after each answer, so each question needs a connection of its own.
func (c *conversation) ask(ctx context.Context, line string) ([]byte, error) {
	conn, err := sockets.Dial(ctx, c.url, c.congestion)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := io.WriteString(conn, line); err != nil {
		return nil, err
	}
	// Half-close: we have said all we want to say. It makes any request whole, and we can still read.
	if err := sockets.CloseWrite(conn); err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, answerMax+1))
	if err == nil && len(answer) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return answer, err
}

// show prints an answer as it came, escaped. Its first line stands behind our words, the others behind a margin: so
// none of them looks like our prompt or a hint.
func (c *conversation) show(out io.Writer, answer []byte) {
	var b strings.Builder
	b.WriteString(c.say.Answer)
	lines := strings.Split(strings.TrimRight(string(answer[:min(len(answer), answerMax)]), "\r\n"), "\n")
	for i, line := range lines {
		if i > 0 {
			b.WriteString(margin)
		}
		b.WriteString(text.Escape(strings.TrimSuffix(line, "\r")) + "\n")
	}
	if len(answer) > answerMax {
		fmt.Fprintf(&b, c.say.Cut+"\n", answerMax)
	}
	io.WriteString(out, b.String())
}

func (c *conversation) why(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return c.say.NoMore
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return c.say.WasReset
	}
	return sockets.Why(err, c.lang)
}
