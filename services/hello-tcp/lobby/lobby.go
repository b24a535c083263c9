//go:build linux && !nolobby

// Package lobby answers short requests without a goroutine. It is what makes hello-tcp fast, and no part of its lesson.
//
// A goroutine for each connection costs more than a short request does: to start it, to put the connection into the
// runtime's poller, to park and to wake it. But most clients send their whole request at once, and nearly always it
// is here when the connection is accepted or a moment later (with TCP_DEFER_ACCEPT: always). Such a request is
// answered with five system calls, one after the other. Every other connection leaves the lobby by Accept, as an
// ordinary one whose first bytes are read again.
//
//	accept4 ──> read ──> a whole request ──> write all ──> nothing unread: close
//	             │                            └──────────> more has come ──────┐
//	             └──────> anything else, or nothing yet ───────────────────────┴──> Accept ──> handle
//
// docs/benchmarks.md has what it gains: "without its lobby" is the server built with -tags nolobby.
package lobby

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// atOnce is how many connections are accepted before they are looked at.
const atOnce = 64

// A listener is a TCP listener with a lobby.
type listener struct {
	addr   net.Addr
	file   *os.File // the listening socket
	raw    syscall.RawConn
	answer func(request []byte) []byte
	ended  func(peer fmt.Stringer, request []byte)

	closing atomic.Bool // a crowd could keep the function in Accept busy for ever, for which Close waits

	mu      sync.Mutex // of what follows
	callers [atOnce]caller
	buf     []byte  // for one request
	out     []*conn // those who leave by Accept
}

// New puts a lobby before ln, for requests of less than size bytes. answer returns the answer to a request that is
// whole, or nil to leave it to the server. ended is called when a connection was answered and closed here.
// Only TCP has a lobby: package net spends much less on a unix socket.
func New(ln net.Listener, size int, answer func(request []byte) []byte, ended func(peer fmt.Stringer, request []byte)) net.Listener {
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return ln
	}
	file, err := tcp.File() // a listener does not lend its place in the runtime's poller, a file does
	if err != nil {
		return ln
	}
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return ln
	}
	tcp.Close() // file is a copy of its descriptor: the socket goes on listening
	return &listener{addr: tcp.Addr(), file: file, raw: raw, answer: answer, ended: ended, buf: make([]byte, size)}
}

func (l *listener) Addr() net.Addr { return l.addr }

// Accept returns the next connection that the lobby leaves to the server.
func (l *listener) Accept() (net.Conn, error) {
	var next *conn
	var err error
	closed := l.raw.Read(func(fd uintptr) (done bool) { // called again when somebody has come
		next, err = l.next(int(fd))
		return err != unix.EAGAIN
	})
	switch {
	case closed != nil, err == net.ErrClosed:
		return nil, net.ErrClosed
	case err != nil:
		return nil, os.NewSyscallError("accept4", err)
	}
	return next, nil
}

// Close closes those, too, whom no Accept has returned.
func (l *listener) Close() error {
	l.closing.Store(true)
	err := l.file.Close() // waits for the function in Accept
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.out {
		c.Close()
	}
	l.out = nil
	return err
}

func (l *listener) next(fd int) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.out) == 0 {
		if l.closing.Load() {
			return nil, net.ErrClosed
		}
		if err := l.takeIn(fd); err != nil {
			return nil, err
		}
	}
	c := l.out[0]
	l.out = l.out[1:]
	return c, nil
}

// takeIn accepts those who have come, and answers those who have asked. If nobody has come, it says why.
func (l *listener) takeIn(fd int) (err error) {
	n := 0
	for n < len(l.callers) && err == nil {
		if err = l.callers[n].accept(fd); err == nil {
			n++
		}
	}
	if n == 0 {
		return err
	}
	// Who has said nothing yet is looked at once more when the others have been answered: that is often long enough.
	for _, last := range [...]bool{false, true} {
		for i := range l.callers[:n] {
			if c := &l.callers[i]; !c.gone {
				c.gone = l.look(c, last)
			}
		}
	}
	return nil
}

// look reads what has come, and reports whether the caller has left the lobby.
func (l *listener) look(c *caller, last bool) (left bool) {
	n, errno := call(unix.SYS_READ, c.fd, l.buf)
	if errno == unix.EAGAIN && !last {
		return false
	}
	request, sent := l.buf[:n], 0
	if n < len(l.buf) { // else there may be more
		if answer := l.answer(request); answer != nil {
			sent, _ = call(unix.SYS_WRITE, c.fd, answer) // an error: the server's write meets it again
			// To close while bytes are unread would reset the connection: the server knows how to end it.
			if sent == len(answer) && unread(c.fd) == 0 {
				call(unix.SYS_CLOSE, c.fd, nil)
				l.ended(c, request)
				return true
			}
		}
	}
	if errno == unix.EAGAIN {
		errno = 0
	}
	l.out = append(l.out, &conn{
		File: os.NewFile(uintptr(c.fd), ""), local: l.addr, remote: c.addr(), read: slices.Clone(request), err: errno, sent: sent,
	})
	return true
}

// A caller is a connection that is in the lobby.
type caller struct {
	fd   int
	gone bool
	// name is the address as accept4 gives it, IPv4's or IPv6's. If the peer has reset its connection meanwhile,
	// nothing else would tell it.
	name [unix.SizeofSockaddrInet6]byte
}

func (c *caller) accept(listener int) error {
	for {
		size := uint32(len(c.name))
		fd, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener),
			uintptr(unsafe.Pointer(&c.name)), uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			c.fd, c.gone = int(fd), false
			return nil
		case unix.ECONNABORTED, unix.EINTR: // that one is gone: the next, please
		default:
			return errno
		}
	}
}

// addr reads sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)): family, port, and the address at its offset.
func (c *caller) addr() *net.TCPAddr {
	ip := c.name[4:8]
	if binary.NativeEndian.Uint16(c.name[:]) == unix.AF_INET6 {
		ip = c.name[8:24]
	}
	return &net.TCPAddr{IP: slices.Clone(ip), Port: int(binary.BigEndian.Uint16(c.name[2:]))}
}

func (c *caller) String() string { return c.addr().String() }

// A conn is a connection that has left the lobby. A File costs less than net.FileConn, which asks the kernel for all
// that is known here.
type conn struct {
	*os.File
	local, remote net.Addr
	read          []byte        // in the lobby, and to be read again
	err           syscall.Errno // of that read
	sent          int           // bytes of the answer that were written in the lobby
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) Read(p []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(p, c.read)
		c.read = c.read[n:]
		return n, nil
	}
	if c.err != 0 { // the kernel tells it once
		return 0, os.NewSyscallError("read", c.err)
	}
	return c.File.Read(p)
}

// Write leaves out what was written in the lobby: the server answers from the beginning.
func (c *conn) Write(p []byte) (int, error) {
	skip := min(c.sent, len(p))
	c.sent -= skip
	if skip == len(p) {
		return skip, nil
	}
	n, err := c.File.Write(p[skip:])
	return skip + n, err
}

func (c *conn) CloseWrite() error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var shut error
	if err := raw.Control(func(fd uintptr) { shut = unix.Shutdown(int(fd), unix.SHUT_WR) }); err != nil {
		return err
	}
	return os.NewSyscallError("shutdown", shut)
}

// accept, call and unread are system calls on sockets that never wait. So the scheduler need not be told, as packages
// syscall and unix do: that costs little, but on a busy machine it may come and take this thread's work away.

func call(number uintptr, fd int, p []byte) (n int, errno syscall.Errno) {
	r, _, errno := syscall.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// unread is FIONREAD, as in package sockets.
func unread(fd int) (n int32) {
	syscall.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	return n
}
