package wire

import (
	"net/netip"
	"strings"
)

// Packet is the summary of one IP packet, as package packet reads it.
//
//	raw:  | IP header | (extension headers) | TCP, UDP or ICMP header | data |
//	                                                                  ^ Data.At
type Packet struct {
	Version  uint8          `json:"ip"`              // 4 or 6; 0 where the bytes are no IP packet
	Proto    Proto          `json:"proto,omitempty"` // what follows the IP headers
	Src      netip.AddrPort `json:"src"`             // the port is 0 for ICMP and for later fragments
	Dst      netip.AddrPort `json:"dst"`
	TTL      uint8          `json:"ttl"` // IPv6 calls it the hop limit
	Length   int            `json:"length"`
	Header   Span           `json:"header"` // of TCP, UDP or ICMP; empty if there is none
	Data     Span           `json:"data"`   // the application's bytes
	TCP      *TCP           `json:"tcp,omitempty"`
	ICMP     *ICMP          `json:"icmp,omitempty"`
	Fragment *Fragment      `json:"fragment,omitempty"`
	Problem  string         `json:"problem,omitempty"` // why reading ended early
}

// Span is a part of a packet: Len bytes from offset At.
type Span struct {
	At  int `json:"at"`
	Len int `json:"len"`
}

// Of returns the span's bytes in raw, as many of them as raw still has: a record keeps a bounded
// number of bytes, so the end may be missing.
func (s Span) Of(raw []byte) []byte {
	from := min(max(s.At, 0), len(raw))
	to := min(from+max(s.Len, 0), len(raw))
	return raw[from:to]
}

// Proto names what an IP packet carries.
type Proto string

const (
	ProtoTCP    Proto = "tcp"
	ProtoUDP    Proto = "udp"
	ProtoICMP   Proto = "icmp"
	ProtoICMPv6 Proto = "icmpv6"
	ProtoOther  Proto = "other"
)

// TCP is what a TCP header says. Numbers are as they are on the wire; record.Record has the relative ones.
type TCP struct {
	Flags         Flags      `json:"flags"`
	Seq           uint32     `json:"seq"`
	Ack           uint32     `json:"ack"`
	Window        uint16     `json:"window"`                   // unscaled
	MSS           uint16     `json:"mss,omitempty"`            // only in a SYN; 0 if absent
	WindowScale   *uint8     `json:"window_scale,omitempty"`   // only in a SYN
	SACKPermitted bool       `json:"sack_permitted,omitempty"` // only in a SYN
	SACK          []SeqRange `json:"sack,omitempty"`           // at most 4
	Timestamp     *Timestamp `json:"timestamp,omitempty"`
}

// SeqRange is a range of sequence numbers, To excluded: one block of a selective acknowledgement.
type SeqRange struct {
	From uint32 `json:"from"`
	To   uint32 `json:"to"`
}

// Timestamp is TCP's timestamp option: the sender's clock, and the peer's clock given back.
type Timestamp struct {
	Value uint32 `json:"value"`
	Echo  uint32 `json:"echo"`
}

// Flags are the eight flag bits of a TCP header.
type Flags uint8

const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Has reports whether all of want are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// String gives the flags in the order that people say them: "SYN ACK", "PSH ACK".
func (f Flags) String() string {
	names := []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"}
	var set []string
	for i, name := range names {
		if f&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, " ")
}

// MarshalText makes the flags words in JSON as well.
func (f Flags) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText wrote; words it does not know are left out.
func (f *Flags) UnmarshalText(text []byte) error {
	*f = 0
	for i := range 8 {
		for word := range strings.FieldsSeq(string(text)) {
			if word == Flags(1<<i).String() {
				*f |= 1 << i
			}
		}
	}
	return nil
}

// ICMP is an ICMP or ICMPv6 message.
type ICMP struct {
	Type  uint8  `json:"type"`
	Code  uint8  `json:"code"`
	Quote *Quote `json:"quote,omitempty"` // an error message quotes the packet that it is about
}

// Quote is the beginning of the packet that an ICMP error is about. Its direction is the opposite of
// the error's: a server that answers "port unreachable" quotes what the client sent.
type Quote struct {
	Proto Proto          `json:"proto"`
	Src   netip.AddrPort `json:"src"`
	Dst   netip.AddrPort `json:"dst"`
	Seq   uint32         `json:"seq,omitempty"` // TCP only
}

// PortUnreachable reports whether the message says that nobody listens at the quoted destination.
func (m *ICMP) PortUnreachable(proto Proto) bool {
	return proto == ProtoICMP && m.Type == 3 && m.Code == 3 || proto == ProtoICMPv6 && m.Type == 1 && m.Code == 4
}

// Fragment is one piece of a datagram that was too long for the link. Only the first (Offset 0) has ports.
type Fragment struct {
	ID     uint32 `json:"id"` // the same in all pieces of one datagram
	Offset int    `json:"offset"`
	More   bool   `json:"more"` // false in the last piece
}

// Field is one field of a packet, for a reader who opens it: its name, its value in words, and its bytes'
// place. Names are those of Wireshark's display filters, so that what is learned here is of use there; where
// it has none they are ours: ip.options, ipv6.extensions, tcp.options.kind_N, problem.
type Field struct {
	Name   string  `json:"name"`  // "tcp.seq_raw"
	Value  string  `json:"value"` // "1234567"
	At     int     `json:"at"`
	Len    int     `json:"len"`
	Fields []Field `json:"fields,omitempty"` // what it consists of
}
