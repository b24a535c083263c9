//go:build !nolobby

package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/labtest"
	"netlab.example/services/hello-tcp/lobby"
)

// What comes while the lobby answers must not make its close a reset: the answer arrives, once, and the end in order.
func TestMoreComesInTheLobby(t *testing.T) {
	ln := listen(t, "tcp4://127.0.0.1:0")
	var p *labtest.Peer
	s, story := startOn(t, testConfig(), func(s *server) net.Listener {
		l := lobby.New(ln, maxHead, func(request []byte) []byte { // after the read, and before the close
			if string(request) == "hello" {
				p.Send("and more")
				arrived(t, p)
			}
			return s.answerAtOnce(request)
		}, s.endedAtOnce)
		p = labtest.Dial(t, l.Addr())
		p.Send("hello")
		return l
	})
	p.Expect(hello)
	p.ExpectEOF()
	p.Close()
	if got := story(); strings.Count(got, "\n") != 3 || !strings.Contains(got, "Received: hello  <- 127.0.0.1:") || !strings.Contains(got, "closed: "+p.LocalAddr().String()+"\n") {
		t.Errorf("transcript: %s", got)
	}
	if n := testutil.ToFloat64(s.counts.complete); n != 1 {
		t.Errorf("counted %v complete requests", n)
	}
}

// arrived waits until all that p has sent is acknowledged.
func arrived(t *testing.T, p *labtest.Peer) {
	raw, err := p.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	labtest.Eventually(t, "all is acknowledged", func() bool {
		left := 1
		raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		return left == 0
	})
}

// A crowd whose requests never cease keeps the lobby busy, but not from being closed: a stop is a stop.
func TestBusyLobbyCloses(t *testing.T) {
	var l net.Listener
	var more atomic.Bool
	more.Store(true)
	ask := func() {
		p := labtest.Dial(t, l.Addr())
		p.Send("hello")
		arrived(t, p)
	}
	answered := make(chan struct{}, 1)
	l = lobby.New(listen(t, "tcp4://127.0.0.1:0"), maxHead, func([]byte) []byte {
		select {
		case answered <- struct{}{}:
		default:
		}
		if more.Load() { // when this one has been answered, the next one is here
			ask()
		}
		return []byte(hello)
	}, func(fmt.Stringer, []byte) {})
	ask()
	accepted, closed := make(chan error, 1), make(chan struct{})
	go func() {
		conn, err := l.Accept()
		if err == nil {
			conn.Close()
		}
		accepted <- err
	}()
	<-answered
	go func() { l.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the lobby goes on answering while it is to be closed")
		more.Store(false)
		<-closed
	}
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want that it is closed", err)
	}
}
