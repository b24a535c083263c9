package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"netlab.example/pkg/language"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// piped opens a Terminal between two pipes.
func piped(t *testing.T, opt Options) (term *Terminal, keyboard, screen *os.File) {
	t.Helper()
	in, keyboard := pipePair(t)
	screen, out := pipePair(t)
	term, err := Open(in, out, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { term.Close() })
	if term.IsTTY() {
		t.Fatal("a pipe is taken for a TTY")
	}
	select {
	case <-term.Attached():
	default:
		t.Fatal("nobody is attached to a pipe")
	}
	return term, keyboard, screen
}

func pipePair(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// within fails the test when do does not end.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s does not end", what)
	}
}

func TestPipeLines(t *testing.T) {
	longest := strings.Repeat("x", maxLine)
	for _, tt := range []struct {
		name, in string
		want     []string // lines, and errors with a "!"
	}{
		{"nothing", "", nil},
		{"lines", "a\n你好\n\nlast\n", []string{"a", "你好", "", "last"}},
		{"no newline at the end", "a\nlast", []string{"a", "last"}},
		{"carriage returns", "a\r\nb\rc\r\n", []string{"a", "b\rc"}},
		{"longest", longest + "\n" + longest + "\r\n" + longest, []string{longest, longest, longest}},
		{"too long", longest + "x\nshort\n" + strings.Repeat("y", 1<<20) + "\nlast", []string{"!", "short", "!", "last"}},
		{"too long at the end", "a\n" + longest + "x", []string{"a", "!"}},
		{"bytes as they are", "\xff\x1b[A\x00\n", []string{"\xff\x1b[A\x00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			term, keyboard, _ := piped(t, Options{})
			go func() {
				io.WriteString(keyboard, tt.in)
				keyboard.Close()
			}()
			var got []string
			for {
				line, err := term.ReadLine()
				if err == io.EOF {
					break
				}
				if err == ErrTooLong {
					line = "!"
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, line)
			}
			if fmt.Sprintf("%.20q", got) != fmt.Sprintf("%.20q", tt.want) || strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %.20q, want %.20q", got, tt.want)
			}
			if _, err := term.ReadLine(); err != io.EOF {
				t.Errorf("after the end: %v, want EOF for good", err)
			}
		})
	}
}

func TestPipePromptsAndMessages(t *testing.T) {
	term, keyboard, screen := piped(t, Options{Prompt: "say:"})
	io.WriteString(keyboard, "one\ntwo\n")
	keyboard.Close()
	fmt.Fprint(term, "hello\n")
	term.ReadLine()
	fmt.Fprint(term, "no newline")
	term.SetPrompt("again:\x1b[1m")
	term.ReadLine()
	term.ReadLine()
	term.ReadLine() // at the end there is no more to ask for
	fmt.Fprint(term, "a\nb\n")
	fmt.Fprint(term, "")
	if err := term.Close(); err != nil {
		t.Error(err)
	}
	want := "hello\nsay:\nno newline\nagain:\\x1b[1m\nagain:\\x1b[1m\na\nb\n"
	got := make([]byte, len(want)+1)
	n, _ := screen.Read(got)
	if string(got[:n]) != want {
		t.Errorf("on the pipe is %q, want %q", got[:n], want)
	}
}

func TestPipeEachWriteIsSeenAtOnce(t *testing.T) {
	term, _, screen := piped(t, Options{})
	in := bufio.NewReader(screen)
	for i := range 100 {
		fmt.Fprintln(term, "event", i)
		if got, err := in.ReadString('\n'); got != fmt.Sprintln("event", i) { // would hang if it were kept back
			t.Fatal(got, err)
		}
	}
}

func TestPipeKeepsLinesOfManyWritersWhole(t *testing.T) {
	term, _, screen := piped(t, Options{Wait: time.Minute})
	const writers, lines = 8, 500
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range lines {
				fmt.Fprintf(term, "%d %d %s\n", w, i, strings.Repeat("=", 100))
			}
		})
	}
	next := make([]int, writers)
	in := bufio.NewScanner(screen)
	for range writers * lines {
		in.Scan()
		var w, i int
		var tail string
		if _, err := fmt.Sscan(in.Text(), &w, &i, &tail); err != nil || len(tail) != 100 {
			t.Fatalf("line %q: %v", in.Text(), err)
		}
		if i != next[w] {
			t.Fatalf("writer %d: line %d where %d is due", w, i, next[w])
		}
		next[w]++
	}
	wg.Wait()
}

func TestPipeCloseEndsReadLine(t *testing.T) {
	term, _, _ := piped(t, Options{})
	ended := make(chan error)
	go func() {
		_, err := term.ReadLine()
		ended <- err
	}()
	within(t, "Close", func() { term.Close() })
	if err := <-ended; err != ErrClosed {
		t.Errorf("ReadLine: %v, want ErrClosed", err)
	}
	if _, err := term.ReadLine(); err != ErrClosed {
		t.Errorf("ReadLine after Close: %v, want ErrClosed", err)
	}
	if _, err := fmt.Fprintln(term, "late"); err != ErrClosed {
		t.Errorf("Write after Close: %v, want ErrClosed", err)
	}
	if err := term.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestPipeBlocked: nobody reads. Writes go on, the lines beyond the queue are
// counted, and what is lost is said when somebody reads again.
func TestPipeBlocked(t *testing.T) {
	term, _, screen := piped(t, Options{Lang: language.English})
	const lines = 10_000
	line := strings.Repeat("x", 99)
	within(t, "writing to a pipe that nobody reads", func() {
		for range lines {
			fmt.Fprintln(term, line)
		}
	})
	in := bufio.NewReader(screen)
	seen := 0
	for {
		got, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var lost int
		if n, _ := fmt.Sscanf(got, "(nobody was reading: %d lines dropped)\n", &lost); n == 1 {
			if seen+lost != lines || seen < 2000 {
				t.Errorf("%d lines were shown and %d said to be lost, of %d", seen, lost, lines)
			}
			break
		}
		if got != line+"\n" {
			t.Fatalf("got %q", got)
		}
		seen++
	}
	fmt.Fprintln(term, "flows again")
	if got, err := in.ReadString('\n'); got != "flows again\n" {
		t.Errorf("after the notice came %q, %v", got, err)
	}
}

func TestPipeWaitsForSlowReader(t *testing.T) {
	term, _, screen := piped(t, Options{Wait: time.Minute})
	const size = 4 << 20
	go func() {
		for range size / 1024 {
			fmt.Fprintln(term, strings.Repeat("x", 1023))
		}
	}()
	if _, err := io.CopyN(io.Discard, screen, size); err != nil { // would hang if a line were dropped
		t.Fatal(err)
	}
}

func TestPipeThatBlocksForEverIsClosed(t *testing.T) {
	term, _, _ := piped(t, Options{Wait: time.Millisecond})
	within(t, "Close", func() {
		for range 10_000 {
			fmt.Fprintln(term, strings.Repeat("x", 99))
		}
		term.Close()
	})
}

func TestPipeThatNobodyReadsAnyMore(t *testing.T) {
	term, keyboard, screen := piped(t, Options{})
	screen.Close()
	within(t, "a closed pipe", func() {
		for range 10_000 {
			if _, err := fmt.Fprintln(term, "nobody reads this"); err != nil {
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

func TestPipeReadErrorIsTold(t *testing.T) {
	in, err := os.Open(t.TempDir()) // reading a directory fails
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	_, out := pipePair(t)
	term, err := Open(in, out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	if _, err := term.ReadLine(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("ReadLine: %v, want an error", err)
	}
	if _, err := term.ReadLine(); err != io.EOF {
		t.Errorf("ReadLine again: %v, want EOF", err)
	}
}

// On a pipe a line that comes after the wait was given up is the next one's.
func TestPipeReadLineContext(t *testing.T) {
	in, keyboard := pipePair(t)
	_, out := pipePair(t)
	term, err := Open(in, out, Options{OutOfTurn: "never on a pipe"})
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := term.ReadLineContext(ctx); done <- err }()
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("got %v", err)
	}
	io.WriteString(keyboard, "one\n")
	if line, err := term.ReadLine(); line != "one" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
}
