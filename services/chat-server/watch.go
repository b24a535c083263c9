package main

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// watch looks at a connection while it is not the peer's turn to speak, until stop is called. It tells what has
// come, as often as more comes, and the end of the peer's input (io.EOF) or of the connection. It reads nothing:
// MSG_PEEK leaves the bytes where they are, for the peer's turn.
func watch(conn net.Conn, tell func(peeked []byte, err error)) (stop func()) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return func() {} // it is closed
	}
	conn.SetReadDeadline(time.Time{})
	var watching sync.WaitGroup
	watching.Go(func() {
		buf := make([]byte, maxText)
		raw.Read(func(fd uintptr) (done bool) { // called again when there is something new
			n, _, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_PEEK)
			for err == syscall.EINTR {
				n, _, err = syscall.Recvfrom(int(fd), buf, syscall.MSG_PEEK)
			}
			switch {
			case err == syscall.EAGAIN:
				return false
			case err == nil && n == 0:
				err = io.EOF
			}
			tell(buf[:max(n, 0)], err)
			return err != nil && err != io.EOF // after the end of input a reset may follow
		})
	})
	return func() {
		conn.SetReadDeadline(time.Unix(1, 0))
		watching.Wait()
	}
}
