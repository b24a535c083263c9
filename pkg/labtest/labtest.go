// Package labtest is for the tests of the services: a server that runs while a test does, and a
// conversation with it written as lines of Send and Expect.
package labtest

import (
	"context"
	"io"
	"net"
	"os"
	"reflect"
	"testing"
	"time"
)

// Patience bounds every wait of a test. It is long, for slow machines: a test that passes never waits that long.
const Patience = 20 * time.Second

// Eventually waits until is, for what no event tells of.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", Patience, what)
		}
	}
}

// Lacks skips a test for which this machine lacks something, or fails it if the variable says that the
// machine must have it, as in CI.
func Lacks(t testing.TB, variable string, what any) {
	t.Helper()
	if os.Getenv(variable) != "" {
		t.Fatalf("%s is set: %v", variable, what)
	}
	t.Skip(what)
}

// Run runs serve until the test ends, and then demands that it returns nil. stop ends it sooner.
func Run(t *testing.T, serve func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(Patience):
			t.Error("serve did not return")
		}
	}
	t.Cleanup(stop)
	return stop
}

// A Peer is the other end of a connection under test.
type Peer struct {
	net.Conn
	t *testing.T
}

// Dial connects to a listener or packet socket under test.
func Dial(t *testing.T, a net.Addr) *Peer {
	t.Helper()
	conn, err := net.DialTimeout(a.Network(), a.String(), Patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(Patience))
	return &Peer{conn, t}
}

// Send writes s in one write.
func (p *Peer) Send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, s); err != nil {
		p.t.Fatalf("send %q: %v", s, err)
	}
}

// Expect reads exactly as many bytes as want has, and compares.
func (p *Peer) Expect(want string) {
	p.t.Helper()
	buf := make([]byte, len(want))
	n, err := io.ReadFull(p.Conn, buf)
	if got := string(buf[:n]); got != want {
		p.t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// ExpectEOF demands that the other end closes in order, with nothing more to read and no reset.
func (p *Peer) ExpectEOF() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.Conn); len(rest) > 0 || err != nil {
		p.t.Fatalf("got %q, %v; want the end", rest, err)
	}
}

// CloseWrite half-closes: the other end reads the end of input.
func (p *Peer) CloseWrite() {
	p.t.Helper()
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		p.t.Fatal(err)
	}
}

// Complete demands that no field of a struct of phrases is empty.
func Complete(t *testing.T, phrases any) {
	t.Helper()
	v := reflect.ValueOf(phrases)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s.%s is empty", v.Type(), v.Type().Field(i).Name)
		}
	}
}
