package sockets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ url, network, addr, err string }{
		{url: "tcp://:8080", network: "tcp", addr: ":8080"},
		{url: "tcp://127.0.0.1:8080/", network: "tcp", addr: "127.0.0.1:8080"},
		{url: "tcp6://[::1]:80", network: "tcp6", addr: "[::1]:80"},
		{url: "udp4://host:1314", network: "udp4", addr: "host:1314"},
		{url: "unix:///run/netlab/hello.sock", network: "unix", addr: "/run/netlab/hello.sock"},
		{url: "unixgram:///t.sock", network: "unixgram", addr: "/t.sock"},
		{url: "udp://[fe80::1%25eth0]:1314", network: "udp", addr: "[fe80::1%eth0]:1314"},
		{url: "tcp6://[fe80::1%eth0]:80", network: "tcp6", addr: "[fe80::1%eth0]:80"},
		{url: "localhost:8080", err: `want a URL: "tcp://localhost:8080" or "udp://localhost:8080"`},
		{url: "localhost", err: "want a URL such as"},
		{url: "", err: "want a URL"},
		{url: "http://localhost:8080", err: "want tcp, tcp4"},
		{url: "tcp://localhost", err: "want tcp://HOST:PORT"},
		{url: "tcp://[::1:80", err: "want tcp://HOST:PORT"},
		{url: "tcp://:http", err: "a port is a number"},
		{url: "tcp://:65536", err: "a port is a number"},
		{url: "unix://hello.sock", err: "three slashes"},
		{url: "unix:///" + strings.Repeat("x", 107), err: "108 bytes"},
		{url: "unix:///a\x00b", err: "NUL"},
	} {
		a, err := Parse(tc.url)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%q: error %v, want %q", tc.url, err, tc.err)
			}
			continue
		}
		if err != nil || a.Network != tc.network || a.Addr != tc.addr {
			t.Errorf("%q: got %v, %v", tc.url, a, err)
		}
	}
}

func TestPeer(t *testing.T) {
	for _, tc := range []struct {
		addr net.Addr
		want string
	}{
		{nil, "unix"},
		{&net.UnixAddr{Net: "unix"}, "unix"},
		{&net.UnixAddr{Net: "unix", Name: "@"}, "unix"},
		{&net.UnixAddr{Net: "unix", Name: "@a\x1b[2J\n"}, `@a\x1b[2J\x0a`}, // a client binds whatever name it likes
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, "127.0.0.1:80"},
	} {
		if got := Peer(tc.addr); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.addr, got, tc.want)
		}
	}
}

// A URL that is understood is understood the same way when it is printed; one that is not is told in one line.
func FuzzAddress(f *testing.F) {
	for _, url := range []string{"tcp://:8080", "udp6://[::1]:80/", "unix:///run/x.sock", "unixgram://x", "://", "tcp://a:b:1", "tcp://\n:1"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		a, err := Parse(url)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x1b") {
				t.Fatalf("%q: %q is more than a line", url, err)
			}
			return
		}
		if again, err := Parse(a.String()); err != nil || again != a {
			t.Fatalf("%q is %v, and that is %v, %v", url, a, again, err)
		}
	})
}

func TestListenAllOrNone(t *testing.T) {
	dir := t.TempDir()
	sock := "unix://" + dir + "/a.sock"
	if _, err := Listen(t.Context(), sock+", udp://:0", Options{}); err == nil || !failure.IsUsage(err) || !strings.Contains(err.Error(), "want one of tcp, unix") {
		t.Errorf("got %v", err)
	}
	if _, err := Listen(t.Context(), sock+",tcp://203.0.113.1:0", Options{}); err == nil || failure.HintOf(err) == nil {
		t.Errorf("an address that is not ours: %v, hint %v", err, failure.HintOf(err))
	}
	if _, err := ListenPacket(t.Context(), "udp://nowhere"); !failure.IsUsage(err) {
		t.Errorf("no address: %v", err)
	}
	lns, err := Listen(t.Context(), sock+",tcp4://127.0.0.1:0,tcp6://[::1]:0", Options{Backlog: 1, DeferAccept: true, Congestion: "reno"})
	if err != nil {
		t.Fatal(err)
	}
	for _, ln := range lns {
		conn, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		_, err = Listen(t.Context(), ln.Addr().Network()+"://"+ln.Addr().String(), Options{})
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(fmt.Sprint(failure.HintOf(err)), "another program has that address") {
			t.Errorf("a second time on %v: %v, hint %v", ln.Addr(), err, failure.HintOf(err))
		}
		ln.Close()
	}
	if _, err := os.Stat(dir + "/a.sock"); !os.IsNotExist(err) {
		t.Errorf("the socket file is still there: %v", err)
	}
}

// The server's probes find a dead client; a client sends none.
func TestDialLeavesKeepAliveToTheServer(t *testing.T) {
	lns, err := Listen(t.Context(), "tcp4://127.0.0.1:0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer lns[0].Close()
	client, err := Dial(t.Context(), "tcp://"+lns[0].Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := lns[0].Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for conn, want := range map[net.Conn]int{client: 0, server: 1} {
		got := -1
		if err := control(conn.(syscall.Conn), func(fd int) (err error) {
			got, err = syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
			return err
		}); err != nil || got != want {
			t.Errorf("keep-alive from %v is %d, %v; want %d", conn.LocalAddr(), got, err, want)
		}
	}
}

func TestStaleSocketFile(t *testing.T) {
	for _, network := range []string{"unix", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.sock")
			open := func() (func() error, error) {
				if network == "unix" {
					lns, err := Listen(t.Context(), "unix://"+path, Options{})
					if err != nil {
						return nil, err
					}
					return lns[0].Close, nil
				}
				conns, err := ListenPacket(t.Context(), "unixgram://"+path)
				if err != nil {
					return nil, err
				}
				return conns[0].Close, nil
			}
			leave(t, network, path)
			closeIt, err := open() // takes the place of the dead one
			if err != nil {
				t.Fatal(err)
			}
			if _, err := open(); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("a second server: got %v, want EADDRINUSE", err)
			}
			closeIt()
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("the socket file is still there: %v", err)
			}
			os.WriteFile(path, []byte("precious"), 0o600)
			if _, err := open(); err == nil || !strings.Contains(err.Error(), "no socket") {
				t.Errorf("over a plain file: got %v", err)
			}
		})
	}
}

// leave leaves a socket file behind, as a killed server does.
func leave(t *testing.T, network, path string) {
	t.Helper()
	typ := syscall.SOCK_STREAM
	if network == "unixgram" {
		typ = syscall.SOCK_DGRAM
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, typ, 0)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
	}
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
}

func TestUnixgramAnswers(t *testing.T) {
	dir := t.TempDir()
	url := "unixgram://" + dir + "/s.sock"
	conns, err := ListenPacket(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conns[0].Close()
	c, err := Dial(t.Context(), url, "")
	if err != nil {
		t.Fatal(err)
	}
	pings(t, c, conns[0])
	c.Close()
	if names, _ := filepath.Glob(dir + "/client-*"); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
	conns[0].Close()
	if _, err := Dial(t.Context(), url, ""); err == nil {
		t.Error("dialled a server that is gone")
	}
	if names, _ := filepath.Glob(dir + "/*"); len(names) > 0 {
		t.Errorf("left behind by a failed dial: %v", names)
	}
}

// pings sends a datagram to a server and has it answered.
func pings(t *testing.T, c net.Conn, server net.PacketConn) {
	t.Helper()
	c.Write([]byte("ping"))
	buf := make([]byte, 10)
	n, from, err := server.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	server.WriteTo(buf[:n], from)
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "ping" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

// A client's name is bound in the folder that it is told, and the server's folder needs no room for it.
func TestUnixgramReplies(t *testing.T) {
	dir, replies := t.TempDir(), t.TempDir()
	url := "unixgram://" + dir + "/s.sock"
	conns, err := ListenPacket(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conns[0].Close()
	c, err := DialDatagram(t.Context(), url, replies)
	if err != nil {
		t.Fatal(err)
	}
	if in, _ := filepath.Glob(replies + "/client-*.sock"); len(in) != 1 {
		t.Errorf("in the folder: %v", in)
	}
	if beside, _ := filepath.Glob(dir + "/client-*"); len(beside) > 0 {
		t.Errorf("beside the server: %v", beside)
	}
	pings(t, c, conns[0])
	c.Close()
	if in, _ := filepath.Glob(replies + "/*"); len(in) > 0 {
		t.Errorf("left behind: %v", in)
	}
	if _, err := DialDatagram(t.Context(), "tcp://127.0.0.1:1", ""); !failure.IsUsage(err) {
		t.Errorf("a stream: %v", err)
	}
}

// What killed clients have left behind is removed, and nothing else.
func TestForgetKilled(t *testing.T) {
	dir := t.TempDir()
	leave(t, "unixgram", dir+"/client-killed.sock")
	leave(t, "unixgram", dir+"/other.sock")
	alive, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: dir + "/client-alive.sock"})
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	forgetKilled(dir)
	if left, _ := filepath.Glob(dir + "/*"); fmt.Sprint(left) != fmt.Sprint([]string{dir + "/client-alive.sock", dir + "/other.sock"}) {
		t.Errorf("left: %v", left)
	}
}

func TestPresent(t *testing.T) {
	dir := t.TempDir()
	list := "tcp://:1,unix://" + dir + "/s.sock"
	if err := Present(list); err == nil || failure.HintOf(err) == nil || !strings.Contains(err.Error(), dir+"/s.sock is gone") {
		t.Errorf("no file: %v", err)
	}
	os.WriteFile(dir+"/s.sock", nil, 0o600)
	if err := Present(list); err == nil {
		t.Error("a plain file is taken for a socket")
	}
	os.Remove(dir + "/s.sock")
	leave(t, "unix", dir+"/s.sock")
	if err := Present(list + ",udp://:1"); err != nil {
		t.Error(err)
	}
}

// A server's path may be as long as bind(2) takes. That of a client beside it is longer, and must be said to be so.
func TestUnixgramClientOfALongPath(t *testing.T) {
	dir := t.TempDir()
	dir += strings.Repeat("x", maxPath-len("/s.sock")-len(dir))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	url := "unixgram://" + dir + "/s.sock"
	conns, err := ListenPacket(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conns[0].Close()
	_, err = Dial(t.Context(), url, "")
	if en, zh := Why(err, language.English), Why(err, language.Chinese); !strings.Contains(en, "bytes of at most 107: the folder's name is too long") || !strings.Contains(zh, "目录名太长") {
		t.Errorf("got %q and %q", en, zh)
	}
}

func TestWhy(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close() // now nobody listens there
	_, err = Dial(t.Context(), "tcp://"+ln.Addr().String(), "")
	if got := Why(err, language.English); !strings.HasPrefix(got, "nobody is listening there") {
		t.Errorf("got %q", got)
	}
	_, err = Dial(t.Context(), "unix://"+t.TempDir()+"/none", "")
	if got := Why(err, language.Chinese); got != "没有这个套接字文件" {
		t.Errorf("got %q", got)
	}
	_, err = Dial(t.Context(), "tcp://127.0.0.1:1", "nonesuch")
	if err == nil {
		t.Error("no error")
	}
	for want, dns := range map[string]net.DNSError{
		"no such host": {Err: "no such host", IsNotFound: true},
		"looking up the host's name failed (server misbehaving)": {Err: "server misbehaving", IsTemporary: true},
		"looking up the host's name failed (i/o timeout)":        {Err: "i/o timeout", IsTimeout: true, UnwrapErr: context.DeadlineExceeded},
	} {
		if got := Why(fmt.Errorf("connect: %w", &net.OpError{Op: "dial", Err: &dns}), language.English); got != want {
			t.Errorf("%v: got %q, want %q", &dns, got, want)
		}
	}
}

func TestUnread(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c.Write([]byte("hello"))
	s.Read(make([]byte, 2))
	if n := Unread(s); n != 3 {
		t.Errorf("got %d unread bytes, want 3", n)
	}
}

// A peer that reads is noticed even while nothing can be written to it: that is what tells slow from deaf.
func TestUnacknowledged(t *testing.T) {
	for _, network := range []string{"tcp4://127.0.0.1:0", "unix://" + t.TempDir() + "/u.sock"} {
		lns, err := Listen(t.Context(), network, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer lns[0].Close()
		peer, err := net.Dial(lns[0].Addr().Network(), lns[0].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		conn, err := lns[0].Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if n := Unacknowledged(conn); n != 0 {
			t.Errorf("%s: %d bytes before any was written", network, n)
		}
		conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := conn.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%s: 64 MiB were written to who reads nothing: %v", network, err)
		}
		full := Unacknowledged(conn)
		if full == 0 {
			t.Fatalf("%s: nothing waits", network)
		}
		go io.Copy(io.Discard, peer)
		labtest.Eventually(t, "what waits gets less", func() bool { return Unacknowledged(conn) < full })
	}
}
