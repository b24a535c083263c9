package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gopacket/gopacket/layers"

	"netlab.example/pkg/wire"
)

// Fields takes a packet apart: IP, then TCP, UDP or ICMP, then the data. p is what Decode said of the whole
// packet; raw may be no more than its beginning. Where the bytes end early, so do the fields.
func Fields(p wire.Packet, raw []byte) []wire.Field {
	t := tree{raw: raw}
	end := p.Data.At // where headers end
	if p.Header.Len > 0 {
		end = p.Header.At
	}
	switch p.Version {
	case 4:
		t.ip4(end)
	case 6:
		t.ip6(end)
	}
	switch h := p.Header; {
	case h.Len == 0 || h.At < 0 || h.At > len(raw):
	case p.Proto == wire.ProtoTCP:
		t.tcp(h)
	case p.Proto == wire.ProtoUDP:
		t.udp(h)
	default:
		t.icmp(h, string(p.Proto))
	}
	if p.Data.Len > 0 {
		value, kept := fmt.Sprintf("%d bytes", p.Data.Len), len(p.Data.Of(raw))
		if kept < p.Data.Len {
			value += fmt.Sprintf(", %d of them kept", kept)
		}
		t.add("data", value, p.Data.At, kept)
	}
	if behind := p.Data.At + p.Data.Len; p.Proto == wire.ProtoUDP && p.Header.Len > 0 && p.Fragment == nil && behind < min(p.Length, len(raw)) {
		n := min(p.Length, len(raw)) - behind
		t.add("udp.trailer", fmt.Sprintf("%d bytes behind the UDP length", n), behind, n)
	}
	if p.Problem != "" {
		t.add("problem", p.Problem, 0, len(raw))
	}
	return t.fields
}

// tree collects fields that are really there.
type tree struct {
	raw    []byte
	fields []wire.Field
}

func (t *tree) add(name, value string, at, length int) {
	if at >= 0 && length > 0 && at+length <= len(t.raw) {
		t.fields = append(t.fields, wire.Field{Name: name, Value: value, At: at, Len: length})
	}
}

// number reads a big-endian number of 1, 2 or 4 bytes; 0 if there is none.
func (t *tree) number(at, length int) uint32 {
	if at < 0 || at+length > len(t.raw) {
		return 0
	}
	switch b := t.raw[at:]; length {
	case 1:
		return uint32(b[0])
	case 2:
		return uint32(binary.BigEndian.Uint16(b))
	default:
		return binary.BigEndian.Uint32(b)
	}
}

func (t *tree) decimal(name string, at, length int) {
	t.add(name, strconv.FormatUint(uint64(t.number(at, length)), 10), at, length)
}

func (t *tree) hex(name string, at, length int) {
	t.add(name, fmt.Sprintf("0x%0*x", 2*length, t.number(at, length)), at, length)
}

func (t *tree) address(name string, at, length int) {
	if at+length <= len(t.raw) {
		a, _ := netip.AddrFromSlice(t.raw[at : at+length])
		t.add(name, a.String(), at, length)
	}
}

// group makes the fields that f adds the parts of one field.
func (t *tree) group(name, value string, at, length int, f func(*tree)) {
	part := tree{raw: t.raw}
	f(&part)
	length = min(length, len(t.raw)-at)
	if length > 0 {
		t.fields = append(t.fields, wire.Field{Name: name, Value: value, At: at, Len: length, Fields: part.fields})
	}
}

func (t *tree) ip4(end int) {
	if end == 0 {
		end = min(20, len(t.raw))
	}
	t.group("ip", "Internet Protocol, version 4", 0, end, func(t *tree) {
		first := t.number(0, 1)
		t.add("ip.version", strconv.Itoa(int(first>>4)), 0, 1)
		t.add("ip.hdr_len", fmt.Sprintf("%d bytes", first&15*4), 0, 1)
		t.hex("ip.dsfield", 1, 1)
		t.decimal("ip.len", 2, 2)
		t.hex("ip.id", 4, 2)
		piece := t.number(6, 2)
		t.add("ip.flags", words(piece>>13, "more fragments", "do not fragment", "reserved"), 6, 1)
		t.add("ip.frag_offset", strconv.Itoa(int(piece&0x1fff)*8), 6, 2)
		t.decimal("ip.ttl", 8, 1)
		t.add("ip.proto", protoWords(t.number(9, 1)), 9, 1)
		t.hex("ip.checksum", 10, 2)
		t.address("ip.src", 12, 4)
		t.address("ip.dst", 16, 4)
		t.add("ip.options", fmt.Sprintf("%d bytes", end-20), 20, end-20)
	})
}

func (t *tree) ip6(end int) {
	end = max(end, min(40, len(t.raw)))
	t.group("ipv6", "Internet Protocol, version 6", 0, end, func(t *tree) {
		first := t.number(0, 4)
		t.add("ipv6.version", strconv.Itoa(int(first>>28)), 0, 1)
		t.add("ipv6.tclass", fmt.Sprintf("0x%02x", first>>20&0xff), 0, 2)
		t.add("ipv6.flow", fmt.Sprintf("0x%05x", first&0xfffff), 1, 3)
		t.decimal("ipv6.plen", 4, 2)
		t.add("ipv6.nxt", protoWords(t.number(6, 1)), 6, 1)
		t.decimal("ipv6.hlim", 7, 1)
		t.address("ipv6.src", 8, 16)
		t.address("ipv6.dst", 24, 16)
		t.add("ipv6.extensions", fmt.Sprintf("%d bytes", end-40), 40, end-40)
	})
}

func (t *tree) tcp(h wire.Span) {
	at := h.At
	t.group("tcp", "Transmission Control Protocol", at, h.Len, func(t *tree) {
		t.decimal("tcp.srcport", at, 2)
		t.decimal("tcp.dstport", at+2, 2)
		t.decimal("tcp.seq_raw", at+4, 4)
		t.decimal("tcp.ack_raw", at+8, 4)
		t.add("tcp.hdr_len", fmt.Sprintf("%d bytes", h.Len), at+12, 1)
		t.add("tcp.flags", wire.Flags(t.number(at+13, 1)).String(), at+13, 1)
		if t.number(at+12, 1)&1 != 0 { // the ninth flag; in a connection with Accurate ECN the three are a counter after the SYN
			t.add("tcp.flags.ae", "AE", at+12, 1)
			t.add("tcp.flags.ace", fmt.Sprint(t.number(at+12, 2)>>6&7), at+12, 2)
		}
		t.decimal("tcp.window_size_value", at+14, 2)
		t.hex("tcp.checksum", at+16, 2)
		t.decimal("tcp.urgent_pointer", at+18, 2)
		if h.Len > 20 {
			t.group("tcp.options", fmt.Sprintf("%d bytes", h.Len-20), at+20, h.Len-20, func(t *tree) { t.tcpOptions(at+20, at+h.Len) })
		}
	})
}

func (t *tree) tcpOptions(at, end int) {
	end = min(end, len(t.raw))
	for at < end {
		kind := layers.TCPOptionKind(t.raw[at])
		if kind == layers.TCPOptionKindEndList || kind == layers.TCPOptionKindNop {
			t.add("tcp.options."+optionName(kind), "", at, 1)
			at++
			continue
		}
		if at+2 > end {
			return
		}
		length := int(t.raw[at+1])
		if length < 2 || at+length > end {
			return
		}
		t.add("tcp.options."+optionName(kind), t.optionValue(kind, at+2, length-2), at, length)
		at += length
	}
}

// Options that gopacket has no name for, by their numbers at IANA.
const (
	optionUserTimeout = 28
	optionAuth        = 29
	optionMultipath   = 30
	optionFastOpen    = 34
	optionAccECN0     = 172
	optionAccECN1     = 174
	optionTry1        = 253 // experiments: the number of the experiment follows
	optionTry2        = 254
)

func optionName(k layers.TCPOptionKind) string {
	switch k {
	case layers.TCPOptionKindEndList:
		return "eol"
	case layers.TCPOptionKindNop:
		return "nop"
	case layers.TCPOptionKindMSS:
		return "mss"
	case layers.TCPOptionKindWindowScale:
		return "wscale"
	case layers.TCPOptionKindSACKPermitted:
		return "sack_perm"
	case layers.TCPOptionKindSACK:
		return "sack"
	case layers.TCPOptionKindTimestamps:
		return "timestamp"
	case optionUserTimeout:
		return "user_to"
	case optionAuth:
		return "ao"
	case optionMultipath:
		return "mptcp.subtype"
	case optionFastOpen:
		return "tfo"
	case optionAccECN0, optionAccECN1:
		return "acc_ecn"
	case optionTry1, optionTry2:
		return "experimental"
	}
	return "kind_" + strconv.Itoa(int(k))
}

// optionValue is the value of an option whose data lies at offset at.
func (t *tree) optionValue(k layers.TCPOptionKind, at, length int) string {
	switch {
	case k == layers.TCPOptionKindMSS && length == 2:
		return strconv.Itoa(int(t.number(at, 2)))
	case k == layers.TCPOptionKindWindowScale && length == 1:
		return fmt.Sprintf("times %d", 1<<min(t.number(at, 1), 14))
	case k == layers.TCPOptionKindTimestamps && length == 8:
		return fmt.Sprintf("value %d, echo %d", t.number(at, 4), t.number(at+4, 4))
	case k == layers.TCPOptionKindSACK:
		var blocks []string
		for i := 0; i+8 <= length; i += 8 {
			blocks = append(blocks, fmt.Sprintf("%d to %d", t.number(at+i, 4), t.number(at+i+4, 4)))
		}
		return strings.Join(blocks, ", ")
	case k == optionUserTimeout && length == 2:
		n := t.number(at, 2)
		unit := "s"
		if n&0x8000 != 0 {
			unit = "min"
		}
		return fmt.Sprintf("%d %s", n&0x7fff, unit)
	case k == optionMultipath && length >= 1:
		return t.multipath(at, length)
	case k == optionFastOpen:
		return fastOpen(length)
	case k == optionAccECN0 || k == optionAccECN1:
		return t.accECN(at, length, k == optionAccECN1)
	case (k == optionTry1 || k == optionTry2) && length >= 2:
		switch n := t.number(at, 2); n {
		case 0xf989:
			return "Fast Open: " + fastOpen(length-2)
		case 0xacc0, 0xacc1:
			return "AccECN: " + t.accECN(at+2, length-2, n == 0xacc1)
		default:
			return fmt.Sprintf("experiment 0x%04x", n)
		}
	}
	return ""
}

// fastOpen is a cookie of TCP Fast Open, or the request for one (RFC 7413).
func fastOpen(length int) string {
	if length == 0 {
		return "cookie request"
	}
	return fmt.Sprintf("cookie of %d bytes", length)
}

// multipath names the kind of a Multipath TCP option (RFC 8684).
func (t *tree) multipath(at, length int) string {
	names := []string{"MP_CAPABLE", "MP_JOIN", "DSS", "ADD_ADDR", "REMOVE_ADDR", "MP_PRIO", "MP_FAIL", "MP_FASTCLOSE", "MP_TCPRST"}
	subtype, rest := t.number(at, 1)>>4, t.number(at, 1)&15
	switch {
	case int(subtype) >= len(names):
		return fmt.Sprintf("subtype %d", subtype)
	case subtype == 0:
		return fmt.Sprintf("%s, version %d", names[subtype], rest)
	case subtype == 3 && length >= 2:
		return fmt.Sprintf("%s, address %d", names[subtype], t.number(at+1, 1))
	}
	return names[subtype]
}

// accECN are the byte counters of Accurate ECN (RFC 9768), of 24 bits each; the order says which of the two ECT
// counters comes first, and the last ones may be left out.
func (t *tree) accECN(at, length int, order1 bool) string {
	names := []string{"ECT(0)", "CE", "ECT(1)"}
	if order1 {
		names[0], names[2] = names[2], names[0]
	}
	var counts []string
	for i := 0; i < len(names) && 3*i+3 <= length; i++ {
		counts = append(counts, fmt.Sprintf("%s %d", names[i], t.number(at+3*i, 1)<<16|t.number(at+3*i+1, 2)))
	}
	return strings.Join(counts, ", ")
}

func (t *tree) udp(h wire.Span) {
	at := h.At
	t.group("udp", "User Datagram Protocol", at, h.Len, func(t *tree) {
		t.decimal("udp.srcport", at, 2)
		t.decimal("udp.dstport", at+2, 2)
		t.decimal("udp.length", at+4, 2)
		t.hex("udp.checksum", at+6, 2)
	})
}

func (t *tree) icmp(h wire.Span, name string) {
	at := h.At
	t.group(name, "Internet Control Message Protocol", at, h.Len, func(t *tree) {
		typ, code := uint8(t.number(at, 1)), uint8(t.number(at+1, 1))
		meaning := layers.CreateICMPv4TypeCode(typ, code).String()
		if name == string(wire.ProtoICMPv6) {
			meaning = layers.CreateICMPv6TypeCode(typ, code).String()
		}
		t.add(name+".type", fmt.Sprintf("%d (%s)", typ, meaning), at, 1)
		t.decimal(name+".code", at+1, 1)
		t.hex(name+".checksum", at+2, 2)
	})
}

func protoWords(p uint32) string {
	return fmt.Sprintf("%d (%s)", p, layers.IPProtocol(p))
}

// words names the bits that are set, lowest first.
func words(bits uint32, names ...string) string {
	var set []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return "none"
	}
	return strings.Join(set, ", ")
}
