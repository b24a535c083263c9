package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// decoder holds the layers that gopacket decodes into, so that a packet costs no more than its Packet.
type decoder struct {
	ip4  layers.IPv4
	ip6  layers.IPv6
	skip layers.IPv6ExtensionSkipper
	frag layers.IPv6Fragment
	tcp  layers.TCP
	udp  layers.UDP
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// Decode reads the IP packet raw. It never fails: see Problem.
func Decode(raw []byte) (p Packet) {
	d := decoders.Get().(*decoder)
	// gopacket checks lengths with care, yet it is a large body of code that reads hostile bytes. A panic
	// in it costs this packet its picture and not the learner their network. The decoder is then left
	// to the collector.
	defer func() {
		if r := recover(); r != nil {
			p.Problem = fmt.Sprint("the decoder gave up: ", r)
			return
		}
		decoders.Put(d)
	}()
	p.Length = len(raw)
	proto, body, at, err := d.ip(&p, raw)
	if err == nil {
		err = d.transport(&p, proto, body, at)
	}
	if err != nil {
		p.Problem = err.Error()
	}
	return p
}

// ip reads the IP headers of raw and returns what follows them, and its offset.
func (d *decoder) ip(p *Packet, raw []byte) (proto layers.IPProtocol, body []byte, at int, err error) {
	if len(raw) == 0 {
		return 0, nil, 0, fmt.Errorf("no bytes")
	}
	switch raw[0] >> 4 {
	case 4:
		if err := d.ip4.DecodeFromBytes(raw, gopacket.NilDecodeFeedback); err != nil {
			return 0, nil, 0, err
		}
		p.Version, p.TTL, p.Length = 4, d.ip4.TTL, int(d.ip4.Length)
		p.Src, p.Dst = address(d.ip4.SrcIP), address(d.ip4.DstIP)
		p.Proto = protocol(d.ip4.Protocol)
		if more := d.ip4.Flags&layers.IPv4MoreFragments != 0; more || d.ip4.FragOffset > 0 {
			p.Fragment = &Fragment{ID: uint32(d.ip4.Id), Offset: int(d.ip4.FragOffset) * 8, More: more}
		}
		return d.ip4.Protocol, d.ip4.Payload, len(d.ip4.Contents), nil
	case 6:
		return d.ipv6(p, raw)
	}
	return 0, nil, 0, fmt.Errorf("IP version %d", raw[0]>>4)
}

func (d *decoder) ipv6(p *Packet, raw []byte) (layers.IPProtocol, []byte, int, error) {
	err := d.ip6.DecodeFromBytes(raw, gopacket.NilDecodeFeedback)
	if len(raw) < 40 {
		return 0, nil, 0, err
	}
	p.Version, p.TTL, p.Length = 6, d.ip6.HopLimit, 40+int(d.ip6.Length)
	p.Src, p.Dst = address(d.ip6.SrcIP), address(d.ip6.DstIP)
	if err != nil {
		return 0, nil, 0, err
	}
	next, body := d.ip6.NextHeader, d.ip6.Payload
	at := 40
	if d.ip6.HopByHop != nil { // gopacket counts it as a part of the first header
		next = d.ip6.HopByHop.NextHeader
		at += d.ip6.HopByHop.ActualLength
	}
	for {
		p.Proto = protocol(next)
		switch next {
		case layers.IPProtocolIPv6Routing, layers.IPProtocolIPv6Destination:
			if err := d.skip.DecodeFromBytes(body, gopacket.NilDecodeFeedback); err != nil {
				return 0, nil, 0, err
			}
			next, body, at = d.skip.NextHeader, d.skip.Payload, at+len(d.skip.Contents)
		case layers.IPProtocolIPv6Fragment:
			if p.Fragment != nil {
				return 0, nil, 0, fmt.Errorf("a second fragment header")
			}
			if err := d.frag.DecodeFromBytes(body, gopacket.NilDecodeFeedback); err != nil {
				return 0, nil, 0, err
			}
			p.Fragment = &Fragment{ID: d.frag.Identification, Offset: int(d.frag.FragmentOffset) * 8, More: d.frag.MoreFragments}
			next, body, at = d.frag.NextHeader, d.frag.Payload, at+8
			if p.Fragment.Offset > 0 { // what follows is no header
				p.Proto = protocol(next)
				return next, body, at, nil
			}
		default:
			return next, body, at, nil
		}
	}
}

// transport reads the TCP, UDP or ICMP header in body, which lies at offset at.
func (d *decoder) transport(p *Packet, proto layers.IPProtocol, body []byte, at int) error {
	if p.Fragment != nil && p.Fragment.Offset > 0 {
		p.Data = Span{at, len(body)}
		return nil
	}
	switch p.Proto {
	case ProtoTCP:
		if err := d.tcp.DecodeFromBytes(body, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.Src = netip.AddrPortFrom(p.Src.Addr(), uint16(d.tcp.SrcPort))
		p.Dst = netip.AddrPortFrom(p.Dst.Addr(), uint16(d.tcp.DstPort))
		p.TCP = summary(&d.tcp, body)
		p.Header = Span{at, len(d.tcp.Contents)}
		p.Data = Span{at + len(d.tcp.Contents), len(d.tcp.Payload)}
	case ProtoUDP:
		if err := d.udp.DecodeFromBytes(body, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.Src = netip.AddrPortFrom(p.Src.Addr(), uint16(d.udp.SrcPort))
		p.Dst = netip.AddrPortFrom(p.Dst.Addr(), uint16(d.udp.DstPort))
		p.Header, p.Data = Span{at, 8}, Span{at + 8, len(d.udp.Payload)}
	case ProtoICMP, ProtoICMPv6:
		if len(body) < 8 {
			return fmt.Errorf("%s message of %d bytes", p.Proto, len(body))
		}
		p.ICMP = &ICMP{Type: body[0], Code: body[1]}
		if p.ICMP.isError(p.Proto) {
			p.ICMP.Quote = quote(body[8:])
		}
		p.Header, p.Data = Span{at, 8}, Span{at + 8, len(body) - 8}
	default:
		p.Data = Span{at, len(body)}
	}
	return nil
}

func summary(t *layers.TCP, header []byte) *TCP {
	s := &TCP{Flags: Flags(header[13]), Seq: t.Seq, Ack: t.Ack, Window: t.Window}
	for _, o := range t.Options {
		data := o.OptionData
		switch {
		case o.OptionType == layers.TCPOptionKindMSS && len(data) == 2:
			s.MSS = binary.BigEndian.Uint16(data)
		case o.OptionType == layers.TCPOptionKindWindowScale && len(data) == 1:
			scale := min(data[0], 14) // RFC 7323: more than 14 counts as 14
			s.WindowScale = &scale
		case o.OptionType == layers.TCPOptionKindSACKPermitted:
			s.SACKPermitted = true
		case o.OptionType == layers.TCPOptionKindSACK:
			for ; len(data) >= 8; data = data[8:] {
				s.SACK = append(s.SACK, SeqRange{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])})
			}
		case o.OptionType == layers.TCPOptionKindTimestamps && len(data) == 8:
			s.Timestamp = &Timestamp{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])}
		}
	}
	return s
}

// isError reports whether the message is about another packet, which it then quotes.
func (m *ICMP) isError(proto Proto) bool {
	if proto == ProtoICMPv6 {
		return m.Type >= 1 && m.Type <= 4
	}
	return m.Type == 3 || m.Type == 11 || m.Type == 12
}

// quote reads the packet that an ICMP error quotes: whole IP headers, and at least the 8 bytes that hold the ports.
func quote(raw []byte) *Quote {
	var d decoder // not the pooled one: it is at work on the packet around this one
	var p Packet
	_, body, _, err := d.ip(&p, raw)
	if err != nil || len(body) < 8 || p.Fragment != nil && p.Fragment.Offset > 0 || p.Proto != ProtoTCP && p.Proto != ProtoUDP {
		return nil
	}
	q := &Quote{
		Proto: p.Proto,
		Src:   netip.AddrPortFrom(p.Src.Addr(), binary.BigEndian.Uint16(body)),
		Dst:   netip.AddrPortFrom(p.Dst.Addr(), binary.BigEndian.Uint16(body[2:])),
	}
	if p.Proto == ProtoTCP {
		q.Seq = binary.BigEndian.Uint32(body[4:])
	}
	return q
}

func address(ip []byte) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr, 0)
}

func protocol(p layers.IPProtocol) Proto {
	switch p {
	case layers.IPProtocolTCP:
		return ProtoTCP
	case layers.IPProtocolUDP:
		return ProtoUDP
	case layers.IPProtocolICMPv4:
		return ProtoICMP
	case layers.IPProtocolICMPv6:
		return ProtoICMPv6
	}
	return ProtoOther
}
