package wire

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
)

// Service is what is watched: one port of one protocol.
type Service struct {
	Proto Proto
	Port  uint16
}

// ParseService reads a service's URL, such as tcp://:8080; the host does not matter, all addresses are watched.
func ParseService(text string) (Service, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Service{}, fmt.Errorf("service %q: write a URL such as tcp://:8080", text)
	}
	s := Service{}
	switch u.Scheme {
	case "tcp", "tcp4", "tcp6":
		s.Proto = ProtoTCP
	case "udp", "udp4", "udp6":
		s.Proto = ProtoUDP
	case "unix", "unixgram":
		return s, fmt.Errorf("service %q: a unix socket has no packets to see", text)
	default:
		return s, fmt.Errorf("service %q: write tcp://:PORT or udp://:PORT", text)
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return s, fmt.Errorf("service %q: the port is missing", text)
	}
	s.Port = uint16(port)
	return s, nil
}

func (s Service) String() string { return fmt.Sprintf("%s://:%d", s.Proto, s.Port) }

// Concerns reports whether p is about the service: of its port, or an ICMP error that quotes such a packet.
// Pieces of a datagram without ports are given the benefit of the doubt.
func (s Service) Concerns(p *Packet, dir Direction) bool {
	if p.ICMP != nil {
		q := p.ICMP.Quote
		return q != nil && q.Proto == s.Proto && s.at(q.Src, q.Dst, dir.Back())
	}
	if p.Proto != s.Proto {
		return false
	}
	return p.Fragment != nil && p.Fragment.Offset > 0 || p.Problem != "" || s.at(p.Src, p.Dst, dir)
}

func (s Service) at(src, dst netip.AddrPort, dir Direction) bool {
	if dir == In {
		return dst.Port() == s.Port
	}
	return src.Port() == s.Port
}
