package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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

// client asks once if the arguments hold a temperature, else again and again.
func client(ctx context.Context, cfg ClientConfig, env app.Env) error {
	args := env.Args
	url := cfg.Server
	if len(args) > 0 && strings.Contains(args[0], "://") {
		url, args = args[0], args[1:]
	}
	if len(args) > 1 {
		return failure.Usage(language.Errorf("参数应为 [URL] [CELSIUS], %[2]q 后面多了 %[1]q", "want [URL] [CELSIUS], got %q after %q", args[1], args[0]))
	}
	if _, err := sockets.ParseOn(url, "udp", "unixgram"); err != nil {
		return err
	}
	c := newConversation(url, cfg.Replies, env.Lang.People)
	defer c.close()
	if len(args) == 1 {
		return c.once(ctx, args[0], env.Stdout, env.Stderr)
	}
	term, err := terminal.Open(env.Stdin, env.Stdout, terminal.Options{Prompt: c.say.Ask, Wait: 2 * time.Second, Lang: env.Lang.People})
	if err != nil {
		return err
	}
	defer term.Close()
	defer context.AfterFunc(ctx, func() { term.Close() })()
	return c.run(ctx, term)
}

// A conversation asks a person for temperatures and the server for answers.
type conversation struct {
	asker
	url  string
	lang language.Lang
	say  phrases
}

func newConversation(url, replies string, lang language.Lang) *conversation {
	c := &conversation{url: url, lang: lang, say: words.In(lang)}
	c.dial = func(ctx context.Context) (net.Conn, error) { return sockets.DialDatagram(ctx, url, replies) }
	return c
}

// tellOn says on w that a question is sent again.
func (c *conversation) tellOn(w io.Writer) {
	c.again = func(waited time.Duration, try int) { fmt.Fprintf(w, c.say.AskAgain+"\n", waited, try, len(waits)) }
}

// once asks one question. The answer goes to out, all else to notes.
func (c *conversation) once(ctx context.Context, question string, out, notes io.Writer) error {
	if why := c.pointless(question); why != "" {
		return failure.Usage(fmt.Errorf(c.say.NotSent, why))
	}
	c.tellOn(notes)
	answer, err := c.ask(ctx, question)
	if ctx.Err() != nil {
		return errors.New(c.say.Interrupted)
	}
	if err != nil {
		return failure.Hint(c.failure(err), errors.New(c.say.TryThis))
	}
	c.show(out, answer)
	if isRefusal(answer) {
		return failure.Hint(errors.New(c.say.NoNumber), errors.New(c.say.TypeThis))
	}
	return nil
}

// run asks until exit, Ctrl-C or the end of the input. To a person, a question that fails does not end it.
func (c *conversation) run(ctx context.Context, term *terminal.Terminal) error {
	c.tellOn(term)
	for {
		line, err := term.ReadLine() // if nobody has attached yet, it waits for that
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, terminal.ErrInterrupt), errors.Is(err, terminal.ErrClosed):
			return nil
		case err != nil: // a line that is too long, say
			fmt.Fprintln(term, language.Tell(err, c.lang))
			continue
		}
		switch {
		case terminal.Leaves(line):
			return nil
		case strings.TrimSpace(line) == "":
			continue
		}
		if why := c.pointless(line); why != "" {
			fmt.Fprintf(term, c.say.NotSent+"\n", why)
			continue
		}
		asking, done := term.UntilInterrupt(ctx) // an impatient person need not wait for all tries
		answer, err := c.ask(asking, line)
		left := asking.Err() != nil
		done()
		switch {
		case left:
			return nil
		case err != nil && !term.IsTTY(): // nobody is there to read it and try again: the exit code must tell
			return failure.Hint(c.failure(err), errors.New(c.say.TryThis))
		case err != nil:
			fmt.Fprintf(term, "%v\n%s %s\n", c.failure(err), app.HintWord.In(c.lang), c.say.TryThis)
		default:
			c.show(term, answer)
		}
	}
}

// pointless says why a server would not answer a question, or "". To send it and wait would only look
// as if it had been lost.
func (c *conversation) pointless(question string) string {
	_, k := parse([]byte(question), false)
	return string(c.say.Quiet[k])
}

// show prints an answer as it came, escaped, and its meaning if it is in the other language. What is no answer of
// ours stands behind a margin, so that it cannot look like our prompt or a hint.
func (c *conversation) show(out io.Writer, answer string) {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(answer, "\r\n"), "\n") {
		if b.Len() > 0 || !likeOurs([]byte(line)) {
			b.WriteString("  | ")
		}
		fmt.Fprintln(&b, text.Escape(strings.TrimSuffix(line, "\r")))
	}
	if m := meaning(answer, c.lang); m != "" {
		fmt.Fprintf(&b, "(%s)\n", text.Escape(m))
	}
	io.WriteString(out, b.String())
}

// failure says in a person's language why there is no answer.
func (c *conversation) failure(err error) error {
	why := ""
	switch {
	case errors.Is(err, errNoAnswer):
		why = fmt.Sprintf(c.say.NoAnswer, len(waits))
	case errors.Is(err, syscall.ECONNREFUSED) && strings.HasPrefix(c.url, "udp"):
		why = c.say.Refused
	default:
		why = sockets.Why(err, c.lang)
	}
	return fmt.Errorf(c.say.Failed, c.url, why)
}

// isRefusal reports whether an answer is one of ours that says why there is no temperature.
func isRefusal(answer string) bool {
	return strings.HasPrefix(answer, wireWords.Zh.Refusal) || strings.HasPrefix(answer, wireWords.En.Refusal)
}

// meaning is what an answer of ours in the other language says, in lang; else "".
func meaning(answer string, lang language.Lang) string {
	ours, other := wireWords.In(lang), wireWords.In(language.English)
	if lang == language.English {
		other = wireWords.In(language.Chinese)
	}
	if degrees, ok := strings.CutPrefix(answer, other.Answer); ok {
		return ours.Answer + degrees
	}
	for k, why := range other.Why {
		if why != "" && answer == other.Refusal+why {
			return ours.Refusal + ours.Why[k]
		}
	}
	return ""
}
