//go:build unix

package referee

import (
	"strings"
	"syscall"
)

// smallWindow lets a connection hold little: a window of a few KiB, and segments so small that the server's kernel
// keeps its own buffer small, too. Who reads nothing on it is soon somebody for whom send(2) would wait.
func smallWindow(network, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		if strings.HasPrefix(network, "tcp") {
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
		}
	})
}
