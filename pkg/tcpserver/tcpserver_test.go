package tcpserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// listener hands out the ends of pipes that it is given, and the errors.
type listener struct {
	in     chan any
	closed chan struct{}
}

func newListener() *listener { return &listener{make(chan any), make(chan struct{})} }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case x := <-l.in:
		if err, ok := x.(error); ok {
			return nil, err
		}
		return x.(net.Conn), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *listener) Close() error   { close(l.closed); return nil }
func (l *listener) Addr() net.Addr { return &net.UnixAddr{} }

func (l *listener) dial() net.Conn {
	c, s := net.Pipe()
	select {
	case l.in <- s:
	case <-l.closed:
	}
	return c
}

// echo answers lines until its peer is gone or the server stops; then it says bye.
func echo(ctx context.Context, conn net.Conn) error {
	in := bufio.NewScanner(conn)
	for {
		conn.SetDeadline(time.Now().Add(time.Minute))
		if ctx.Err() != nil || !in.Scan() {
			break
		}
		fmt.Fprintln(conn, in.Text())
	}
	if ctx.Err() != nil {
		fmt.Fprintln(conn, "bye")
		return nil
	}
	return in.Err()
}

func expect(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	if got, err := r.ReadString('\n'); got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestStopSaysGoodbyeToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ln, done := newListener(), make(chan error)
		s := &Server{Handler: echo, MaxConns: 10, Grace: time.Second, Log: zap.NewNop()}
		go func() { done <- s.Serve(ctx, ln) }()
		var readers []*bufio.Reader
		for range 5 {
			c := ln.dial()
			readers = append(readers, bufio.NewReader(c))
			fmt.Fprintln(c, "hello")
			expect(t, readers[len(readers)-1], "hello\n")
		}
		stop()
		for _, r := range readers {
			expect(t, r, "bye\n")
			if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("after the goodbye: %v, want EOF", err)
			}
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestStopForcesTheStubborn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ln, done := newListener(), make(chan error)
		s := &Server{MaxConns: 1, Grace: 3 * time.Second, Log: zap.NewNop(), Handler: func(_ context.Context, c net.Conn) error {
			for { // reads on, whatever the deadline says, until it is closed
				if _, err := c.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					return nil
				}
				c.SetReadDeadline(time.Time{})
			}
		}}
		go func() { done <- s.Serve(ctx, ln) }()
		ln.dial()
		synctest.Wait() // it is served
		start := time.Now()
		stop()
		if err := <-done; err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("Serve: %v after %v, want nil after the grace of 3s", err, time.Since(start))
		}
	})
}

func TestFullRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ln, done, refused := newListener(), make(chan error), 0
		s := &Server{Handler: echo, MaxConns: 1, Grace: time.Second, Log: zap.NewNop(), Full: func(_ iter.Seq[net.Conn], newcomer net.Conn) net.Conn {
			refused++
			return newcomer
		}}
		go func() { done <- s.Serve(ctx, ln) }()
		first := ln.dial()
		if got, err := io.ReadAll(ln.dial()); len(got) != 0 || err != nil || refused != 1 {
			t.Errorf("got %q, %v; Full was called %d times", got, err, refused)
		}
		first.Close()
		synctest.Wait()
		c := ln.dial() // the place is free again
		fmt.Fprintln(c, "hello")
		expect(t, bufio.NewReader(c), "hello\n")
		c.Close()
		stop()
		<-done
	})
}

// A path of its own choice, and an error that repeats it: neither reaches the log, and so perhaps a terminal, as it is.
func TestTheLogIsEscaped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		ctx, stop := context.WithCancel(t.Context())
		ln, done := newListener(), make(chan error)
		s := &Server{MaxConns: 1, Grace: time.Second, Log: zap.New(core), Full: itself, Handler: func(ctx context.Context, c net.Conn) error {
			echo(ctx, c)
			return fmt.Errorf("write to %v", c.RemoteAddr())
		}}
		go func() { done <- s.Serve(ctx, ln) }()
		for range 2 { // the second is refused
			_, end := net.Pipe()
			ln.in <- named{end}
			synctest.Wait()
		}
		stop()
		<-done
		for message, want := range map[string]map[string]any{
			"refused: too many connections": {"remote": `/tmp/\u009b2J\u202e.sock`, "max": int64(1)},
			"connection":                    {"remote": `/tmp/\u009b2J\u202e.sock`, "error": `write to /tmp/\u009b2J\u202e.sock`},
		} {
			if lines := logs.FilterMessage(message).All(); len(lines) != 1 || !maps.Equal(lines[0].ContextMap(), want) {
				t.Errorf("%s: got %+v", message, lines)
			}
		}
	})
}

type named struct{ net.Conn }

func (named) RemoteAddr() net.Addr {
	return &net.UnixAddr{Net: "unix", Name: "/tmp/\u009b2J\u202e.sock"}
}

// itself chooses the newcomer.
func itself(_ iter.Seq[net.Conn], newcomer net.Conn) net.Conn { return newcomer }

// first chooses the oldest connection.
func first(oldest iter.Seq[net.Conn], _ net.Conn) net.Conn {
	for c := range oldest {
		return c
	}
	return nil
}

// They leave in the order in which they came, and nobody is chosen twice, though a handler is slow to find out.
func TestFullMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ln, done := newListener(), make(chan error)
		const most = 5
		s := &Server{MaxConns: most, Grace: time.Second, Log: zap.NewNop(), Full: first,
			Handler: func(ctx context.Context, c net.Conn) error {
				defer time.Sleep(time.Second)
				return echo(ctx, c)
			},
		}
		go func() { done <- s.Serve(ctx, ln) }()
		var conns []net.Conn
		for i := range 3 * most {
			conns = append(conns, ln.dial())
			synctest.Wait() // it has a place, or waits for the one that was made
			if i >= most {
				if _, err := conns[i-most].Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("connection %d, the oldest: %v, want EOF", i-most, err)
				}
			}
		}
		time.Sleep(2 * time.Second)
		for _, c := range conns[2*most:] {
			fmt.Fprintln(c, "hello")
			expect(t, bufio.NewReader(c), "hello\n")
		}
		stop()
		<-done
	})
}

func TestNobodyTakesThePlaceMadeForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		one, two, done := newListener(), newListener(), make(chan error)
		calls := 0
		s := &Server{MaxConns: 1, Grace: time.Second, Log: zap.NewNop(), Handler: echo}
		s.Full = func(oldest iter.Seq[net.Conn], newcomer net.Conn) net.Conn {
			if calls++; calls > 1 {
				return newcomer
			}
			go two.dial() // whose newcomer comes at the worst of times
			return first(oldest, newcomer)
		}
		go func() { done <- s.Serve(ctx, one, two) }()
		one.dial()
		synctest.Wait()
		second := one.dial()
		came := time.Now()
		fmt.Fprintln(second, "hello")
		expect(t, bufio.NewReader(second), "hello\n")
		if waited := time.Since(came); waited > 0 {
			t.Errorf("a newcomer for whom there was made room waited %v", waited)
		}
		second.Close()
		stop()
		<-done
	})
}

func TestAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		ln, done := newListener(), make(chan error)
		s := &Server{Handler: echo, MaxConns: 1, Grace: time.Second, Log: zap.New(core)}
		go func() { done <- s.Serve(t.Context(), ln) }()
		for range 3 {
			ln.in <- noDescriptor
		}
		c := ln.dial() // it serves again
		fmt.Fprintln(c, "hello")
		expect(t, bufio.NewReader(c), "hello\n")
		c.Close()
		if n := logs.FilterMessage("accept").Len(); n != 1 {
			t.Errorf("%d warnings within a second, want 1", n)
		}
		ln.in <- errors.New("broken for good")
		if err := <-done; err == nil || !strings.Contains(err.Error(), "broken for good") {
			t.Errorf("Serve: %v", err)
		}
	})
}

var noDescriptor = &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}

func TestOutOfDescriptorsMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ln, done := newListener(), make(chan error)
		asked := 0
		s := &Server{Handler: echo, MaxConns: 10, Grace: time.Second, Log: zap.NewNop(), Full: func(oldest iter.Seq[net.Conn], newcomer net.Conn) net.Conn {
			asked++
			return first(oldest, newcomer)
		}}
		go func() { done <- s.Serve(ctx, ln) }()
		silent := ln.dial()
		synctest.Wait()
		for range 20 { // all but the first when nobody is left: the pauses grow
			ln.in <- noDescriptor
		}
		began := time.Now()
		ln.in <- noDescriptor
		waited := time.Since(began)
		synctest.Wait()
		if _, err := silent.Read(make([]byte, 1)); err != io.EOF || asked != 21 || waited != maxPause {
			t.Errorf("who was silent: %v; room was asked for %d times, want 21; the pause grew to %v, want %v", err, asked, waited, maxPause)
		}
		stop()
		<-done
	})
}

func TestNewcomersStayInTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ln, done := newListener(), make(chan error)
		s := &Server{Handler: echo, MaxConns: 1, Grace: time.Second, Log: zap.NewNop()}
		go func() { done <- s.Serve(ctx, ln) }()
		first := ln.dial()
		synctest.Wait()
		second, end := net.Pipe()
		select {
		case ln.in <- end:
			t.Fatal("a second connection was accepted while the first was open")
		default:
		}
		first.Close()
		ln.in <- end // accepted now
		fmt.Fprintln(second, "hello")
		r := bufio.NewReader(second)
		expect(t, r, "hello\n")
		stop()
		expect(t, r, "bye\n")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestBacklogOfTwoListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		one, two, done := newListener(), newListener(), make(chan error)
		s := &Server{Handler: echo, MaxConns: 1, Grace: time.Second, Log: zap.NewNop()}
		go func() { done <- s.Serve(ctx, one, two) }()
		synctest.Wait() // both have seen the place, and accept
		a := one.dial()
		synctest.Wait() // a has it
		b := two.dial() // waits for it
		fmt.Fprintln(a, "a")
		expect(t, bufio.NewReader(a), "a\n")
		a.Close()
		fmt.Fprintln(b, "b")
		r := bufio.NewReader(b)
		expect(t, r, "b\n")
		stop()
		expect(t, r, "bye\n")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
