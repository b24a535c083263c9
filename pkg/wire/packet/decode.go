// Package packet reads the bytes of one IP packet: who sent it to whom, what it says in TCP, UDP or
// ICMP, and where in it the application's data lies.
//
//	raw:  | IP header | (extension headers) | TCP, UDP or ICMP header | data |
//	                                                                  ^ Data.At
//
// A packet is whatever somebody sent, so nothing here trusts it: bytes that cannot be read give a
// Packet that holds what could be read, and a Problem that says where reading ended.
package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket/layers"

	"netlab.example/pkg/wire"
)

// Decode reads the IP packet raw. It never fails: see Problem.
func Decode(raw []byte) wire.Packet { return DecodeCut(raw, len(raw)) }

// DecodeCut reads an IP packet of which raw is the beginning, as captures keep it; length is how long it was. What
// the headers say counts, so that a connection is numbered rightly though its data is missing.
func DecodeCut(raw []byte, length int) wire.Packet {
	p := decoder{wire.Packet{Length: length}}
	if err := p.decode(raw); err != nil {
		p.Problem = err.Error()
	}
	return p.Packet
}

// decoder fills in a Packet.
type decoder struct{ wire.Packet }

func (p *decoder) decode(raw []byte) error {
	proto, at, err := p.ip(raw)
	if err != nil {
		return err
	}
	return p.transport(proto, raw, at)
}

// ip reads the IP headers of raw and returns what follows them, and its offset.
func (p *decoder) ip(raw []byte) (proto layers.IPProtocol, at int, err error) {
	if len(raw) == 0 {
		return 0, 0, fmt.Errorf("no bytes")
	}
	switch raw[0] >> 4 {
	case 4:
		return p.ip4(raw)
	case 6:
		return p.ip6(raw)
	}
	return 0, 0, fmt.Errorf("IP version %d", raw[0]>>4)
}

func (p *decoder) ip4(raw []byte) (layers.IPProtocol, int, error) {
	if len(raw) < 20 {
		return 0, 0, fmt.Errorf("IPv4 header of %d bytes", len(raw))
	}
	total, header, proto := int(binary.BigEndian.Uint16(raw[2:])), int(raw[0]&15)*4, layers.IPProtocol(raw[9])
	p.Version, p.TTL, p.Proto = 4, raw[8], protocol(proto)
	p.Src, p.Dst = address(raw[12:16]), address(raw[16:20])
	if total == 0 { // a packet that the sender's network card is still to cut into pieces
		total = p.Length
	}
	if header < 20 || total < header {
		return 0, 0, fmt.Errorf("IPv4 header of %d bytes in a packet of %d", header, total)
	}
	p.Length = min(p.Length, total) // what follows is padding of the link layer
	if header > len(raw) {
		return 0, 0, fmt.Errorf("IPv4 header of %d bytes, %d of them here", header, len(raw))
	}
	if piece := binary.BigEndian.Uint16(raw[6:]); piece&0x3fff != 0 { // more fragments, or an offset
		p.Fragment = &wire.Fragment{ID: uint32(binary.BigEndian.Uint16(raw[4:])), Offset: int(piece&0x1fff) * 8, More: piece&0x2000 != 0}
	}
	return proto, header, nil
}

func (p *decoder) ip6(raw []byte) (layers.IPProtocol, int, error) {
	if len(raw) < 40 {
		return 0, 0, fmt.Errorf("IPv6 header of %d bytes", len(raw))
	}
	next, at := layers.IPProtocol(raw[6]), 40
	p.Version, p.TTL, p.Proto = 6, raw[7], protocol(next)
	p.Src, p.Dst = address(raw[8:24]), address(raw[24:40])
	if n := int(binary.BigEndian.Uint16(raw[4:])); n > 0 { // 0: longer than 16 bits can say
		p.Length = min(p.Length, 40+n)
	}
	for {
		p.Proto = protocol(next)
		size := 8
		switch next {
		case layers.IPProtocolIPv6HopByHop, layers.IPProtocolIPv6Routing, layers.IPProtocolIPv6Destination:
			if at+2 <= len(raw) {
				size = 8 * (1 + int(raw[at+1]))
			}
		case layers.IPProtocolIPv6Fragment:
			if p.Fragment != nil {
				return 0, 0, fmt.Errorf("a second fragment header")
			}
		default:
			return next, at, nil
		}
		if at+size > min(len(raw), p.Length) {
			return 0, 0, fmt.Errorf("IPv6 extension header of %d bytes, %d of them here", size, max(min(len(raw), p.Length)-at, 0))
		}
		if next == layers.IPProtocolIPv6Fragment {
			piece := binary.BigEndian.Uint16(raw[at+2:])
			p.Fragment = &wire.Fragment{ID: binary.BigEndian.Uint32(raw[at+4:]), Offset: int(piece &^ 7), More: piece&1 != 0}
		}
		next, at = layers.IPProtocol(raw[at]), at+size
		if p.Fragment != nil && p.Fragment.Offset > 0 { // what follows is no header
			p.Proto = protocol(next)
			return next, at, nil
		}
	}
}

// transport reads the TCP, UDP or ICMP header of raw at offset at.
func (p *decoder) transport(proto layers.IPProtocol, raw []byte, at int) error {
	size := max(p.Length-at, 0) // of header and data, by what IP says
	body := raw[min(at, len(raw)):min(max(p.Length, at), len(raw))]
	if f := p.Fragment; f != nil && (f.Offset > 0 || f.More && p.Proto == wire.ProtoTCP && (size < 20 || len(body) > 12 && size < int(body[12]>>4)*4)) {
		p.Data = wire.Span{At: at, Len: size} // a header may be cut in two as well
		return nil
	}
	short := func(least int) error {
		if len(body) < least {
			return fmt.Errorf("%s header of %d bytes", p.Proto, len(body))
		}
		return nil
	}
	switch p.Proto {
	case wire.ProtoTCP:
		if err := short(20); err != nil {
			return err
		}
		p.ports(body)
		header := int(body[12]>>4) * 4
		if header < 20 || header > size {
			return fmt.Errorf("TCP header of %d bytes in %d", header, size)
		}
		p.TCP = summary(body[:min(header, len(body))])
		p.Header, p.Data = wire.Span{At: at, Len: header}, wire.Span{At: at + header, Len: size - header}
	case wire.ProtoUDP:
		if err := short(8); err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint16(body[4:]))
		if length == 0 { // longer than 16 bits can say
			length = size
		}
		if length < 8 {
			return fmt.Errorf("UDP length of %d bytes", length)
		}
		p.ports(body)
		p.Header, p.Data = wire.Span{At: at, Len: 8}, wire.Span{At: at + 8, Len: min(length, size) - 8}
	case wire.ProtoICMP, wire.ProtoICMPv6:
		if err := short(8); err != nil {
			return err
		}
		p.ICMP = &wire.ICMP{Type: body[0], Code: body[1]}
		if isError(p.ICMP, p.Proto) {
			p.ICMP.Quote = quote(body[8:])
		}
		p.Header, p.Data = wire.Span{At: at, Len: 8}, wire.Span{At: at + 8, Len: size - 8}
	default:
		p.Data = wire.Span{At: at, Len: size}
	}
	return nil
}

// ports reads what TCP and UDP begin with.
func (p *decoder) ports(body []byte) {
	p.Src = netip.AddrPortFrom(p.Src.Addr(), binary.BigEndian.Uint16(body))
	p.Dst = netip.AddrPortFrom(p.Dst.Addr(), binary.BigEndian.Uint16(body[2:]))
}

// summary reads a TCP header. Options that are cut off, or lie about their length, end it.
func summary(h []byte) *wire.TCP {
	s := &wire.TCP{Flags: wire.Flags(h[13]), Seq: binary.BigEndian.Uint32(h[4:]), Ack: binary.BigEndian.Uint32(h[8:]), Window: binary.BigEndian.Uint16(h[14:])}
	for at := 20; at < len(h); {
		kind := layers.TCPOptionKind(h[at])
		if kind == layers.TCPOptionKindEndList {
			break
		}
		if kind == layers.TCPOptionKindNop {
			at++
			continue
		}
		if at+2 > len(h) || h[at+1] < 2 || at+int(h[at+1]) > len(h) {
			break
		}
		data := h[at+2 : at+int(h[at+1])]
		at += 2 + len(data)
		switch {
		case kind == layers.TCPOptionKindMSS && len(data) == 2:
			s.MSS = binary.BigEndian.Uint16(data)
		case kind == layers.TCPOptionKindWindowScale && len(data) == 1:
			scale := min(data[0], 14) // RFC 7323: more than 14 counts as 14
			s.WindowScale = &scale
		case kind == layers.TCPOptionKindSACKPermitted:
			s.SACKPermitted = true
		case kind == layers.TCPOptionKindSACK:
			for ; len(data) >= 8; data = data[8:] {
				s.SACK = append(s.SACK, wire.SeqRange{From: binary.BigEndian.Uint32(data), To: binary.BigEndian.Uint32(data[4:])})
			}
		case kind == layers.TCPOptionKindTimestamps && len(data) == 8:
			s.Timestamp = &wire.Timestamp{Value: binary.BigEndian.Uint32(data), Echo: binary.BigEndian.Uint32(data[4:])}
		}
	}
	return s
}

// isError reports whether the message is about another packet, which it then quotes.
func isError(m *wire.ICMP, proto wire.Proto) bool {
	if proto == wire.ProtoICMPv6 {
		return m.Type >= 1 && m.Type <= 4
	}
	return m.Type == 3 || m.Type == 11 || m.Type == 12
}

// quote reads the packet that an ICMP error quotes: whole IP headers, and at least the 8 bytes that hold the ports.
func quote(raw []byte) *wire.Quote {
	p := decoder{wire.Packet{Length: len(raw)}}
	_, at, err := p.ip(raw)
	if err != nil || len(raw) < at+8 || p.Fragment != nil && p.Fragment.Offset > 0 || p.Proto != wire.ProtoTCP && p.Proto != wire.ProtoUDP {
		return nil
	}
	p.ports(raw[at:])
	q := &wire.Quote{Proto: p.Proto, Src: p.Src, Dst: p.Dst}
	if p.Proto == wire.ProtoTCP {
		q.Seq = binary.BigEndian.Uint32(raw[at+4:])
	}
	return q
}

func address(ip []byte) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr, 0)
}

func protocol(p layers.IPProtocol) wire.Proto {
	switch p {
	case layers.IPProtocolTCP:
		return wire.ProtoTCP
	case layers.IPProtocolUDP:
		return wire.ProtoUDP
	case layers.IPProtocolICMPv4:
		return wire.ProtoICMP
	case layers.IPProtocolICMPv6:
		return wire.ProtoICMPv6
	}
	return wire.ProtoOther
}
