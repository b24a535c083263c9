package batch

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Batch receives and sends many datagrams with one system call: recvmmsg(2) and sendmmsg(2).
//
//	recvmmsg ──► in ──► places: name, control, data ──► datagrams
//	                        │      │                        │
//	sendmmsg ◄── out ◄──────┴──────┴────── answer ◄─────────┘
//
// The sender's name goes back to the kernel as it came. So does the control message that says which of
// our addresses was asked: the answer then comes from there. The kernel's own choice may be another
// one, and a client that is connected to one address does not hear another.
type Batch struct {
	raw       syscall.RawConn
	places    [size]place
	datagrams [size]Datagram
	in, out   [size]header
	due       [size]*Datagram // those whose answers are in out

	// What the two functions work on. They are made once: a closure made for each call would be garbage.
	recvmmsg, sendmmsg func(fd uintptr) bool
	work               []header
	n                  int
	errno              syscall.Errno
}

// A place is the memory of one datagram.
type place struct {
	name    unix.RawSockaddrAny
	control pktinfo
	vec     unix.Iovec
	data    [MaxData]byte

	answerVec unix.Iovec
	answer    [MaxAnswer]byte
}

// header is struct mmsghdr.
type header struct {
	unix.Msghdr
	n uint32 // bytes received
}

// pktinfo is a control message that says which address was asked: Inet4Pktinfo is the shorter of the two kinds.
type pktinfo struct {
	unix.Cmsghdr
	unix.Inet6Pktinfo
}

// New makes a Batch for a socket.
func New(conn net.PacketConn) (*Batch, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	b := &Batch{raw: raw}
	b.recvmmsg = func(fd uintptr) bool {
		b.call(unix.SYS_RECVMMSG, fd)
		return b.errno != unix.EAGAIN // if nothing has come, wait and be called again
	}
	b.sendmmsg = func(fd uintptr) bool {
		b.call(unix.SYS_SENDMMSG, fd)
		// If there is no room, do not wait: the answer is lost, as datagrams may be. On AF_UNIX the wait
		// might never end. What a connected client does not read there fills our send queue, not its own.
		return true
	}
	for i := range b.places {
		p := &b.places[i]
		p.vec.Base = &p.data[0]
		p.vec.SetLen(len(p.data))
		in := &b.in[i]
		in.Name = (*byte)(unsafe.Pointer(&p.name))
		in.Control = (*byte)(unsafe.Pointer(&p.control))
		in.Iov = &p.vec
		in.SetIovlen(1)
		b.datagrams[i].Answer = p.answer[:0]
	}
	var opt error
	if err := raw.Control(func(fd uintptr) { opt = tellAsked(int(fd)) }); err != nil {
		return nil, err
	}
	return b, os.NewSyscallError("setsockopt", opt)
}

// tellAsked has the kernel say with each datagram to which address it was sent.
func tellAsked(fd int) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return err
	}
	switch domain {
	case unix.AF_INET:
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	case unix.AF_INET6: // if it receives IPv4 too, for that as well
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	return nil
}

// call makes one of the two system calls, which differ in their number only. Neither waits: so the scheduler
// need not be told, as Syscall6 does. That costs little by itself, but on a busy machine the scheduler takes
// the processor away from a thread that is in a system call, and to get it back costs more than the call.
func (b *Batch) call(number, fd uintptr) {
	for {
		n, _, errno := syscall.RawSyscall6(number, fd, uintptr(unsafe.Pointer(&b.work[0])), uintptr(len(b.work)), unix.MSG_DONTWAIT, 0, 0)
		b.n, b.errno = int(n), errno
		if errno != unix.EINTR {
			return
		}
	}
}

// Receive waits for a datagram, and returns it and those that have come with it. They are valid until the next call.
func (b *Batch) Receive() ([]Datagram, error) {
	for i := range b.in { // the kernel has put what it used in place of what there is
		in := &b.in[i]
		in.Namelen = unix.SizeofSockaddrAny
		in.SetControllen(int(unsafe.Sizeof(pktinfo{})))
	}
	b.work = b.in[:]
	if err := b.raw.Read(b.recvmmsg); err != nil {
		return nil, err
	}
	if b.errno != 0 {
		return nil, os.NewSyscallError("recvmmsg", b.errno)
	}
	for i := range b.n {
		d, p, in := &b.datagrams[i], &b.places[i], &b.in[i]
		in.Namelen = min(in.Namelen, unix.SizeofSockaddrUnix) // of a path of 108 bytes it counts a NUL that has no room there
		d.From = sender(&p.name, in.Namelen)
		d.Data = p.data[:in.n]
		d.Cut = in.Flags&unix.MSG_TRUNC != 0
	}
	return b.datagrams[:b.n], nil
}

// Send sends the answers of what Receive returned. What cannot be sent it hands to lost, with the reason.
func (b *Batch) Send(received []Datagram, lost func(*Datagram, error)) {
	n := 0
	for i := range received {
		d, p, in := &b.datagrams[i], &b.places[i], &b.in[i]
		if len(d.Answer) == 0 {
			continue
		}
		p.answerVec.Base = &d.Answer[0]
		p.answerVec.SetLen(len(d.Answer))
		b.out[n].Msghdr = in.Msghdr
		b.out[n].Iov = &p.answerVec
		b.out[n].Flags = 0
		p.control.turn()
		b.due[n] = d
		n++
	}
	for i := 0; i < n; {
		b.work = b.out[i:n]
		if err := b.raw.Write(b.sendmmsg); err != nil { // the socket is closed
			lost(b.due[i], err)
			i++
			continue
		}
		out := &b.out[i]
		switch {
		case b.errno == 0:
			i += b.n
		case out.Controllen > 0 && b.errno != unix.EAGAIN:
			out.SetControllen(0) // perhaps a broadcast address was asked, and nothing can come from there
		default: // it is the first one's error; those behind it have not been tried
			lost(b.due[i], b.errno)
			i++
		}
	}
}

// turn makes of the address that was asked the one that the answer is to come from. By which interface it
// leaves is for the routing table to say: the way back need not be the way by which the question came.
func (c *pktinfo) turn() {
	switch c.Level {
	case unix.IPPROTO_IP:
		info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&c.Inet6Pktinfo))
		info.Ifindex = 0
		if info.Spec_dst == [4]byte{} { // it came before tellAsked: only the address in its header is known
			info.Spec_dst = info.Addr
		}
	case unix.IPPROTO_IPV6:
		c.Ifindex = 0
	}
}

// sender reads a name of n bytes as the kernel wrote it.
func sender(name *unix.RawSockaddrAny, n uint32) Address {
	port := func(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }
	switch {
	case n == 0: // an AF_UNIX socket without a name
	case name.Addr.Family == unix.AF_INET:
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return Address{UDP: netip.AddrPortFrom(netip.AddrFrom4(a.Addr), port(&a.Port))}
	case name.Addr.Family == unix.AF_INET6:
		a := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		ip := netip.AddrFrom16(a.Addr).Unmap() // IPv4 that an IPv6 socket received: ::ffff:127.0.0.1
		if a.Scope_id != 0 {
			ip = ip.WithZone(strconv.Itoa(int(a.Scope_id)))
		}
		return Address{UDP: netip.AddrPortFrom(ip, port(&a.Port))}
	case name.Addr.Family == unix.AF_UNIX:
		path := (*[unix.SizeofSockaddrUnix]byte)(unsafe.Pointer(name))[2:n]
		if i := bytes.IndexByte(path, 0); i > 0 { // a file's name ends there; an abstract one begins so
			path = path[:i]
		}
		return Address{Path: path}
	}
	return Address{}
}
