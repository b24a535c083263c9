package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"netlab.example/pkg/labtest"
)

var loopback = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}

// A lab is both relays, with a program at one end and clients at the other.
type lab struct {
	inside net.Addr

	mu   sync.Mutex
	said []string
}

func (l *lab) tell(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, err.Error())
}

func (l *lab) heard(what string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.said, "\n"), what)
}

func newLab(t *testing.T, program net.Addr) *lab {
	t.Helper()
	l := &lab{}
	socket := filepath.Join(t.TempDir(), "relay.sock")
	links, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(program.String()).Port()
	out := Outside{Hosts: loopback, Port: port, Takes: func(netip.AddrPort) bool { return true }}
	in := Inside{Socket: socket, Tell: l.tell}
	if program.Network() == "udp" {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		l.inside = conn.LocalAddr()
		labtest.Run(t, func(ctx context.Context) error { return out.Datagrams(ctx, links) })
		labtest.Run(t, func(ctx context.Context) error { return in.Datagrams(ctx, conn) })
		return l
	}
	ln := listen(t)
	l.inside = ln.Addr()
	labtest.Run(t, func(ctx context.Context) error { return out.Streams(ctx, links) })
	labtest.Run(t, func(ctx context.Context) error { return in.Streams(ctx, ln) })
	return l
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.(*net.TCPListener)
}

// meet is a client, and the program's side of its connection.
func meet(t *testing.T) (client *labtest.Peer, program *net.TCPConn) {
	t.Helper()
	ln := listen(t)
	client = labtest.Dial(t, newLab(t, ln.Addr()).inside)
	ln.SetDeadline(time.Now().Add(labtest.Patience))
	program, err := ln.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	program.SetDeadline(time.Now().Add(labtest.Patience))
	return client, program
}

func TestHalfClose(t *testing.T) {
	client, program := meet(t)
	client.Send("a question")
	client.CloseWrite()
	if all, err := io.ReadAll(program); string(all) != "a question" || err != nil {
		t.Fatalf("the program reads %q, %v", all, err)
	}
	io.WriteString(program, "an answer")
	program.Close()
	client.Expect("an answer")
	client.ExpectEOF()
}

func TestServerEndsFirst(t *testing.T) {
	client, program := meet(t)
	program.CloseWrite()
	client.ExpectEOF()
	client.Send("still here")
	client.CloseWrite()
	if all, err := io.ReadAll(program); string(all) != "still here" || err != nil {
		t.Fatalf("the program reads %q, %v", all, err)
	}
}

func TestReset(t *testing.T) {
	t.Run("by the client", func(t *testing.T) {
		client, program := meet(t)
		client.Conn.(*net.TCPConn).SetLinger(0)
		client.Close()
		if _, err := program.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the program reads %v", err)
		}
	})
	t.Run("by the program", func(t *testing.T) {
		client, program := meet(t)
		client.Send("x")
		if _, err := io.ReadFull(program, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		program.SetLinger(0)
		program.Close()
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client reads %v", err)
		}
	})
	t.Run("after the end", func(t *testing.T) { // the program closes; what comes later is answered with RST
		client, program := meet(t)
		program.Close()
		client.ExpectEOF()
		labtest.Eventually(t, "a reset", func() bool {
			_, err := io.WriteString(client.Conn, "too late")
			return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
		})
	})
}

func TestRefused(t *testing.T) {
	ln := listen(t)
	ln.Close() // nobody is there any more
	l := newLab(t, ln.Addr())
	client, err := net.Dial("tcp", l.inside.String())
	if err == nil { // it was not reset before it knew that it is connected
		_, err = client.Read(make([]byte, 1))
		client.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client: %v", err)
	}
	labtest.Eventually(t, "the refusal said", func() bool { return l.heard("connection refused") })
}

// Many bytes, both ways at once, to a program that reads slowly at first: all arrive.
func TestMuch(t *testing.T) {
	client, program := meet(t)
	const much = 8 << 20
	var both sync.WaitGroup
	for _, end := range []net.Conn{client.Conn, program} {
		both.Go(func() {
			written, err := io.CopyN(end, zeros{}, much)
			if err == nil {
				err = end.(*net.TCPConn).CloseWrite()
			}
			if err != nil {
				t.Errorf("after %d bytes: %v", written, err)
			}
		})
		both.Go(func() {
			if n, err := io.Copy(io.Discard, end); n != much || err != nil {
				t.Errorf("%d bytes came, %v", n, err)
			}
		})
	}
	both.Wait()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestDatagrams(t *testing.T) {
	program, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	l := newLab(t, program.LocalAddr())
	one, two := labtest.Dial(t, l.inside), labtest.Dial(t, l.inside)
	var from [2]netip.AddrPort
	for i, tc := range []struct {
		peer *labtest.Peer
		text string
	}{{one, "first"}, {two, ""}} {
		tc.peer.Write([]byte(tc.text))
		buf := make([]byte, 100)
		program.SetDeadline(time.Now().Add(labtest.Patience))
		n, sender, err := program.ReadFromUDPAddrPort(buf)
		if err != nil || string(buf[:n]) != tc.text {
			t.Fatalf("the program gets %q, %v; want %q", buf[:n], err, tc.text)
		}
		from[i] = sender
	}
	if from[0] == from[1] {
		t.Fatalf("both are %v to the program", from[0])
	}
	program.WriteToUDPAddrPort([]byte("to two"), from[1])
	program.WriteToUDPAddrPort([]byte("to one"), from[0])
	one.Expect("to one")
	two.Expect("to two")

	program.Close() // it ends after one conversation, and is not started again
	labtest.Eventually(t, "the refusal said", func() bool {
		one.Write([]byte("?"))
		return l.heard("no program takes datagrams")
	})
}

// More senders than there are places: the latest ones are answered.
func TestManySenders(t *testing.T) {
	program, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	l := newLab(t, program.LocalAddr())
	buf := make([]byte, 100)
	for range maxSenders + 10 {
		peer := labtest.Dial(t, l.inside)
		peer.Send("?")
		program.SetDeadline(time.Now().Add(labtest.Patience))
		_, sender, err := program.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		program.WriteToUDPAddrPort([]byte("!"), sender)
		peer.Expect("!")
		peer.Close()
	}
}

// What is not a frame, or not the right one, ends a link and nothing else.
func TestForeignLinks(t *testing.T) {
	ln := listen(t)
	socket := filepath.Join(t.TempDir(), "relay.sock")
	links, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	out := Outside{Hosts: loopback, Port: uint16(ln.Addr().(*net.TCPAddr).Port)}
	labtest.Run(t, func(ctx context.Context) error { return out.Streams(ctx, links) })
	for _, junk := range []string{"GET / HTTP/1.1\r\n\r\n", "d\x00\x00\x00\x01x", "o\x00\x00\x00\x01x"} {
		peer := labtest.Dial(t, links.Addr())
		peer.Send(junk)
		if n, err := peer.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%q is answered", junk)
		}
	}
}

func TestBound(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:2328 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 00000000:2329 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
junk
`
	if got := bound(strings.NewReader(table), 9000); len(got) != 1 || !Serves(got, loopback[0]) {
		t.Errorf("9000: %v", got)
	}
	if got := bound(strings.NewReader(table), 9001); len(got) != 1 || !Serves(got, netip.MustParseAddr("192.0.2.1")) || Serves(got, netip.IPv6Loopback()) {
		t.Errorf("9001: %v", got)
	}
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip(err) // no Linux
	}
	ln := listen(t)
	port := uint16(ln.Addr().(*net.TCPAddr).Port)
	if !Serves(Bound("tcp", port), loopback[0]) {
		t.Errorf("nobody waits at %d", port)
	}
	ln.Close()
	if got := Bound("tcp", port); len(got) != 0 {
		t.Errorf("%d: %v", port, got)
	}
}
