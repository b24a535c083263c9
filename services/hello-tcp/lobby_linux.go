//go:build !nolobby

package main

import (
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	lobbyAnswer = 4 << 10 // the longest answer that surely fits the buffer of a socket just made (tcp_wmem, tcp(7))

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
// answered with four system calls, one after the other. Whoever is slow, large or in pieces is let in,
// as a connection like any other whose first bytes are read again, and costs what it would have cost.
//
//	accept4 ──> read ──> a whole request ──> write, close
//	             └─────> anything else, or nothing yet ──> Accept ──> handle
//
// docs/benchmarks.md has what it gains: there "without its lobby" is this server built with -tags nolobby.
type lobby struct {
	addr net.Addr
	file *os.File // the listening socket
	raw  syscall.RawConn
	// first answers a first read, or says that it cannot: then the connection is let in.
	first func(fd int, request []byte) (answered bool)

	mu      sync.Mutex // Accept and Close both take people in
	closing bool
	guests  []int  // descriptors of those who are being looked at
	buf     []byte // for one request
	letIn   []*guest
}

// newLobby puts a lobby before ln. Only TCP has one: a unix socket costs package net much less.
func newLobby(ln net.Listener, first func(int, []byte) bool) net.Listener {
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
	return &lobby{addr: tcp.Addr(), file: file, raw: raw, first: first, buf: make([]byte, maxHead)}
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
		for len(l.guests) < lobbySize && err == nil {
			var conn int
			if conn, err = accept(fd); err == nil {
				l.guests = append(l.guests, conn)
			}
		}
		if len(l.guests) > 0 {
			err = nil // where it stays, the next turn meets it again
		}
		// Who has said nothing yet is looked at once more when the others have been answered: that is often long enough.
		l.guests = slices.DeleteFunc(l.guests, func(conn int) bool { return l.look(conn, false) })
		l.guests = slices.DeleteFunc(l.guests, func(conn int) bool { return l.look(conn, true) })
	}
	if len(l.letIn) > 0 {
		next, l.letIn = l.letIn[0], l.letIn[1:]
	}
	return next, err
}

// look reads what has come, and says whether the guest has left the lobby.
func (l *lobby) look(conn int, last bool) (left bool) {
	n, errno := call(unix.SYS_READ, conn, l.buf)
	if errno == unix.EAGAIN && !last {
		return false
	}
	// Where a read fills the buffer, there may be more: to close then would reset the connection, see handle.
	if 0 < n && n < len(l.buf) && l.first(conn, l.buf[:n]) {
		call(unix.SYS_CLOSE, conn, nil)
		return true
	}
	peer, _ := unix.Getpeername(conn) // an error: it is gone already, and handle will find out
	l.letIn = append(l.letIn, &guest{
		File: os.NewFile(uintptr(conn), ""), local: l.addr, remote: tcpAddr(peer), read: slices.Clone(l.buf[:n]),
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

// first is handle in two system calls, for a request that is whole at its first read.
func (s *server) first(fd int, request []byte) bool {
	if look(request) != whole || announcesMore(request) {
		return false
	}
	if len(s.answer) > lobbyAnswer { // it might be written in part, and handle would begin it anew
		return false
	}
	if n, _ := call(unix.SYS_WRITE, fd, s.answer); n < len(s.answer) {
		return false
	}
	s.counts.complete.Inc()
	if s.story != nil {
		s.story.Printf(s.say.Connected, peerOf(fd))
		s.story.Printf(s.say.Received, shownLater(request), peerOf(fd))
		s.story.Printf(s.say.Closed, peerOf(fd))
	}
	return true
}

// What the transcript says is worked out only if it is said: under load its budget is soon spent.
type (
	peerOf     int // a descriptor
	shownLater []byte
)

func (fd peerOf) String() string {
	peer, _ := unix.Getpeername(int(fd))
	return tcpAddr(peer).String()
}

func (r shownLater) String() string { return shown(r) }

func tcpAddr(sa unix.Sockaddr) *net.TCPAddr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	}
	return &net.TCPAddr{}
}

// A guest is a connection that was let in. A File costs less than net.FileConn, which asks the kernel for all that we know.
type guest struct {
	*os.File
	local, remote net.Addr
	read          []byte // in the lobby, and to be read again
}

func (g *guest) LocalAddr() net.Addr  { return g.local }
func (g *guest) RemoteAddr() net.Addr { return g.remote }

func (g *guest) Read(p []byte) (int, error) {
	if len(g.read) > 0 {
		n := copy(p, g.read)
		g.read = g.read[n:]
		return n, nil
	}
	return g.File.Read(p)
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

// accept and call are system calls on sockets that never wait. So the scheduler need not be told, as packages
// syscall and unix do: that costs little, but on a busy machine it may come and take this thread's work away.

func accept(fd int) (int, error) {
	for {
		conn, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			return int(conn), nil
		case unix.ECONNABORTED, unix.EINTR: // that one is gone: the next, please
		default:
			return -1, errno
		}
	}
}

func call(number uintptr, fd int, p []byte) (n int, errno syscall.Errno) {
	r, _, errno := syscall.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}
