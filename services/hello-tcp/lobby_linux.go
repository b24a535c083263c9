//go:build !nolobby

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	lobbySize = 64 // most connections that are taken in at once
	lobbyLast = 64 // how often that is done once more at the end
)

// A lobby is a listener that answers whoever has asked already, and lets the others in. It is what
// makes this server fast, and no part of the lesson: server.go alone is a whole server.
//
// A goroutine for each connection costs more than a short request does: to start it, to put the
// connection into the runtime's poller, to park and to wake it, and the socket options that package
// net sets. But most clients send their whole request at once, and nearly always it is here when the
// connection is accepted or a moment later (with HELLO_TCP_DEFER_ACCEPT=on: always). Such a request is
// answered with five system calls, one after the other. Whoever is slow, large or in pieces is let in,
// as a connection like any other whose first bytes are read again, and costs what it would have cost.
//
//	accept4 ──> read ──> a whole request ──> write ──> nothing unread: close
//	             │                             └─────> more has come ────────┐
//	             └─────> anything else, or nothing yet ──────────────────────┴──> Accept ──> handle
//
// docs/benchmarks.md has what it gains: there "without its lobby" is this server built with -tags nolobby.
type lobby struct {
	addr net.Addr
	file *os.File // the listening socket
	raw  syscall.RawConn
	// answer is the answer to a request that is whole at its first read, or nil: then the connection is let in.
	answer func(request []byte) []byte
	// ended is told of a conversation that was had here.
	ended func(peer fmt.Stringer, request []byte)

	mu      sync.Mutex // Accept and Close both take people in
	closing bool
	callers [lobbySize]caller // those who are being looked at
	buf     []byte            // for one request
	letIn   []*guest
}

// newLobby puts a lobby before ln. Only TCP has one: a unix socket costs package net much less.
func newLobby(ln net.Listener, s *server) net.Listener {
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
	return &lobby{addr: tcp.Addr(), file: file, raw: raw, answer: s.answerAtOnce, ended: s.endedAtOnce, buf: make([]byte, maxHead)}
}

func (l *lobby) Addr() net.Addr { return l.addr }

// Accept returns the next connection that the lobby does not answer by itself.
func (l *lobby) Accept() (net.Conn, error) {
	var next *guest
	var err error
	closed := l.raw.Read(func(fd uintptr) (done bool) { // called again whenever somebody has come
		for next, err = l.takeIn(int(fd)); next == nil && err == nil; next, err = l.takeIn(int(fd)) {
		}
		return err != unix.EAGAIN
	})
	switch {
	case next != nil:
		return next, nil
	case closed != nil || err == net.ErrClosed:
		return nil, net.ErrClosed
	}
	return nil, os.NewSyscallError("accept4", err)
}

// takeIn accepts those who have come, and answers those who have asked. It returns one of the others, if there are any.
func (l *lobby) takeIn(fd int) (next *guest, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, net.ErrClosed
	}
	if len(l.letIn) == 0 {
		n := 0
		for n < lobbySize && err == nil {
			if err = l.callers[n].accept(fd); err == nil {
				n++
			}
		}
		if n > 0 {
			err = nil // where it stays, the next turn meets it again
		}
		// Who has said nothing yet is looked at once more when the others have been answered: that is often long enough.
		for _, last := range [...]bool{false, true} {
			for i := range l.callers[:n] {
				if c := &l.callers[i]; !c.gone {
					c.gone = l.look(c, last)
				}
			}
		}
	}
	if len(l.letIn) > 0 {
		next, l.letIn = l.letIn[0], l.letIn[1:]
	}
	return next, err
}

// look reads what has come, and says whether the caller has left the lobby.
func (l *lobby) look(c *caller, last bool) (left bool) {
	n, errno := call(unix.SYS_READ, c.fd, l.buf)
	if errno == unix.EAGAIN && !last {
		return false
	}
	request, sent := l.buf[:n], 0
	if answer := l.answer(request); answer != nil {
		sent, _ = call(unix.SYS_WRITE, c.fd, answer) // an error: handle meets it again
		// To close while bytes are unread would reset the connection, see handle: whoever has sent more is let in.
		if sent == len(answer) && unread(c.fd) == 0 {
			call(unix.SYS_CLOSE, c.fd, nil)
			l.ended(c, request)
			return true
		}
	}
	if errno == unix.EAGAIN {
		errno = 0
	}
	l.letIn = append(l.letIn, &guest{
		File: os.NewFile(uintptr(c.fd), ""), local: l.addr, remote: c.addr(), read: slices.Clone(request), err: errno, sent: sent,
	})
	return true
}

// Close answers whoever has asked by now, and closes the others, and the listener.
func (l *lobby) Close() error {
	l.raw.Control(func(fd uintptr) {
		var err error
		for i := 0; i < lobbyLast && err == nil; i++ {
			var next *guest
			if next, err = l.takeIn(int(fd)); next != nil {
				next.Close()
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.closing = true
	})
	err := l.file.Close() // waits for Accept
	for _, g := range l.letIn {
		g.Close()
	}
	return err
}

// answerAtOnce is the answer to a request that leaves nothing to wait for: there handle, too, closes after its answer.
func (s *server) answerAtOnce(request []byte) []byte {
	// Where a read has filled the buffer, there may be more.
	if len(request) == maxHead || look(request) != whole || announcesMore(request) {
		return nil
	}
	return s.answer
}

// endedAtOnce does what handle does beside: it counts, and tells.
func (s *server) endedAtOnce(peer fmt.Stringer, request []byte) {
	s.counts.complete.Inc()
	if s.story != nil {
		s.story.Printf(s.say.Connected, peer)
		s.story.Printf(s.say.Received, shownLater(request), peer)
		s.story.Printf(s.say.Closed, peer)
	}
}

// What the transcript says is worked out only if it is said, a caller's address too: under load its budget is soon spent.
type shownLater []byte

func (r shownLater) String() string { return shown(r) }

// A caller is a connection that has been accepted, and not let in.
type caller struct {
	fd   int
	gone bool
	// name is the address as accept4 gives it, IPv4's or IPv6's. Of a peer that has reset its connection
	// meanwhile nobody else would tell it.
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

// addr reads sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)): family, port, and the address where each has it.
func (c *caller) addr() *net.TCPAddr {
	ip := c.name[4:8]
	if binary.NativeEndian.Uint16(c.name[:]) == unix.AF_INET6 {
		ip = c.name[8:24]
	}
	return &net.TCPAddr{IP: slices.Clone(ip), Port: int(binary.BigEndian.Uint16(c.name[2:]))}
}

func (c *caller) String() string { return c.addr().String() }

// A guest is a connection that was let in. A File costs less than net.FileConn, which asks the kernel for all that we know.
type guest struct {
	*os.File
	local, remote net.Addr
	read          []byte        // in the lobby, and to be read again
	err           syscall.Errno // of that read
	sent          int           // bytes of the answer that the lobby has written
}

func (g *guest) LocalAddr() net.Addr  { return g.local }
func (g *guest) RemoteAddr() net.Addr { return g.remote }

func (g *guest) Read(p []byte) (int, error) {
	if len(g.read) > 0 {
		n := copy(p, g.read)
		g.read = g.read[n:]
		return n, nil
	}
	if g.err != 0 { // the kernel tells it once
		return 0, os.NewSyscallError("read", g.err)
	}
	return g.File.Read(p)
}

// Write leaves out what was written in the lobby: handle answers from the beginning.
func (g *guest) Write(p []byte) (int, error) {
	skip := min(g.sent, len(p))
	g.sent -= skip
	if skip == len(p) {
		return skip, nil
	}
	n, err := g.File.Write(p[skip:])
	return skip + n, err
}

func (g *guest) CloseWrite() error {
	raw, err := g.SyscallConn()
	if err != nil {
		return err
	}
	shut := error(nil)
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
