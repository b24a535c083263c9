package sockets

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

// A server asks a silent peer once a minute, and gives up within three.
func TestServersKeepAlive(t *testing.T) {
	for _, off := range []bool{false, true} {
		lns, err := Listen(t.Context(), "tcp4://127.0.0.1:0", Options{NoKeepAlive: off})
		if err != nil {
			t.Fatal(err)
		}
		defer lns[0].Close()
		peer, err := net.Dial("tcp", lns[0].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		conn, err := lns[0].Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		get := func(level, option int) (n int) {
			control(conn.(syscall.Conn), func(fd int) (err error) {
				n, err = unix.GetsockoptInt(fd, level, option)
				return err
			})
			return n
		}
		if on := get(unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 0; on == off {
			t.Errorf("keep-alive is on: %v", on)
		}
		idle, interval, count := get(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), get(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL), get(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
		if dead := idle + interval*count; !off && (idle != 60 || dead > 180) {
			t.Errorf("asked after %d s, found dead after %d s", idle, dead)
		}
		KeepAliveUnderway(conn)
		if ms := get(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); ms < 60_000 || ms > 180_000 {
			t.Errorf("found dead after %d ms while data is under way", ms)
		}
	}
}

// Why nothing listens is told in both languages, with the variable that chooses another address.
func TestCannotListen(t *testing.T) {
	for _, tc := range []struct {
		url          string
		err          error
		zh, en, hint string
	}{
		{"tcp://:80", syscall.EACCES, "监听 tcp://:80: 没有权限 (permission denied)", "listen on tcp://:80: permission denied", "above 1024"},
		{"tcp://:8080", syscall.EADDRINUSE, "监听 tcp://:8080: 地址已被占用 (address already in use)", "listen on tcp://:8080: address already in use", "_LISTEN or _OPS"},
		{"unix:///none/x.sock", syscall.ENOENT, "监听 unix:///none/x.sock: 没有这个目录", "listen on unix:///none/x.sock: no such folder", "-h lists"},
		{"unix:///x.sock", syscall.EACCES, "监听 unix:///x.sock: 没有权限 (permission denied)", "listen on unix:///x.sock: permission denied", "-h lists"},
	} {
		a, err := Parse(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		err = cannotListen(a, &net.OpError{Op: "listen", Err: tc.err})
		if zh, en := language.Tell(err, language.Chinese), err.Error(); zh != tc.zh || en != tc.en {
			t.Errorf("%s: %q, %q", tc.url, zh, en)
		}
		if hint := failure.HintOf(err); hint == nil || !strings.Contains(hint.Error(), tc.hint) {
			t.Errorf("%s: hint %v", tc.url, hint)
		}
	}
}
