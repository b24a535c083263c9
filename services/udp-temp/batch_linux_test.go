package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
)

// Whichever of the server's addresses is asked, the answer comes from there. The clients are connected,
// and hear no other; left to itself the kernel would answer a client on 127.0.0.1 from 127.0.0.1.
func TestAnswersComeFromTheAddressAsked(t *testing.T) {
	conns := listen(t, "udp4://:0,udp://:0") // the second receives IPv4 on an IPv6 socket
	var early []net.Conn                     // these ask before the server has begun
	for _, server := range conns {
		conn := dial(t, fmt.Sprintf("udp://127.0.0.2:%d", portOf(server)))
		send(t, conn, "37")
		early = append(early, conn)
	}
	run(t, language.English, conns...)
	for i, server := range conns {
		expect(t, early[i], "Temperature in Fahrenheit: 98.6")
		for _, addrs := range [][2]string{{"127.0.0.1", "127.0.0.2"}, {"127.0.0.3", "127.0.0.2"}, {"127.0.0.2", "127.0.0.1"}} {
			t.Run(fmt.Sprint(server.LocalAddr(), addrs), func(t *testing.T) {
				conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(addrs[0])}, &net.UDPAddr{IP: net.ParseIP(addrs[1]), Port: portOf(server)})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(labtest.Patience))
				send(t, conn, "-40")
				expect(t, conn, "Temperature in Fahrenheit: -40")
			})
		}
	}
}

// Nothing can come from a broadcast address: the answer to a question there comes from another of ours.
func TestAnswerToABroadcast(t *testing.T) {
	conns := listen(t, "udp4://:0,udp://:0")
	run(t, language.English, conns...)
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		cerr := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1) })
		if cerr != nil {
			return cerr
		}
		return err
	}}
	conn, err := lc.ListenPacket(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(labtest.Patience))
	for _, server := range conns {
		if _, err := conn.WriteTo([]byte("100"), &net.UDPAddr{IP: net.IPv4(127, 255, 255, 255), Port: portOf(server)}); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, _, err := conn.ReadFrom(buf)
		if got := string(buf[:n]); got != "Temperature in Fahrenheit: 212" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// The longest path fills its place so that no room is left for the NUL at its end.
func TestLongestUnixPath(t *testing.T) {
	dir := t.TempDir()
	conns := listen(t, "unixgram://"+dir+"/t.sock")
	run(t, language.English, conns...)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	name := unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	path := dir + "/" + strings.Repeat("x", len(name.Path)-len(dir)-1)
	copy((*[len(name.Path)]byte)(unsafe.Pointer(&name.Path))[:], path)
	if _, _, errno := syscall.Syscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&name)), unsafe.Sizeof(name)); errno != 0 {
		t.Fatal(errno)
	}
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(labtest.Patience.Seconds())})
	if err := unix.Sendto(fd, []byte("37"), 0, &unix.SockaddrUnix{Name: dir + "/t.sock"}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := unix.Read(fd, buf)
	if err != nil || string(buf[:n]) != "Temperature in Fahrenheit: 98.6" {
		t.Errorf("got %q, %v", buf[:max(n, 0)], err)
	}
}
