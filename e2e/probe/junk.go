package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
)

// sendJunk sends packets that nobody sends who means well, from a raw socket, which needs NET_RAW: wrong
// lengths, random options, cut headers, fragments that overlap. The same ones each time.
func sendJunk(network, addr string, n int) error {
	conn, err := net.Dial("udp"+network[len(network)-1:], addr) // sends nothing, but finds the addresses
	if err != nil {
		return err
	}
	conn.Close()
	j := junk{
		Rand: rand.New(rand.NewPCG(1, 2)),
		src:  conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(),
		dst:  conn.RemoteAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(),
		port: conn.RemoteAddr().(*net.UDPAddr).AddrPort().Port(),
	}
	family, to, next := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Addr: j.dst.As16()}), j.ipv6
	if j.dst.Is4() {
		family, to, next = syscall.AF_INET, &syscall.SockaddrInet4{Addr: j.dst.As4()}, j.ipv4
	}
	fd, err := syscall.Socket(family, syscall.SOCK_RAW, syscall.IPPROTO_RAW) // the IP header is ours too
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	sent := 0
	for range n {
		if syscall.Sendto(fd, next(), 0, to) == nil { // some are too bad for our own kernel
			sent++
		}
	}
	fmt.Println("sent", sent)
	return nil
}

type junk struct {
	*rand.Rand
	src, dst netip.Addr
	port     uint16
}

func (j junk) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(j.Uint32())
	}
	return b
}

// ipv4 is an IPv4 packet; the kernel fills in what it has to have to go out: length and checksum.
func (j junk) ipv4() []byte {
	proto := []byte{syscall.IPPROTO_TCP, syscall.IPPROTO_UDP, syscall.IPPROTO_ICMP}[j.IntN(3)]
	options := make([]byte, 4*j.IntN(11))
	if j.IntN(2) == 0 {
		for i := range options {
			options[i] = 1 // "no operation": such a packet gets through
		}
	} else {
		copy(options, j.bytes(len(options)))
	}
	head := make([]byte, 20)
	head[0], head[8], head[9] = 4<<4|byte(5+len(options)/4), 64, proto
	src, dst := j.src.As4(), j.dst.As4()
	copy(head[12:], src[:])
	copy(head[16:], dst[:])
	if j.IntN(4) == 0 {
		binary.BigEndian.PutUint16(head[4:], uint16(1+j.IntN(4))) // of a few datagrams
		binary.BigEndian.PutUint16(head[6:], uint16(j.IntN(2))<<13|uint16(j.IntN(6)))
	}
	return append(append(head, options...), j.payload(proto, append(head, options...))...)
}

// ipv6 is an IPv6 packet with up to three headers before its payload.
func (j junk) ipv6() []byte {
	proto := []byte{syscall.IPPROTO_TCP, syscall.IPPROTO_UDP, syscall.IPPROTO_ICMPV6}[j.IntN(3)]
	head := make([]byte, 40)
	head[0], head[6], head[7] = 6<<4, proto, 64
	src, dst := j.src.As16(), j.dst.As16()
	copy(head[8:], src[:])
	copy(head[24:], dst[:])
	rest := j.payload(proto, head)
	for range j.IntN(4) {
		kind := []byte{0, 43, 44, 60}[j.IntN(4)] // hop by hop, routing, fragment, destination
		more := j.bytes(8 * (1 + j.IntN(3)))
		more[0], more[1] = head[6], byte(len(more)/8-1)
		if kind == 44 {
			more = more[:8]
			binary.BigEndian.PutUint16(more[2:], uint16(j.IntN(6))<<3|uint16(j.IntN(2)))
			binary.BigEndian.PutUint32(more[4:], uint32(j.IntN(4)))
		} else if j.IntN(2) == 0 {
			clear(more[2:])
		}
		head[6] = kind
		rest = append(more, rest...)
	}
	binary.BigEndian.PutUint16(head[4:], uint16(len(rest)))
	return append(head, rest...)
}

// payload is a TCP, UDP or ICMP message for the port, more or less. An ICMP error is about a packet like about.
func (j junk) payload(proto byte, about []byte) []byte {
	b := j.bytes(8 + j.IntN(80))
	binary.BigEndian.PutUint16(b[2:], j.port)
	switch proto {
	case syscall.IPPROTO_UDP:
		if j.IntN(2) == 0 {
			binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
		}
		clear(b[6:8]) // no checksum
	case syscall.IPPROTO_ICMP, syscall.IPPROTO_ICMPV6:
		b[0], b[1] = []byte{1, 3, 11, byte(j.Uint32())}[j.IntN(4)], byte(j.IntN(6))
		quote := append(append([]byte(nil), about...), j.bytes(j.IntN(30))...)
		b = append(b[:8], quote[:j.IntN(len(quote)+1)]...)
	}
	return b[:max(1, len(b)-j.IntN(40))]
}
