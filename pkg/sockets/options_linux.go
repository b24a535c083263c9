package sockets

import (
	"fmt"
	"net"
	"strings"
	"syscall"

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
