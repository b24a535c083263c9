//go:build linux

// Package load asks the servers that the bench measures, and checks every answer.
//
// A generator is a thread around epoll(7), or two, because it shares two processors with the server that
// it measures: what it takes, the server lacks. A goroutine for each connection would take twice as much.
// Load goes to loopback and nowhere else.
package load

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// onLoopback is addr for a system call.
func onLoopback(addr netip.AddrPort) (*unix.SockaddrInet4, error) {
	if !addr.Addr().Is4() || !addr.Addr().IsLoopback() {
		return nil, fmt.Errorf("%s is not IPv4 on loopback: load goes nowhere else", addr)
	}
	return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}, nil
}

// A Meter reads the processor time that the server has used so far.
type Meter func() time.Duration

// An effort is the processor time that a measurement took, on both sides.
type effort struct{ generator, server time.Duration }

func (m Meter) now() effort {
	if m == nil {
		return effort{generator: threadTime()}
	}
	return effort{threadTime(), m()}
}

func (m Meter) since(e effort) effort {
	n := m.now()
	return effort{n.generator - e.generator, n.server - e.server}
}

// threadTime is the processor time that this thread has used.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// wait is epoll_wait(2), that a signal does not end.
func wait(ep int, events []unix.EpollEvent, longest time.Duration) ([]unix.EpollEvent, error) {
	n, err := unix.EpollWait(ep, events, int(longest.Milliseconds()))
	if err == unix.EINTR {
		return nil, nil
	}
	return events[:max(n, 0)], err
}
