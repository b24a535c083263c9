package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Injector sends whole IP packets as they are. They carry wire's mark, so that the rules let them pass.
//
// A copy of a packet that is on its way in is sent here too: the kernel finds its own address in it and
// delivers it by lo.
type Injector struct {
	v4, v6 int
	index  int // of the interface, for link-local addresses
}

// NewInjector opens the raw sockets. A namespace without IPv6 gets along with one of them.
func NewInjector(ifindex int) (*Injector, error) {
	v4, err := raw(unix.AF_INET)
	if err != nil {
		return nil, fmt.Errorf("raw socket: %w", err)
	}
	v6, err := raw(unix.AF_INET6)
	if err != nil {
		v6 = -1
	}
	return &Injector{v4, v6, ifindex}, nil
}

func raw(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, Mark); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 8<<20)
	}
	return fd, nil
}

// Send sends a packet to its own destination. A raw socket cuts nothing: a packet longer than the MTU is
// refused (EMSGSIZE).
func (i *Injector) Send(packet []byte, to netip.Addr) error {
	if to.Is4() {
		return unix.Sendto(i.v4, packet, 0, &unix.SockaddrInet4{Addr: to.As4()})
	}
	if i.v6 < 0 {
		return unix.EAFNOSUPPORT
	}
	dst := &unix.SockaddrInet6{Addr: to.As16()}
	if to.IsLinkLocalUnicast() {
		dst.ZoneId = uint32(i.index)
	}
	return unix.Sendto(i.v6, packet, 0, dst)
}

// Close closes the sockets.
func (i *Injector) Close() {
	unix.Close(i.v4)
	if i.v6 >= 0 {
		unix.Close(i.v6)
	}
}

// RST makes a packet that ends the connection of a TCP packet, whose header is at offset at: in its place, or, with
// back, as if its receiver had sent it. It returns nil if raw is no whole TCP header.
func RST(raw []byte, at int, back bool) []byte {
	if at < 20 || len(raw) < at+20 {
		return nil
	}
	v6 := raw[0]>>4 == 6
	ip := bytes.Clone(raw[:20])
	addresses := ip[12:20]
	if v6 {
		ip = bytes.Clone(raw[:40])
		addresses = ip[8:40]
		ip[6] = unix.IPPROTO_TCP
		binary.BigEndian.PutUint16(ip[4:], 20)
	} else {
		ip[0] = 0x45
		binary.BigEndian.PutUint16(ip[2:], 40)
		binary.BigEndian.PutUint32(ip[4:], 0) // no fragment; the kernel writes ID and checksum
		binary.BigEndian.PutUint16(ip[10:], 0)
	}
	old := raw[at:]
	tcp := make([]byte, 20)
	copy(tcp, old[:12]) // ports and numbers
	flags := old[13]
	if back {
		half := len(addresses) / 2
		swapped := append(bytes.Clone(addresses[half:]), addresses[:half]...)
		copy(addresses, swapped)
		copy(tcp, old[2:4])
		copy(tcp[2:], old[:2])
		copy(tcp[4:], old[8:12])
		ahead := uint32(len(raw) - at - int(old[12]>>4)*4)
		if flags&2 != 0 { // SYN
			ahead++
		}
		binary.BigEndian.PutUint32(tcp[8:], binary.BigEndian.Uint32(old[4:])+ahead)
	}
	tcp[12], tcp[13] = 5<<4, 4|16 // RST, ACK
	if !back && flags&16 == 0 {
		tcp[13] = 4
	}
	binary.BigEndian.PutUint16(tcp[16:], checksum(addresses, tcp))
	if !v6 {
		binary.BigEndian.PutUint16(ip[10:], ^sum(0, ip))
	}
	return append(ip, tcp...)
}

// checksum is TCP's, over the addresses, protocol and length too.
func checksum(addresses, tcp []byte) uint16 {
	return ^sum(uint32(unix.IPPROTO_TCP)+uint32(len(tcp))+uint32(sum(0, addresses)), tcp)
}

func sum(s uint32, b []byte) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
