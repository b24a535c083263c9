//go:build !linux

package sockets

import (
	"errors"
	"net"
	"syscall"
)

// The lab's servers run in Linux containers. Elsewhere they build and run without these options.
func (o Options) apply(net.Listener, Address) error {
	if o.Backlog == 0 && o.Congestion == "" && !o.DeferAccept {
		return nil
	}
	return errors.New("backlog, congestion control and deferred accept need Linux")
}

func setCongestion(int, string) error { return errors.New("congestion control needs Linux") }

// Unread is only known on Linux. Elsewhere a connection is always drained: slower, never wrong.
func Unread(net.Conn) int { return 1 }

func control(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := raw.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return err
	}
	return ferr
}
