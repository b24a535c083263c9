package pcap

import (
	"encoding/binary"
	"net/netip"

	"netlab.example/pkg/wire"
)

// checksums judges whether a packet arrived as it was sent. A packet that was captured on its sender's host may not
// have its checksum yet: the network card writes it after the capture. So a wrong checksum counts only if its sender
// has written right ones before, and if the field does not look unfinished.
type checksums struct {
	written memory[netip.Addr, bool] // senders that write them
}

// wrong names the header whose checksum is wrong, or "".
func (c *checksums) wrong(p *wire.Packet, raw []byte) string {
	if len(raw) < p.Length || p.Problem != "" || p.Fragment != nil && (p.Fragment.More || p.Fragment.Offset > 0) {
		return "" // no more than a part of what was summed up is here
	}
	name, field := "", p.Header.At
	switch p.Proto {
	case wire.ProtoTCP:
		name, field = "TCP", field+16
	case wire.ProtoUDP:
		name, field = "UDP", field+6
	default:
		return ""
	}
	body := raw[p.Header.At:p.Length]
	if p.Proto == wire.ProtoUDP {
		body = raw[p.Header.At : p.Data.At+p.Data.Len]
	}
	written := binary.BigEndian.Uint16(raw[field:])
	addresses := add(add(0, p.Src.Addr().AsSlice()), p.Dst.Addr().AsSlice()) + protocolNumber(p.Proto)
	pseudo := addresses + uint32(len(body))
	switch sender := p.Src.Addr(); {
	case written == 0 && p.Proto == wire.ProtoUDP: // the sender wants none
	case fold(add(pseudo, body)) == 0xffff:
		c.written.set(sender, true)
	case written == 0, written == fold(pseudo), written == fold(addresses): // unfinished: none, or that of the addresses alone
	default:
		if _, ok := c.written.get(sender); ok {
			return name
		}
	}
	return ""
}

func protocolNumber(p wire.Proto) uint32 {
	if p == wire.ProtoTCP {
		return 6
	}
	return 17
}

// add sums up 16-bit words; fold brings the sum back to 16 bits (RFC 1071).
func add(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
		if sum >= 1<<30 {
			sum = uint32(fold(sum))
		}
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
