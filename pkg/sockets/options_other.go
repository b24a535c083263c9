//go:build !linux

package sockets

import (
	"errors"
	"net"
)

// The lab's servers run in Linux containers. On other systems they build and run without these options.
func (o Options) apply(net.Listener, Address) error {
	if o.Backlog == 0 && o.Congestion == "" && !o.DeferAccept {
		return nil
	}
	return errors.New("backlog, congestion control and deferred accept need Linux")
}

func setCongestion(int, string) error { return errors.New("congestion control needs Linux") }

// Unacknowledged is known on Linux only. On other systems what a peer has taken in is what could be written.
func Unacknowledged(net.Conn) int { return 0 }

// Unread is known on Linux only. On other systems a connection is always drained: slower, and never wrong.
func Unread(net.Conn) int { return 1 }

// KeepAliveUnderway is for Linux.
func KeepAliveUnderway(net.Conn) {}
