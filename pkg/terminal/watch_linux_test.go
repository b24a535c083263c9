package terminal

import (
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Who attaches to a server that only tells sees where one is. Keys show it again, and none of them is a signal.
func TestWatch(t *testing.T) {
	d := newDesk(t, 0, 0)
	stop := watch(d.tty, d.tty, "this is hello-tcp; Ctrl-P Ctrl-Q leaves")
	go d.look()
	greetings := func() int { return strings.Count(d.raw.String(), "this is hello-tcp; Ctrl-P Ctrl-Q leaves\r\n") }
	d.resize(81, 25)
	d.resize(80, 24)
	d.until("the greeting", func() bool { return greetings() == 1 })
	io.WriteString(d.tty, "Client connected\n")
	d.until("the story", func() bool { return strings.HasSuffix(d.raw.String(), "leaves\r\nClient connected\r\n") }) // once for both
	d.resize(81, 25)                                                                                                 // somebody else, at once
	for n := 1; n < 3; n++ {
		d.until("the greeting again", func() bool { return greetings() == n+1 })
		d.keys("\x03\x04q\r\x1a\x1c")
	}
	stop()
	after, err := getTermios(d.tty)
	if err != nil || after.Lflag&unix.ISIG == 0 {
		t.Errorf("the terminal is not as it was: %v, %v", after, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.raw.String(); strings.ContainsAny(strings.ReplaceAll(s, "Ctrl-P Ctrl-Q", ""), "^\x1b") || strings.Contains(s, "q\r") {
		t.Errorf("a key was echoed: %q", s)
	}
}

// A pipe is left alone, and so is a terminal in a shell.
func TestWatchOfNoTerminal(t *testing.T) {
	d := newDesk(t, 80, 24)
	watch(nil, d.tty, "x")()
	stop := Watch(d.tty, d.tty, "x") // a test is no container's first process
	defer stop()
	if now, err := getTermios(d.tty); err != nil || now.Lflag&unix.ISIG == 0 {
		t.Errorf("a shell's terminal was taken: %v, %v", now, err)
	}
}
