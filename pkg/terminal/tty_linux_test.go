package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
)

// A desk is a person's side of a pty: what they type, and what they see.
type desk struct {
	t      *testing.T
	master *os.File
	tty    *os.File
	term   *Terminal

	mu      sync.Mutex
	picture *picture
	raw     strings.Builder
	changed chan struct{}
}

// sit opens a Terminal on a pty of the given size, in a container or not.
func sit(t *testing.T, width, height int, opt Options, container bool) *desk {
	t.Helper()
	d := newDesk(t, width, height)
	term, err := open(d.tty, d.tty, opt, container)
	if err != nil {
		t.Fatal(err)
	}
	d.term = term
	if !term.IsTTY() {
		t.Fatal("a pty is not taken for a TTY")
	}
	t.Cleanup(func() { term.Close() })
	go d.look()
	return d
}

func newDesk(t *testing.T, width, height int) *desk {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_ROOT", err) // a machine without ptys
	}
	t.Cleanup(func() { master.Close() })
	var name string
	err = withFD(master, func(fd int) error {
		n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
		name = fmt.Sprint("/dev/pts/", n)
		return errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	d := &desk{t: t, master: master, tty: tty, picture: newPicture(max(width, 80)), changed: make(chan struct{})}
	if width > 0 {
		d.picture = newPicture(width)
		d.setSize(width, height)
	}
	return d
}

// look is the eye: it follows the screen.
func (d *desk) look() {
	buf := make([]byte, 4096)
	for {
		n, err := d.master.Read(buf)
		d.mu.Lock()
		d.picture.write(buf[:n])
		d.raw.Write(buf[:n])
		close(d.changed)
		d.changed = make(chan struct{})
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (d *desk) setSize(width, height int) {
	d.t.Helper()
	ws := &unix.Winsize{Col: uint16(width), Row: uint16(height)}
	if err := withFD(d.master, func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, ws) }); err != nil {
		d.t.Fatal(err)
	}
}

// resize is what attaching does. The kernel signals a pty's own session; a
// test is not in it, and signals itself.
func (d *desk) resize(width, height int) {
	d.t.Helper()
	d.setSize(width, height)
	syscall.Kill(os.Getpid(), syscall.SIGWINCH)
}

func (d *desk) keys(s string) {
	d.t.Helper()
	if _, err := io.WriteString(d.master, s); err != nil {
		d.t.Error(err)
	}
}

// until waits for the screen to be as ok wants it.
func (d *desk) until(what string, ok func() bool) {
	d.t.Helper()
	late := time.After(patience)
	for {
		d.mu.Lock()
		good, changed := ok(), d.changed
		d.mu.Unlock()
		if good {
			return
		}
		select {
		case <-changed:
		case <-late:
			d.mu.Lock()
			defer d.mu.Unlock()
			d.t.Fatalf("never saw %s; the screen is\n%s\nfrom %.2000q", what, d.picture, d.raw.String())
		}
	}
}

// sees waits for a screen, and for the cursor to stand where | is in its last line.
func (d *desk) sees(screen string) {
	d.t.Helper()
	lines := strings.Split(screen, "\n")
	before, after, cursor := strings.Cut(lines[len(lines)-1], "|")
	want := strings.TrimSuffix(screen, "|"+after) + after
	col := uniseg.StringWidth(before)
	d.until(fmt.Sprintf("%q", screen), func() bool {
		p := d.picture
		return p.String() == strings.TrimRight(want, " \n") && (!cursor || p.row == len(lines)-1 && p.col == col)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.picture.strange) > 0 {
		d.t.Errorf("strange things on the screen: %q", d.picture.strange)
	}
}

// screen is what the screen shows now. The eye may still be reading: what is on its way comes later.
func (d *desk) screen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.picture.String()
}

// everything is what the screen got so far.
func (d *desk) everything() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.raw.String()
}

// reads starts a ReadLine, and returns how it ends.
func (d *desk) reads() <-chan result {
	c := make(chan result, 1)
	go func() {
		line, err := d.term.ReadLine()
		c <- result{line, err}
	}()
	return c
}

func (d *desk) got(c <-chan result, want result) {
	d.t.Helper()
	select {
	case r := <-c:
		if r != want {
			d.t.Errorf("ReadLine returned %q, %v; want %q, %v", r.line, r.err, want.line, want.err)
		}
	case <-time.After(patience):
		d.t.Fatalf("ReadLine does not return; the screen got %.2000q", d.everything())
	}
}

func TestTTYLine(t *testing.T) {
	d := sit(t, 40, 20, Options{Prompt: "say> "}, false)
	fmt.Fprintln(d.term, "welcome")
	line := d.reads()
	d.sees("welcome\nsay> |")
	d.keys("你好,world世界")
	d.sees("welcome\nsay> 你好,world世界|")
	fmt.Fprintln(d.term, "guest: 消息")
	d.sees("welcome\nguest: 消息\nsay> 你好,world世界|")
	d.keys("\x1b[D\x1b[D")
	d.sees("welcome\nguest: 消息\nsay> 你好,world|世界")
	d.keys("\x7f!")
	d.sees("welcome\nguest: 消息\nsay> 你好,worl!|世界")
	fmt.Fprint(d.term, "two\nlines")
	d.sees("welcome\nguest: 消息\ntwo\nlines\nsay> 你好,worl!|世界")
	d.keys("\r")
	d.got(line, result{"你好,worl!世界", nil})
	fmt.Fprintln(d.term, "meanwhile")
	d.sees("welcome\nguest: 消息\ntwo\nlines\nsay> 你好,worl!世界\nmeanwhile\n|")

	line = d.reads()
	d.keys("\x1b[A") // Up
	d.sees("welcome\nguest: 消息\ntwo\nlines\nsay> 你好,worl!世界\nmeanwhile\nsay> 你好,worl!世界|")
	d.keys("\x15again\r\n") // Ctrl-U
	d.got(line, result{"again", nil})
	if strings.Contains(d.everything(), cursorQuery) {
		t.Error("the terminal was asked where its cursor is")
	}
}

func TestTTYLineThatWraps(t *testing.T) {
	d := sit(t, 20, 20, Options{Prompt: "> "}, false)
	line := d.reads()
	d.sees("> |")
	d.keys("0123456789你好世界你好世界")
	d.sees("> 0123456789你好世界\n你好世界|")
	fmt.Fprintln(d.term, "first")
	fmt.Fprintln(d.term, strings.Repeat("=", 25))
	d.sees("first\n====================\n    =====\n> 0123456789你好世界\n你好世界|")
	d.keys("\x01") // Ctrl-A
	d.until("the cursor at the start of the line", func() bool { return d.picture.row == 3 && d.picture.col == 2 })
	fmt.Fprintln(d.term, "second")
	d.until("the message", func() bool { return d.picture.row == 4 && d.picture.col == 2 })
	d.keys("x\x05\r")
	d.got(line, result{"x0123456789你好世界你好世界", nil})
	d.sees("first\n====================\n    =====\nsecond\n> x0123456789你好世\n界你好世界\n|")
}

func TestTTYSetPrompt(t *testing.T) {
	d := sit(t, 20, 20, Options{}, false)
	d.term.SetPrompt("one> ")
	line := d.reads()
	d.sees("one> |")
	d.keys("0123456789ab\x1b[D")
	d.sees("one> 0123456789a|b")
	d.term.SetPrompt("a longer one> ")
	d.sees("a longer one> 012345\n6789a|b")
	d.term.SetPrompt("")
	d.sees("0123456789a|b")
	d.term.SetPrompt("\x1b> ")
	d.sees(`\x1b> 0123456789a|b`)
	d.keys("\r")
	d.got(line, result{"0123456789ab", nil})
}

func TestTTYKeysThatEndALine(t *testing.T) {
	d := sit(t, 40, 20, Options{Prompt: "> "}, false)
	line := d.reads()
	d.sees("> |")
	d.keys("half\x03")
	d.got(line, result{"", ErrInterrupt})
	d.sees("> half^C\n|")
	line = d.reads()
	d.sees("> half^C\n> |")
	d.keys("ab\x1b[D\x04\x1b[D\x04\x04") // Ctrl-D deletes while there is text
	d.got(line, result{"", io.EOF})
	line = d.reads()
	d.sees("> half^C\n> ^D\n> |")
	d.keys("on\x1a\r") // Ctrl-Z does nothing
	d.got(line, result{"on", nil})
}

func TestTTYTypedAhead(t *testing.T) {
	d := sit(t, 40, 20, Options{Prompt: "> "}, false)
	d.keys("one\rtwo\rthr")
	d.got(d.reads(), result{"one", nil})
	d.got(d.reads(), result{"two", nil})
	line := d.reads()
	d.sees("> one\n> two\n> thr|")
	d.keys("ee\r")
	d.got(line, result{"three", nil})
	d.keys("\x03")
	busy, cancel := d.term.UntilInterrupt(t.Context())
	defer cancel()
	select {
	case <-busy.Done():
	case <-time.After(patience):
		t.Fatal("not told of Ctrl-C while no ReadLine waits")
	}
	d.got(d.reads(), result{"", ErrInterrupt})
}

// TestTTYAttach: a container's terminal, somebody who attaches, leaves, and
// attaches again.
func TestTTYAttach(t *testing.T) {
	d := sit(t, 0, 0, Options{Prompt: "> ", Greet: func() string { return "hello" }}, true)
	line := d.reads()
	fmt.Fprintln(d.term, "listening")
	d.sees("listening\n|")
	select {
	case <-d.term.Attached():
		t.Fatal("somebody is there before anybody came")
	default:
	}
	d.resize(60, 20)
	<-d.term.Attached()
	d.sees("listening\nhello\n> |")
	d.keys("half 你好\x1b[D")
	d.sees("listening\nhello\n> half 你|好")
	if raw := d.everything(); !strings.HasPrefix(raw, "listening\r\n") {
		t.Errorf("before anybody came the screen got %q", raw)
	}
	d.clear()
	d.resize(61, 21) // as docker attach does, where the size is the same
	d.resize(60, 20)
	d.sees("listening\nhello\n> half 你|好")
	d.keys("\r")
	d.got(line, result{"half 你好", nil})
}

func TestTTYAttachByKey(t *testing.T) {
	d := sit(t, 0, 0, Options{Prompt: "> "}, true)
	line := d.reads()
	d.keys("y")
	<-d.term.Attached()
	d.sees("> y|")
	d.keys("es\r")
	d.got(line, result{"yes", nil})
}

func TestTTYUnknownSizeOutsideAContainer(t *testing.T) {
	d := sit(t, 0, 0, Options{Prompt: "> "}, false)
	<-d.term.Attached()
	line := d.reads()
	d.sees("> |")
	d.keys(strings.Repeat("x", 80) + "\r")
	d.got(line, result{strings.Repeat("x", 80), nil})
}

func TestTTYHangsUp(t *testing.T) {
	for _, container := range []bool{false, true} {
		d := sit(t, 0, 0, Options{Prompt: "> "}, container)
		line := d.reads()
		if !container {
			d.sees("> |")
			d.keys("nobody pressed Enter")
			d.sees("> nobody pressed Enter|")
		}
		d.master.Close()
		d.got(line, result{"", io.EOF})
		d.got(d.reads(), result{"", io.EOF})
		<-d.term.Attached()
		fmt.Fprintln(d.term, "into the void")
		if err := d.term.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		d.got(d.reads(), result{"", ErrClosed})
	}
}

func TestTTYClose(t *testing.T) {
	d := newDesk(t, 40, 20)
	before, err := getTermios(d.tty)
	if err != nil {
		t.Fatal(err)
	}
	goroutines := runtime.NumGoroutine()
	if d.term, err = Open(d.tty, d.tty, Options{Prompt: "> "}); err != nil {
		t.Fatal(err)
	}
	go d.look()
	if raw, err := getTermios(d.tty); err != nil || raw.Lflag&(unix.ECHO|unix.ICANON|unix.ISIG) != 0 {
		t.Errorf("the TTY is not raw before the first ReadLine: %v", err)
	}
	line := d.reads()
	d.sees("> |")
	d.keys("half")
	d.sees("> half|")
	fmt.Fprintln(d.term, "bye")
	within(t, "Close", func() { err = d.term.Close() })
	if err != nil {
		t.Errorf("Close: %v", err)
	}
	d.got(line, result{"", ErrClosed})
	d.got(d.reads(), result{"", ErrClosed})
	d.sees("bye\n> half\n|")
	if after, err := getTermios(d.tty); err != nil || *after != *before {
		t.Errorf("the TTY was %+v and is now %+v, %v", before, after, err)
	}
	if err := d.term.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	d.master.Close()
	d.tty.Close()
	within(t, "a goroutine", func() {
		for runtime.NumGoroutine() > goroutines+1 { // this one
			runtime.Gosched()
		}
	})
}

func TestTTYCloseBeforeAnybodyCame(t *testing.T) {
	d := sit(t, 0, 0, Options{Prompt: "> "}, true)
	line := d.reads()
	d.term.Close()
	d.got(line, result{"", ErrClosed})
	if raw := d.everything(); raw != "" {
		t.Errorf("painted %q for nobody", raw)
	}
}

// TestTTYBlocked: the screen stands still, as after Ctrl-S or in a terminal
// that has stopped.
func TestTTYBlocked(t *testing.T) {
	d := newDesk(t, 120, 40)
	term, err := Open(d.tty, d.tty, Options{Prompt: "> ", Lang: language.English})
	if err != nil {
		t.Fatal(err)
	}
	d.term = term
	defer term.Close()
	line := d.reads()
	const lines = 10_000
	within(t, "writing to a screen that stands still", func() {
		for range lines {
			fmt.Fprintln(term, strings.Repeat("x", 99))
			term.SetPrompt("> ")
		}
	})
	d.keys("typed all the same")
	go d.look()
	d.until("the notice", func() bool { return strings.Contains(d.raw.String(), "nobody was reading: ") })
	d.until("the prompt", func() bool { return strings.HasSuffix(d.picture.String(), "\n> typed all the same") })
	seen, lost := 0, 0
	for l := range strings.SplitSeq(d.screen(), "\n") {
		if l == strings.Repeat("x", 99) {
			seen++
		}
		var n int
		fmt.Sscanf(l, "(nobody was reading: %d lines dropped)", &n)
		lost += n
	}
	if seen+lost != lines || seen == 0 {
		t.Errorf("%d lines were shown and %d said to be lost, of %d", seen, lost, lines)
	}
	d.keys("\r")
	d.got(line, result{"typed all the same", nil})
}

func TestTTYBlockedForEverIsClosed(t *testing.T) {
	d := newDesk(t, 80, 24)
	before, _ := getTermios(d.tty)
	term, err := Open(d.tty, d.tty, Options{Prompt: "> "})
	if err != nil {
		t.Fatal(err)
	}
	d.term = term
	line := d.reads()
	within(t, "Close", func() {
		for range 10_000 {
			fmt.Fprintln(term, strings.Repeat("x", 99))
		}
		d.keys("some text")
		err = term.Close()
	})
	if err != nil {
		t.Errorf("Close: %v", err)
	}
	d.got(line, result{"", ErrClosed})
	if after, err := getTermios(d.tty); err != nil || *after != *before {
		t.Errorf("the TTY was %+v and is now %+v, %v", before, after, err)
	}
}

func TestTTYPastedMegabyte(t *testing.T) {
	d := sit(t, 80, 24, Options{Prompt: "> "}, false)
	line := d.reads()
	go d.master.WriteString(strings.Repeat("x", 1<<20) + "\r")
	d.got(line, result{strings.Repeat("x", maxText), nil})
	line = d.reads()
	d.keys("\x1b[A\x15\x19\x19\x19\r") // Up, Ctrl-U, three times Ctrl-Y
	d.got(line, result{strings.Repeat("x", maxText), nil})
	d.keys("next\r")
	d.got(d.reads(), result{"next", nil})
}

// TestTTYStorm: people type, edit and send lines while messages arrive from all
// sides and the window is resized. With -race it also looks at the library's
// locking. In the end every message is there, once, in its order, and whole.
func TestTTYStorm(t *testing.T) {
	d := sit(t, 50, 20, Options{Prompt: "请> "}, false)
	const writers, messages, sent = 4, 250, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range messages {
				fmt.Fprintf(d.term, "message %d %d 消息\n", w, i)
				if i%10 == 0 {
					d.term.SetPrompt([]string{"请> ", "请输入> "}[i/10%2])
					syscall.Kill(os.Getpid(), syscall.SIGWINCH)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range sent {
			d.keys(fmt.Sprintf("你好 %d世\x1b[D\x7f%d\r", i, i%10))
		}
	})
	for i := range sent {
		d.got(d.reads(), result{fmt.Sprintf("你好 %d世", i), nil})
	}
	wg.Wait()
	line := d.reads()
	d.keys("over")
	d.until("the last line", func() bool { return strings.HasSuffix(d.picture.String(), "> over") })
	next := make([]int, writers)
	mine := 0
	for l := range strings.SplitSeq(d.screen(), "\n") {
		var w, i int
		if _, err := fmt.Sscanf(l, "message %d %d 消息", &w, &i); err == nil {
			if i != next[w] {
				t.Fatalf("writer %d: message %d where %d is due", w, i, next[w])
			}
			next[w]++
			continue
		}
		_, text, ok := strings.Cut(l, "> ")
		if want := fmt.Sprintf("你好 %d世", mine); ok && text == want {
			mine++
		} else if text != "over" {
			t.Errorf("stray line %q", l)
		}
	}
	if mine != sent || fmt.Sprint(next) != fmt.Sprint([]int{messages, messages, messages, messages}) {
		t.Errorf("%d lines of mine and %d messages are on the screen", mine, next)
	}
	d.keys("\r")
	d.got(line, result{"over", nil})
}

func TestFullDisk(t *testing.T) {
	in, keyboard := pipePair(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	term, err := Open(in, full, Options{Prompt: "> "})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "a full disk", func() {
		for range 10_000 {
			if _, err := fmt.Fprintln(term, "no room for this"); err != nil {
				t.Error(err)
				return
			}
		}
		io.WriteString(keyboard, "still here\n")
		if line, err := term.ReadLine(); line != "still here" {
			t.Error(line, err)
		}
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Whoever waits for a line may stop waiting: what was half typed is gone, from the screen too.
func TestTTYReadLineContext(t *testing.T) {
	d := sit(t, 20, 20, Options{Prompt: "your turn> "}, false)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		line := make(chan result, 1)
		go func() {
			l, err := d.term.ReadLineContext(ctx)
			line <- result{l, err}
		}()
		d.sees("your turn> |")
		d.keys("half 你好世界 of it\x1b[D\x1b[D")
		d.sees("your turn> half 你好\n世界 of |it")
		cancel()
		d.got(line, result{"", context.Canceled})
		d.sees("|")
	}
	d.term.SetPrompt("> ")
	line := d.reads()
	d.sees("> |")
	d.keys("all\x03")
	d.got(line, result{"", ErrInterrupt})
	d.sees("> all^C\n|")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if l, err := d.term.ReadLineContext(ctx); l != "" || err != context.Canceled {
		t.Errorf("got %q, %v", l, err)
	}
	line = d.reads()
	d.keys("again\r")
	d.got(line, result{"again", nil})
}

// What is typed out of turn is said to be so, and never comes back.
func TestTTYOutOfTurn(t *testing.T) {
	d := sit(t, 40, 20, Options{Prompt: "> ", OutOfTurn: "not your turn"}, false)
	line := d.reads()
	d.sees("> |")
	d.keys("mine\r\n")
	d.got(line, result{"mine", nil})
	d.keys("and")
	d.sees("> mine\nnot your turn\n|")
	d.keys(" this\x04\rand that")
	d.sees("> mine\nnot your turn\nnot your turn\n|")
	d.keys("\x03")
	busy, cancel := d.term.UntilInterrupt(t.Context())
	<-busy.Done()
	cancel()
	line = d.reads()
	d.sees("> mine\nnot your turn\nnot your turn\n> |")
	d.keys("two\r lines at once")
	d.got(line, result{"two", nil})
	line = d.reads()
	d.sees("> mine\nnot your turn\nnot your turn\n> two\nnot your turn\n> |")
	d.keys("\r")
	d.got(line, result{"", nil})
}

// Whoever attaches sees what was written last, and the greeting. Whoever resizes a window does not.
func TestTTYGreet(t *testing.T) {
	d := sit(t, 0, 0, Options{Prompt: "> ", Greet: func() string { return "you are guest-1\nCtrl-P Ctrl-Q leaves" }}, true)
	line := d.reads()
	for i := range 9 {
		fmt.Fprintln(d.term, "line", i)
	}
	d.sees("line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\n|")
	d.resize(61, 21)
	d.resize(60, 20)
	d.sees("line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\nyou are guest-1\nCtrl-P Ctrl-Q leaves\n> |")
	d.clear()
	d.resize(61, 21)
	d.resize(60, 20)
	d.sees("line 4\nline 5\nline 6\nline 7\nline 8\nyou are guest-1\nCtrl-P Ctrl-Q leaves\n> |")
	d.clear()
	d.resize(70, 30)
	d.sees("> |")
	d.keys("x\r")
	d.got(line, result{"x", nil})
}

// Who attaches to a container that has run for a while sees what was written before, and what is written as they
// come, each line once.
func TestTTYGreetsWhileSomethingIsWritten(t *testing.T) {
	t.Parallel()
	d := sit(t, 0, 0, Options{Prompt: "> ", Greet: func() string { return "hello" }}, true)
	d.reads()
	fmt.Fprintln(d.term, "listening")
	d.sees("listening\n|")
	d.clear()
	time.Sleep(startTime) // until then it would be the person who started the container
	d.resize(60, 20)
	<-d.term.Attached()
	fmt.Fprintln(d.term, "connected")
	d.sees("connected\nlistening\nhello\n> |")
}

// However a line was filled up, no row of it begins like a line of somebody else.
func TestTTYWrites(t *testing.T) {
	d := sit(t, 20, 20, Options{}, false)
	fmt.Fprintln(d.term, "guest-1: hi"+strings.Repeat(" ", 20-11)+"* server: bye")
	fmt.Fprintln(d.term, strings.Repeat("界", 12)+"\n20 cells, 20 cells: ")
	d.sees("guest-1: hi\n    * server: bye\n界界界界界界界界界界\n    界界\n20 cells, 20 cells:\n|")
}

// clear gives the person an empty screen: another window.
func (d *desk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.picture = newPicture(60)
}

// What a person sees as one sign counts as what it shows, and Backspace takes it whole.
func TestTTYSigns(t *testing.T) {
	const (
		accent   = "e\u0301"
		korean   = "\u1112\u1161\u11ab\u1100\u116e\u11a8" // 한국, of its parts
		family   = "👨\u200d👩\u200d👧"
		heart    = "❤\ufe0f"
		china    = "🇨🇳"
		scotland = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
	)
	for _, sign := range []string{accent, korean[:9], family, heart, china, scotland, "你", "\U0003a001"} {
		d := sit(t, 40, 20, Options{Prompt: "> "}, false)
		line := d.reads()
		d.sees("> |")
		d.keys("a" + sign + "b")
		d.sees("> a" + sign + "b|")
		d.keys("\x1b[D")
		d.sees("> a" + sign + "|b")
		d.keys("\x1b[D")
		d.sees("> a|" + sign + "b")
		d.keys("\x1b[C")
		d.sees("> a" + sign + "|b")
		d.keys("\x7f")
		d.sees("> a|b")
		d.keys(sign + "\x01\x1b[3~") // typed in the middle; Delete takes one at the beginning
		d.sees("> |" + sign + "b")
		d.keys("\x1b[3~")
		d.sees("> |b")
		d.keys("\x0b" + sign + "\r")
		d.got(line, result{sign, nil})
		line = d.reads()
		d.keys("\x1b[A") // from the history
		d.until("the sign again", func() bool { return strings.HasSuffix(d.picture.String(), "> "+sign) })
		d.keys("\x7f\x7f\r")
		d.got(line, result{"", nil})
	}

	// A row ends where it is full, and not before.
	d := sit(t, 40, 20, Options{Prompt: "> "}, false)
	line := d.reads()
	d.sees("> |")
	full := strings.Repeat(family+korean, 6) // 36 cells
	d.keys(full + "ab" + china + accent)
	d.sees("> " + full + "ab\n" + china + accent + "|")
	fmt.Fprintln(d.term, "a message")
	d.sees("a message\n> " + full + "ab\n" + china + accent + "|")
	d.keys("\r")
	d.got(line, result{full + "ab" + china + accent, nil})
	line = d.reads()
	d.keys("e" + strings.Repeat("\u0301", 500) + "\r")
	d.got(line, result{"e" + strings.Repeat("\u0301", maxSign-1), nil})
	line = d.reads()
	d.keys("tags alone \U000e0068\U000e0069 are nothing\r")
	d.got(line, result{"tags alone  are nothing", nil})
}

// A terminal that sends another encoding gets a word, once for each line.
func TestTTYNotUTF8(t *testing.T) {
	d := sit(t, 90, 20, Options{Prompt: "> ", Lang: language.English}, false)
	const notice = "(this terminal sends no UTF-8 text: nothing was taken; set its encoding to UTF-8)\n"
	line := d.reads()
	d.sees("> |")
	d.keys("a\xc4\xe3\xba\xc3b") // 你好 in GBK
	d.sees(notice + "> ab|")
	d.keys("\xc4\xe3\xba\xc3c\r")
	d.got(line, result{"abc", nil})
	line = d.reads()
	d.keys("\xc4\xe3.\r")
	d.got(line, result{".", nil})
	d.sees(notice + "> abc\n" + notice + "> .\n|")
}
