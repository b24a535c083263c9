package sockets

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// apply sets the options on a socket that already listens. Linux takes a second listen(2) as a change of the backlog.
func (o Options) apply(ln net.Listener, a Address) error {
	if o.Backlog == 0 && o.Congestion == "" && !o.DeferAccept {
		return nil
	}
	return control(ln.(syscall.Conn), func(fd int) error {
		if o.Backlog > 0 {
			if err := unix.Listen(fd, o.Backlog); err != nil {
				return fmt.Errorf("backlog %d: %w", o.Backlog, err)
			}
		}
		if !strings.HasPrefix(a.Network, "tcp") {
			return nil // the other options are TCP's
		}
		if o.DeferAccept {
			// Seconds until a silent connection is accepted all the same; the kernel rounds up to its own timers.
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1); err != nil {
				return fmt.Errorf("defer accept: %w", err)
			}
		}
		return setCongestion(fd, o.Congestion)
	})
}

func setCongestion(fd int, name string) error {
	if name == "" {
		return nil
	}
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name); err != nil {
		return fmt.Errorf("congestion control %q: %w", name, err)
	}
	return nil
}

// KeepAliveUnderway ends a connection whose peer is dead as soon as keep-alive would, while data for it is under way,
// too: then keep-alive does not ask, and the kernel would resend the data for a quarter of an hour. It is a connection's,
// and not a listener's, since listeners are MPTCP's, which does not know TCP_USER_TIMEOUT (tcp(7)).
func KeepAliveUnderway(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	dead := keepAlive.Idle + time.Duration(keepAlive.Count)*keepAlive.Interval
	control(tcp, func(fd int) error { // without it the connection lives on a little longer
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(dead.Milliseconds()))
	})
}

// Unacknowledged is how many bytes were written and have not been acknowledged by the peer; on AF_UNIX, not been read
// (SIOCOUTQ, tcp(7), unix(7)). If it shrinks, the peer reads, even if its kernel's and ours let nobody write meanwhile.
func Unacknowledged(conn net.Conn) (n int) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return 0 // no socket: a pipe in a test
	}
	control(c, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ) // the same request by another name
		return err
	})
	return n
}

// Unread is how many bytes have arrived and were not read yet (FIONREAD). Closing a TCP socket that
// has some sends a reset, and the reset can overtake and destroy the answer just sent (RFC 2525, 2.17).
func Unread(conn net.Conn) (n int) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return 0 // no socket: a pipe in a test
	}
	control(c, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCINQ) // the same request by another name
		return err
	})
	return n
}
