// Package terminal is the place where a person types while messages arrive.
//
// On a terminal it is a line editor: what the program writes appears above the
// line being typed and never breaks it, Chinese keeps its cursor, the Up arrow
// brings back earlier lines. (Docker keeps Ctrl-P for itself.) On a pipe it is
// plain lines, with no escape codes.
//
//	keyboard → keys ───┐            ┌─── Write: messages, transcript, log
//	                   ▼            ▼
//	    ergochat/readline (tty.go, edit.go)     pipe: lines (pipe.go)
//	                   └──────┬─────┘                   │
//	                          ▼                         ▼
//	                     package outlet: one bounded queue, one writer → screen
//
// The editing is ergochat/readline's, chosen because it alone kept the typed
// line whole, the cursor right among wide characters, and wrapped and resized
// properly. It needs help in four places:
//
//   - Cursor query (edit.go). At each prompt it asks the terminal where the
//     cursor is (ESC[6n) and waits for the answer. If nobody answers (expect, a
//     pty in a test, a container nobody is attached to) there would be no prompt,
//     and typing would be swallowed. Our prompt always starts a line, so the
//     question is kept from the terminal and answered here: row 1, column 1.
//   - Attach (attach.go). A person who attaches to a container sees only what is
//     painted from then on, so the screen of an idle client would stay empty.
//     docker attach always resizes the terminal: the last lines, the prompt and
//     the half-typed text are painted again 50 ms after a resize.
//   - Locking (edit.go). On Enter it empties its line without a lock, and a
//     message that arrives in that moment is a data race and a stray prompt. So
//     one key, one message or one repaint is dealt with at a time.
//   - Signs (signs.go). It counts characters, a person counts what they see: an
//     accented letter or a family is one sign of several characters.
package terminal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/outlet"
	"netlab.example/pkg/text"
)

var (
	// ErrInterrupt is what ReadLine returns for Ctrl-C.
	ErrInterrupt = errors.New("interrupted")
	// ErrClosed is what ReadLine and Write return after Close.
	ErrClosed = outlet.ErrClosed
	// ErrTooLong is what ReadLine returns, on a pipe, in place of a line of more
	// than 64 KiB. The next call returns the next line.
	ErrTooLong = language.Errorf("一行超过 64 KiB", "line is longer than 64 KiB")
)

var (
	dropped = language.Both[string]{Zh: "(没有人在读, 丢了 %d 行)", En: "(nobody was reading: %d lines dropped)"}
	notUTF8 = language.Both[string]{
		Zh: "(终端发来的不是 UTF-8 文字, 没有收下; 请把终端的编码设为 UTF-8)",
		En: "(this terminal sends no UTF-8 text: nothing was taken; set its encoding to UTF-8)",
	}
)

// Options say how a Terminal starts.
type Options struct {
	Prompt string // may be empty

	// Wait is how long Write may wait for somebody who reads slowly before it
	// starts to drop lines. Zero, for servers: not at all. A client that is to
	// show all of a long answer takes a second or two. Close waits as long, and
	// at least half a second.
	Wait time.Duration

	// OutOfTurn, if set, says that keys belong to the ReadLine that waits, and to
	// no other: those that are typed while none waits are thrown away, and
	// OutOfTurn is shown at the first of them, and at the first after each Enter.
	// If it is empty, and on a pipe, they are kept for the next ReadLine.
	OutOfTurn string

	// Greet, if set, returns lines for a person who attaches to a container's terminal:
	// who they are there, and how to leave. They are shown each time, after the
	// last lines that were written before.
	Greet func() string

	// Lang is the language of the terminal's own words.
	Lang language.Lang
}

// A Terminal reads lines from a person, or from a pipe, and shows lines.
type Terminal struct {
	out   *outlet.Outlet
	lines source
	close func() error // does its work once
}

// source is where the lines come from: an editor or a pipe.
type source interface {
	readLine(ctx context.Context) (string, error)
	show(line []byte) // queues one whole line, or several
	setPrompt(string)
	attached() <-chan struct{}
	interrupts() <-chan struct{}
	close() error
}

// Open takes over in and out: a line editor if both are TTYs, plain lines
// otherwise. A TTY is in raw mode until Close, so that Ctrl-C is a key and not
// a signal, before the first ReadLine too. Neither file is ever closed.
func Open(in, out *os.File, opt Options) (*Terminal, error) {
	return open(in, out, opt, os.Getpid() == 1)
}

// open is Open for a process that is, or is not, a container's first.
func open(in, out *os.File, opt Options, container bool) (*Terminal, error) {
	t := new(Terminal)
	t.out = outlet.New(out, outlet.Options{
		LeftOut: dropped.In(opt.Lang),
		Wait:    opt.Wait,
		Show:    func(line []byte) { t.lines.show(line) },
	})
	if isTTY(in) && isTTY(out) {
		e, err := newEditor(in, out, t.out, opt, container)
		if err != nil {
			t.out.Close()
			return nil, err
		}
		t.lines = e
	} else {
		t.lines = newPipe(in, t.out, opt.Prompt)
	}
	t.close = sync.OnceValue(t.lines.close)
	return t, nil
}

// IsTTY reports whether a person sits there: in and out are both TTYs.
func (t *Terminal) IsTTY() bool {
	_, ok := t.lines.(*editor)
	return ok
}

// Attached is closed when somebody is there: at once, except in a container's
// own terminal that nobody has attached to yet. Such a terminal has the size
// 0x0; the first resize or key shows that somebody came (that key is not lost).
// Until then there is no prompt and no escape code; Write shows plain lines,
// which docker logs has. The end of the input closes it as well.
func (t *Terminal) Attached() <-chan struct{} { return t.lines.attached() }

// UntilInterrupt returns a context that ends with ctx, at its cancel, or when
// Ctrl-C is typed while no ReadLine is waiting: for a client that is busy with
// something else, since in raw mode Ctrl-C is no signal. On a pipe nobody types.
// Until its cancel is called, no ReadLine may begin: it would return
// ErrInterrupt for the same key, or take it away.
func (t *Terminal) UntilInterrupt(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-t.lines.interrupts():
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// ReadLine returns the next line without its newline, or
//
//	io.EOF        the end of the input, or Ctrl-D on an empty line
//	ErrInterrupt  Ctrl-C, which also clears what was being typed
//	ErrTooLong    on a pipe, in place of a line of more than 64 KiB
//	ErrClosed     Close was called
//
// After Ctrl-D it may be called again: the terminal goes on. Any other end of
// the input is for good. Only the person's own line is in it, unescaped.
func (t *Terminal) ReadLine() (string, error) { return t.lines.readLine(context.Background()) }

// ReadLineContext is ReadLine until ctx ends: then what is being typed is wiped,
// on the screen too, and the error is ctx's.
func (t *Terminal) ReadLineContext(ctx context.Context) (string, error) { return t.lines.readLine(ctx) }

// Write shows whole lines above the line being typed; a missing newline at the
// end is added. On a TTY a line that is longer than the screen is broken into
// rows, and all but the first begin with a margin. It may be called from any goroutine, for the log too, and it
// does not wait for the screen, save as Options.Wait allows: when a screen or
// reader is blocked, lines are dropped once the queue is full, and counted;
// their number is shown when it flows again. Text from the network must have
// been through text.Escape. The only error is ErrClosed.
func (t *Terminal) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	line := p
	if p[len(p)-1] != '\n' {
		line = append(bytes.Clone(p), '\n')
	}
	ok, err := t.out.Admit(line)
	if err != nil {
		return 0, err
	}
	if ok {
		t.lines.show(line)
	}
	return len(p), nil
}

// SetPrompt changes the prompt, on the screen too when it is visible.
func (t *Terminal) SetPrompt(s string) { t.lines.setPrompt(text.Escape(s)) }

// Close ends a ReadLine that waits, writes what is queued if that can be done
// soon, and restores the terminal. It may be called again, and it returns in
// bounded time even if the screen is blocked for ever.
func (t *Terminal) Close() error { return t.close() }
