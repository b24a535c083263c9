package pcap

import (
	"encoding/binary"
	"fmt"
)

// Link is the kind of link layer that a frame begins with, by its number in the list of tcpdump.org.
type Link uint16

// Those that are read.
const (
	LinkNull     Link = 0   // BSD's loopback: 4 bytes, which family, in the order of the host
	LinkEthernet Link = 1   // with or without VLAN tags
	LinkRaw12    Link = 12  // raw IP as some systems number it
	LinkRaw14    Link = 14  // and others
	LinkRaw      Link = 101 // raw IP
	LinkLoop     Link = 108 // OpenBSD's loopback: the same 4 bytes in network order
	LinkSLL      Link = 113 // Linux "cooked": any interface
	LinkIPv4     Link = 228
	LinkIPv6     Link = 229
	LinkSLL2     Link = 276 // the same, version 2
)

// String names a link layer as tcpdump does.
func (l Link) String() string {
	switch l {
	case LinkNull:
		return "NULL"
	case LinkEthernet:
		return "EN10MB"
	case LinkRaw, LinkRaw12, LinkRaw14:
		return "RAW"
	case LinkLoop:
		return "LOOP"
	case LinkSLL:
		return "LINUX_SLL"
	case LinkIPv4:
		return "IPV4"
	case LinkIPv6:
		return "IPV6"
	case LinkSLL2:
		return "LINUX_SLL2"
	}
	return fmt.Sprintf("LINKTYPE %d", uint16(l))
}

// IP is the frame's IP packet, as much of it as the file has, and how long it was, with what the link appended.
// It is nil if the frame carries none; known is false if its link layer is not read here.
func (f Frame) IP() (raw []byte, length int, known bool) {
	at := 0
	switch f.Link {
	case LinkEthernet:
		at = f.behind(12, 14)
	case LinkSLL:
		at = f.behind(14, 16)
	case LinkSLL2:
		at = f.behind(0, 20)
	case LinkNull, LinkLoop:
		at = 4
	case LinkRaw, LinkRaw12, LinkRaw14, LinkIPv4, LinkIPv6:
	default:
		return nil, 0, false
	}
	if at < 0 || at >= len(f.Data) {
		return nil, 0, true
	}
	if raw = f.Data[at:]; raw[0]>>4 != 4 && raw[0]>>4 != 6 {
		return nil, 0, true
	}
	return raw, f.Length - at, true
}

const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100
	etherQinQ  = 0x88a8
	etherVLAN2 = 0x9100 // what was used for a tag around a tag before it had a number of its own
)

// behind finds the IP packet behind a header that ends at body and has its EtherType at typ, and behind VLAN tags
// of 4 bytes each: two of the tag, two of the next EtherType. It is -1 if there is none.
func (f Frame) behind(typ, body int) int {
	for typ+2 <= len(f.Data) {
		switch binary.BigEndian.Uint16(f.Data[typ:]) {
		case etherVLAN, etherQinQ, etherVLAN2:
			typ, body = body+2, body+4
		case etherIPv4, etherIPv6:
			return body
		default:
			return -1
		}
	}
	return -1
}
